from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from splits_of import written

from sql_features.expressions import connect
from workflow.checks.finding import Finding
from workflow.checks.gaps import leaking_gaps
from workflow.checks.split_scan import scan_splits

RANDOM = np.random.default_rng(5)


def found(folder: Path, task: str, target: object, **columns: object) -> list[Finding]:
    frame = pd.DataFrame({**columns, "target": target})
    paths = written(dict.fromkeys(("train", "validation", "test"), frame), folder)
    with connect() as connection:
        (train, *_), _ = scan_splits(connection, paths, task, {name: name for name in columns})
        return list(leaking_gaps(connection, train, task))


@pytest.mark.parametrize("rows", [20, 500])
@pytest.mark.parametrize("values", [1.5, "moved", pd.Timestamp("2024-01-31"), True])
def test_a_column_that_is_filled_for_one_class_only_is_warned_of(tmp_path, rows, values):
    churn = np.arange(rows) % 3 == 0
    closed = pd.Series([values] * rows).where(churn)
    other = pd.Series(RANDOM.normal(size=rows)).where(RANDOM.random(rows) < 0.6)
    labels = np.where(churn, "yes", "no")
    (one,) = found(tmp_path, "binary", labels, closed=closed, other=other)
    assert (one.level, one.column) == ("warning", "closed")
    assert one.message == (
        "column 'closed' gives the target away in train, filled exactly where the target is 'yes': "
        "leave it out, unless its gaps are known before the target."
    )


def test_gaps_by_chance_are_no_warning(tmp_path):
    gaps = {
        f"c{n}": pd.Series(RANDOM.normal(size=60)).where(RANDOM.random(60) < 0.5) for n in range(40)
    }
    (one,) = found(tmp_path, "binary", RANDOM.choice(["a", "b"], 60), **gaps)
    assert (one.level, one.message) == ("ok", "no column's gaps give the target away in train.")
    (one,) = found(tmp_path, "regression", RANDOM.normal(size=60), **gaps)
    assert one.level == "ok"
