"""The names of the model families, apart from what the families are made of.

A dataset file may name families, and who only checks their names must not depend on their defaults:
else preprocess would run again whenever one of these changes.
"""

FAMILY_NAMES = (
    "linear",
    "kneighbors",
    "random_forest",
    "gradient_boosting",
    "lightgbm",
    "xgboost",
)
