"""Features as an estimator takes them: categories as numbers, gaps filled, numbers rescaled.

A feature is encoded by its kind and by how many values it has, never by its name.
"""

import sys

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    SplineTransformer,
    TargetEncoder,
)

from sql_features.expressions import Kind
from workflow.models.families import Encoding

# A category with more values than this counts as one with many. It is the most that scikit-learn's
# boosted trees take as native categories.
MANY = 255
FOLDS = 5  # of target encoding: a row's value is learned from the other four folds


def build(
    encoding: Encoding,
    kinds: dict[str, Kind],
    cardinality: dict[str, int],
    seed: int,
    *,
    rows: int,
    classes: bool,
) -> ColumnTransformer:
    """Return the unfitted transformer of the features named in `kinds`.

    Args:
        kinds: "number" or "category" by feature.
        cardinality: Distinct values of each categorical feature.
        seed: Of the folds of target encoding.
        rows: How many it will be fitted on.
        classes: Whether targets are codes of classes.

    Returns:
        Its output columns are those of categories with few values, of categories with many, and of
        numbers, in this order.
    """
    categories = [name for name, kind in kinds.items() if kind == "category"]
    many = [name for name in categories if cardinality[name] > MANY]
    few = [name for name in categories if name not in many]
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    values = sum(cardinality[name] for name in categories)
    wide = encoding.widest is not None and values > encoding.widest
    stages = [
        ("few", _category("target" if wide else encoding.few, seed, classes), few),
        ("many", _category("target" if wide else encoding.many, seed, classes), many),
        ("numbers", _number(encoding.number, seed, rows), numbers),
    ]
    return ColumnTransformer([stage for stage in stages if stage[-1]])


def native_columns(encoder: ColumnTransformer) -> list[int]:
    """Return the positions of output columns that the estimator must treat as categories."""
    return [
        position
        for name, transformer, _ in encoder.transformers_
        if isinstance(transformer, OrdinalEncoder)
        for position in range(*encoder.output_indices_[name].indices(sys.maxsize))
    ]


def _category(how: str, seed: int, classes: bool) -> BaseEstimator:
    match how:
        case "one_hot":
            return OneHotEncoder(handle_unknown="ignore")
        case "target":
            folds = StratifiedKFold if classes else KFold
            return TargetEncoder(
                # By "auto", targets of a regression that are whole numbers would count as classes.
                target_type="auto" if classes else "continuous",
                cv=folds(FOLDS, shuffle=True, random_state=seed),
            )
        case "native":
            gap = float("nan")  # a value that was not seen in the fit counts as missing
            return OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=gap, encoded_missing_value=gap
            )


def _number(how: str, seed: int, rows: int) -> BaseEstimator:
    fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    match how:
        case "keep":
            return FunctionTransformer(feature_names_out="one-to-one")
        case "median":
            return fill
        case "normal":
            return make_pipeline(fill, _ranks(seed, rows, output_distribution="normal"))
        case "spline":
            bend = SplineTransformer(
                n_knots=20, degree=1, extrapolation="constant", sparse_output=True
            )
            return make_pipeline(fill, _ranks(seed, rows), bend)


def _ranks(seed: int, rows: int, **options: str) -> QuantileTransformer:
    quantiles = min(200, rows)
    return QuantileTransformer(n_quantiles=quantiles, subsample=None, random_state=seed, **options)
