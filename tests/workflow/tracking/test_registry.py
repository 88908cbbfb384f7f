import numpy as np
import pandas as pd

from sql_features.errors import WorkflowError
from workflow.data.dataset import Dataset
from workflow.data.row_clusters import RowClusters
from workflow.data.split_rules import ByHash
from workflow.evaluation.comparison import compare_with_baseline
from workflow.models.metrics import METRICS
from workflow.tracking.registry import check_gates

MAE = METRICS["regression"]["mae"]


def said(
    better_by: np.ndarray,
    clusters: RowClusters | None = None,
    val: float = 9.0,
    **definition: object,
) -> str:
    """Return why a model is refused whose absolute errors are so much smaller than 10, or ""."""
    y = np.zeros(len(better_by))
    comparison = compare_with_baseline(
        MAE,
        (y, 10 - better_by),
        (y, y + 10),
        clusters=clusters or RowClusters(np.arange(len(y)), "rows"),
        seed=0,
    )
    winner = {"run": "trial-003", "family": "linear", "val_mae": val, "test_mae": comparison.score}
    baseline = {"run": "baseline", "val_mae": 10.0, "test_mae": comparison.reference}
    given = {"name": "a", "task": "regression", "data": "/", "split": ByHash(), "target": "y",
             "features": {"x": "x"}}  # fmt: skip
    try:
        check_gates(
            pd.Series(winner), pd.Series(baseline), comparison, Dataset(**given | definition)
        )
    except WorkflowError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


def gained(mean: float, rows: int) -> np.ndarray:
    """Return gains of exactly this mean and a standard deviation of 1, alike in every seed."""
    values = np.random.default_rng(0).normal(size=rows)
    return mean + (values - values.mean()) / values.std()


def test_what_is_better_by_more_than_chance_passes():
    assert said(gained(0.3, 300)) == ""


def test_what_is_better_by_chance_is_refused_with_the_rows_needed():
    assert said(gained(0.08, 300)).startswith(
        "nothing is registered: trial-003 (linear) is not better than the baseline by more than "
        "chance: test_mae 9.92 against 10 on 300 rows (one-sided p = 0.09, less than"
    )
    needed = "less than 0.01 is needed); about 1,600 test rows would tell. Give more rows, or look"
    assert needed in said(gained(0.08, 300))


def test_what_is_no_better_is_refused_as_before():
    for line in (said(gained(-0.1, 300)), said(np.zeros(300)), said(gained(1, 300), val=10)):
        assert "no better than 10 of the baseline, which knows no feature." in line


def test_too_few_rows_are_refused_however_good_the_model_is():
    line = said(gained(5, 12))
    assert "on 12 rows (at least 20 are needed); about 20 test rows would tell. Give more" in line


def test_clusters_are_what_counts_and_are_named():
    days = RowClusters(np.arange(300) // 30, "days")
    line = said(gained(1, 300), days)
    assert "on 300 rows in 10 days (at least 20 are needed); about 600 test rows would" in line


def test_a_threshold_is_checked_of_what_is_better():
    line = said(gained(0.3, 300), thresholds={"mae": 5})
    assert "has test_mae 9.7, worse than the threshold 5 in dataset 'a'" in line
    assert said(gained(0.3, 300), thresholds={"mae": 9.8}) == ""
