import gzip
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from table_files import write_table

from sql_features.errors import WorkflowError
from workflow.data.clean_rows import in_one_line
from workflow.data.column_reading import Reading
from workflow.data.dataset import Dataset
from workflow.data.new_rows import NewRows, open_rows, write_labelled
from workflow.data.row_clusters import row_clusters
from workflow.data.split_rules import SPLITS, ByFiles, ByHash, ByTime

FILES = ByFiles(**{split: split for split in SPLITS})
TYPES = {"x": "BIGINT", "zone": "VARCHAR", "y": "DOUBLE"}
FRAME = pd.DataFrame({"x": [10, 20, 30], "zone": ["a", None, "c"], "y": [1.5, 2.5, None]})


def a_dataset(**changes: object) -> Dataset:
    given = {
        "name": "d",
        "task": "regression",
        "data": "/data",
        "split": FILES,
        "target": "y * 2",
        "features": {"x": "x", "zone": "zone"},
    }
    return Dataset(**given | changes)


def rows_of(path: Path, types: dict[str, str] = TYPES, **changes: object) -> NewRows:
    folder = path.parent / "copies"
    folder.mkdir(exist_ok=True)
    return open_rows(str(path), a_dataset(**changes), types, folder)


def read(rows: NewRows, misfits: str = "refuse") -> list[tuple]:
    with in_one_line(f"data {rows.name}"):
        return duckdb.sql(f"FROM {rows.as_trained(misfits)}").fetchall()


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_rows_of_every_kind_have_the_types_of_training(tmp_path, kind):
    rows = rows_of(write_table(FRAME, tmp_path / f"new.{kind}"))
    assert read(rows) == [(10, "a", 1.5), (20, None, 2.5), (30, "c", None)]
    assert rows.name == f"new.{kind}"
    assert rows.count() == 3
    assert list(rows.identities) == [str(tmp_path / f"new.{kind}")]


def test_frames_come_in_the_order_of_the_rows_with_the_spelling_of_training(tmp_path):
    frame = pd.DataFrame({"X": range(10_000), "other": "o", "ZONE": "a"})
    rows = rows_of(write_table(frame, tmp_path / "new.parquet"))
    frames = list(rows.frames(["zone", "x", "y", "other"], 4_096))
    assert [len(one) for one in frames] == [4096, 4096, 1808]
    assert list(frames[0]) == ["zone", "x", "other"]
    assert pd.concat(frames)["x"].tolist() == list(range(10_000))
    assert rows.absent == ["y"]


def test_cells_of_a_csv_file_reach_the_model_as_the_texts_they_are(tmp_path):
    path = tmp_path / "new.csv.gz"
    path.write_bytes(gzip.compress(b"x,zone\n1,007\nmany,NA\n"))
    (frame,) = rows_of(path).frames(["x", "zone"], 10)
    assert frame["x"].tolist() == ["1", "many"]
    assert frame["zone"].isna().tolist() == [False, True]


def test_a_value_that_does_not_fit_is_refused_by_name_or_missing(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.5], "zone": [1, 2]})
    rows = rows_of(write_table(frame, tmp_path / "new.parquet"))
    with pytest.raises(WorkflowError, match=r"^data new\.parquet: .* in column x: 2\.5"):
        read(rows)
    assert read(rows, "missing") == [(1, "1", None), (None, "2", None)]


def test_texts_are_read_as_in_training(tmp_path):
    frame = pd.DataFrame({"x": ["1.234", "-", "b"], "zone": "a", "y": 1.0})
    reading = Reading(type="BIGINT", decimal=",", group=".", missing=("-",))
    rows = rows_of(write_table(frame, tmp_path / "new.csv"), columns={"X": reading})
    with pytest.raises(WorkflowError, match=r"column x is read as BIGINT .* does not fit b"):
        read(rows)
    assert [x for x, *_ in read(rows, "missing")] == [1234, None, None]


def test_a_column_that_some_files_lack_is_told(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    write_table(FRAME, folder / "a.parquet")
    write_table(FRAME.drop(columns="zone"), folder / "b.parquet")
    rows = rows_of(folder)
    assert rows.name == "2 files"
    assert list(rows.partly_absent) == ["zone"]
    write_table(pd.DataFrame({"lookup": [1]}), folder / "b.parquet")
    with pytest.raises(WorkflowError, match=r"data file 'b\.parquet' lacks most columns"):
        _ = rows_of(folder).partly_absent


def labelled(rows: NewRows, folder: Path):
    folder.mkdir()
    return write_labelled(rows, folder)


def test_labelled_rows_are_those_of_the_definitions_own_filter(tmp_path):
    path = write_table(FRAME, tmp_path / "new.csv")
    splits, report = labelled(rows_of(path, where="target > 3 AND x < 100"), tmp_path / "out")
    raw, target = splits.read("test", ["x", "zone"])
    assert (raw["x"].tolist(), target.tolist()) == ([20], [5.0])
    assert report.rows_read == 3
    assert report.dropped == {"target missing": 1, "not where target > 3 AND x < 100": 1}
    assert splits.columns == TYPES
    assert row_clusters(splits, "test").kind == "rows"


def test_a_column_that_no_feature_needs_may_be_absent_but_the_targets_may_not(tmp_path):
    path = write_table(FRAME.drop(columns="zone"), tmp_path / "new.parquet")
    splits, report = labelled(rows_of(path), tmp_path / "out")
    assert report.rows == 2
    assert splits.read("test", ["zone"])[0]["zone"].isna().all()
    path = write_table(FRAME.drop(columns="y"), tmp_path / "other.parquet")
    with pytest.raises(WorkflowError, match=r"unknown column in other\.parquet, which `target`"):
        labelled(rows_of(path), tmp_path / "more")


def test_labelled_rows_are_in_order_of_time_and_clustered_by_day(tmp_path):
    times = pd.date_range("2024-01-01", periods=60, freq="D")[::-1]
    frame = pd.DataFrame({"t": times.repeat(2), "x": 1, "zone": "a", "y": 1.0})
    path = write_table(frame, tmp_path / "new.parquet")
    types = TYPES | {"t": "TIMESTAMP"}
    splits, _ = labelled(rows_of(path, types, split=ByTime(column="t")), tmp_path / "out")
    assert splits.moments("test").is_monotonic_increasing
    assert (row_clusters(splits, "test").kind, row_clusters(splits, "test").count) == ("days", 60)
    rows = rows_of(write_table(frame.drop(columns="t"), tmp_path / "no.parquet"), types,
                   split=ByTime(column="t"))  # fmt: skip
    splits, report = labelled(rows, tmp_path / "untimed")
    assert (report.rows, row_clusters(splits, "test").kind) == (120, "rows")


def test_labelled_rows_alike_in_the_key_are_one_cluster(tmp_path):
    frame = pd.DataFrame({"x": [1, 1, 2, 3], "zone": "a", "y": 1.0})
    path = write_table(frame, tmp_path / "new.parquet")
    splits, _ = labelled(rows_of(path, split=ByHash(key=("x",))), tmp_path / "out")
    assert row_clusters(splits, "test").ids.tolist() == [0, 0, 1, 2]
