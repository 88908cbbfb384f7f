from pathlib import Path

import pandas as pd
from splits_of import written

from workflow.data.parquet import scan_parquet
from workflow.data.splits import Splits
from workflow.promotion.seen_rows import seen_rows


def seen(rows: pd.DataFrame, train: pd.DataFrame, folder: Path) -> list[bool]:
    (folder / "splits").mkdir()
    validation = train.iloc[:0].assign(target=train["target"].iloc[:0])
    written({"train": train, "validation": validation}, folder / "splits")
    path = written({"test": rows}, folder)["test"]
    found = seen_rows(scan_parquet([path]), Splits("runs:/1/splits", folder / "splits"))
    return found.tolist()


def test_rows_equal_in_all_that_both_tables_have_were_seen(tmp_path):
    rows = pd.DataFrame({"x": [1, 2, 3], "Colour": ["red", None, "red"], "target": [1.0, 2.0, 3.0]})
    train = pd.DataFrame(
        {"colour": [None, "red", "red"], "X": [2.0, 3.0, 1.5], "more": 0, "target": [2, 4, 1]}
    )
    assert seen(rows, train, tmp_path) == [False, True, False]


def test_no_row_was_seen_where_only_the_target_is_in_both(tmp_path):
    rows = pd.DataFrame({"x": [1, 2], "target": [1.0, 2.0]})
    assert seen(rows, pd.DataFrame({"y": [5], "target": [1.0]}), tmp_path) == [False, False]
