"""What the workflow decides before it starts a step; tests/test_workflow.py runs it."""

import pytest

from main import families_to_search


@pytest.mark.parametrize(
    ("tune", "searched"),
    [
        (["best"], ["lightgbm"]),
        (["all"], ["linear", "lightgbm"]),
        (["best", "all"], ["linear", "lightgbm"]),
        (["xgboost"], ["xgboost"]),
        (["best", "linear"], ["lightgbm", "linear"]),
        (["best", "lightgbm"], ["lightgbm"]),
    ],
)
def test_tune_stands_for_families(tune, searched):
    assert families_to_search(tune, ["linear", "lightgbm"], best="lightgbm") == searched
