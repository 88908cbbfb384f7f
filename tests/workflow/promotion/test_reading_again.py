"""A column that no feature names, read again for the rows of a test split."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow.data import split_writer
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.split_rules import ByFiles, ByHash, ByTime
from workflow.data.splits import DEFINITION, WHOLE, Splits
from workflow.promotion.errors import NotComparable
from workflow.promotion.reading_again import columns_of_test

FILES = ByFiles(train="train.parquet", validation="validation.parquet", test="test.parquet")


def made(rule: object, folder: Path) -> Splits:
    """Write a table and its splits; z is 10 x, and the definition does not name it."""
    rng = np.random.default_rng(0)
    x = rng.permutation(500).astype("float64")
    frame = pd.DataFrame({"x": x, "when": x % 7, "z": 10 * x, "y": rng.normal(size=500)})
    raw, out = folder / "raw", folder / "splits"
    raw.mkdir()
    out.mkdir()
    if isinstance(rule, ByFiles):
        files = {split: [raw / name] for split, name in rule.files.items()}
        parts = (frame[:300], frame[300:400], frame[400:])
        for (path,), part in zip(files.values(), parts, strict=True):
            part.to_parquet(path)
        data = str(raw)
    else:
        files = {WHOLE: [raw / "table.parquet"]}
        frame.to_parquet(raw / "table.parquet")
        data = str(raw / "table.parquet")
    dataset = Dataset(
        name="a", task="regression", data=data, split=rule, target="y", where="x <> 3",
        features={"x": "x"},
    )  # fmt: skip
    rows = split_writer.read_raw(dataset, files)
    dataset = split_writer.with_key(dataset, rows)
    split_writer.write_splits(dataset, rows, out)
    (out / DEFINITION).write_text(to_yaml(dataset))
    return Splits("runs:/1/splits", out)


@pytest.mark.parametrize("rule", [ByHash(), ByTime(column='"when"'), FILES], ids=type)
def test_the_rows_of_the_test_split_are_found_again(tmp_path, rule):
    splits = made(rule, tmp_path)
    x = splits.read("test", ["x"])[0]["x"]
    found = columns_of_test(splits, {"z": "DOUBLE"})
    assert len(found) > 50
    np.testing.assert_array_equal(found["z"], 10 * x)


def test_data_that_have_changed_are_not_taken_for_the_same(tmp_path):
    splits = made(ByHash(), tmp_path)
    path = tmp_path / "raw/table.parquet"
    pd.read_parquet(path).assign(y=1.0).to_parquet(path)
    with pytest.raises(NotComparable, match=r"^it needs the columns z, .* table.parquet is not as"):
        columns_of_test(splits, {"z": "DOUBLE"})
    with pytest.raises(NotComparable, match=r"^it needs the columns w, which table\.parquet lacks"):
        columns_of_test(splits, {"w": "DOUBLE"})
