import pandas as pd

from workflow.training.trial_columns import hyperparameters


def test_only_columns_with_several_values_are_hyperparameters():
    about = {"trial": range(9), "run": "t", "family": "x", "run_id": range(9)}
    searched = {"rate": range(9), "depth": [1, *[2] * 8], "how": ["a", "b", "c"] * 3, "fixed": 1}
    table = pd.DataFrame(about | searched | {"fit_seconds": range(9), "rmse": range(9)})
    assert hyperparameters(table, "rmse") == ["rate", "depth", "how"]
