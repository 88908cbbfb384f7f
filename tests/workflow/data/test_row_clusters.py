from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.row_clusters import RowClusters, row_clusters
from workflow.data.split_rules import SPLITS, ByFiles, ByHash, ByTime, Split
from workflow.data.splits import POSITION, Splits

ROWS = 100
FILES = ByFiles(train="a.csv", validation="b.csv", test="c.csv")


def clusters(folder: Path, rule: Split, **columns: object) -> RowClusters:
    """Return the clusters of a test split with these columns."""
    dataset = Dataset(
        name="a", task="regression", data="/", split=rule, target="y", features={"x": "x"}
    )
    (folder / "dataset.yaml").write_text(to_yaml(dataset), encoding="utf-8")
    frame = pd.DataFrame({"x": np.arange(ROWS), "target": 0.5} | columns)
    for split in SPLITS:
        frame.to_parquet(folder / f"{split}.parquet", index=False)
    return row_clusters(Splits("runs:/none/splits", folder), "test")


def test_without_a_rule_each_row_is_a_cluster(tmp_path):
    found = clusters(tmp_path, FILES)
    assert (found.count, found.kind) == (ROWS, "rows")


def test_rows_with_equal_keys_of_a_hash_split_are_one_cluster(tmp_path):
    keys = np.arange(ROWS) % 30
    found = clusters(tmp_path, ByHash(key=("x",)), **{POSITION: np.sqrt(keys) / 10})
    assert (found.count, found.kind) == (30, "groups of one key")
    assert len(set(zip(keys, found.ids, strict=True))) == 30


def test_rows_of_a_hash_split_that_all_differ_are_clusters_each(tmp_path):
    found = clusters(tmp_path, ByHash(), **{POSITION: np.linspace(0, 0.9, ROWS)})
    assert (found.count, found.kind) == (ROWS, "rows")


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_rows_split_by_time_are_clustered_by_the_day_of_utc(tmp_path, zone):
    times = pd.date_range("2023-01-01", periods=ROWS, freq="6h", tz="UTC")
    found = clusters(
        tmp_path,
        ByTime(column="moment"),
        moment=times.tz_convert(zone) if zone else times.tz_localize(None),
    )
    assert (found.count, found.kind) == (25, "days")
    assert list(found.ids) == [row // 4 for row in range(ROWS)]


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2023-01-01", periods=ROWS, freq="1h"),  # five days
        np.arange(ROWS) / 2,
        np.arange(ROWS) // 50,
    ],
)
def test_few_days_or_numbers_are_cut_into_stretches_of_time(tmp_path, times):
    found = clusters(tmp_path, ByTime(column="moment"), moment=times)
    assert (found.count, found.kind) == (20, "stretches of time")
    assert list(found.ids) == [row // 5 for row in range(ROWS)]


def test_too_few_rows_for_stretches_of_time_are_clusters_each(tmp_path):
    rule, moments = ByTime(column="moment"), np.arange(ROWS)
    clusters(tmp_path, rule, moment=moments)
    path = tmp_path / "test.parquet"
    pd.read_parquet(path).head(39).to_parquet(path)
    found = row_clusters(Splits("runs:/none/splits", tmp_path), "test")
    assert (found.count, found.kind) == (39, "rows")
