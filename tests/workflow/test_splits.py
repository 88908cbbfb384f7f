import gzip
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from workflow.dataset import SPLITS, Dataset
from workflow.errors import WorkflowError
from workflow.splits import READERS, digest, read_split, scan, split_columns, write_splits

FRAME = pd.DataFrame({"y": [1.0, 2.0], "x": [10, 20]})


def a_dataset(**changes: object) -> Dataset:
    given = {
        "name": "d",
        "task": "regression",
        "data": "/data",
        "split": {split: split for split in SPLITS},
        "target": "y",
        "features": {"x": "x"},
    }
    return Dataset(**given | changes)


class Maker:
    """Writes raw files, and splits of them."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.out = folder / "raw", folder / "splits"
        self.raw.mkdir()
        self.out.mkdir()

    def files(self, *contents: pd.DataFrame | str | bytes, suffix: str) -> dict[str, Path]:
        paths = {}
        for split, content in zip(SPLITS, contents * (3 // len(contents)), strict=True):
            paths[split] = self.raw / f"{split}{suffix}"
            if isinstance(content, pd.DataFrame):
                content.to_parquet(paths[split])
            else:
                paths[split].write_bytes(content.encode() if isinstance(content, str) else content)
        return paths

    def write(self, *contents: object, suffix: str = ".parquet", **changes: object) -> dict:
        return write_splits(a_dataset(**changes), self.files(*contents, suffix=suffix), self.out)

    def refusal(self, *contents: object, suffix: str = ".parquet", **changes: object) -> str:
        with pytest.raises(WorkflowError) as caught:
            self.write(*contents, suffix=suffix, **changes)
        return str(caught.value)

    def rows(self, split: str) -> list[tuple]:
        return duckdb.sql(f"FROM '{self.out}/{split}.parquet'").fetchall()

    @property
    def written(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir())


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def test_three_splits_are_written_with_the_raw_columns_and_the_target(maker):
    frame = FRAME.assign(unused=1)
    maker.write(frame, features={"x": "x"}, target="y * 10")
    assert maker.written == ["test.parquet", "train.parquet", "validation.parquet"]
    for split in SPLITS:
        assert maker.rows(split) == [(1.0, 10, 10.0), (2.0, 20, 20.0)]
    assert split_columns(maker.out / "train.parquet") == {"y": "DOUBLE", "x": "BIGINT"}


def test_rows_left_out_are_counted_by_the_first_reason_that_holds(maker):
    frame = pd.DataFrame(
        {
            "y": [1, None, np.nan, np.inf, -np.inf, 5, 70, None],
            "x": [2, 2, 2, 2, 2, None, 1, 0],  # the sixth is NULL, the seventh false
        }
    )
    report = maker.write(frame, where="x > 1")["train"]
    assert report.rows_read == 8
    assert report.dropped == {"target missing": 5, "not where x > 1": 2}
    assert report.rows == 1
    assert maker.rows("train") == [(1.0, 2.0, 1.0)]


def test_each_split_has_counts_of_its_own(maker):
    reports = maker.write(FRAME, FRAME.head(1), FRAME.tail(1))
    assert [report.rows for report in reports.values()] == [2, 1, 1]
    assert list(reports) == list(SPLITS)


def test_where_may_name_the_target(maker):
    maker.write(FRAME, target="y * 10", where="target > 10 AND x > 0")
    assert maker.rows("test") == [(2.0, 20, 20.0)]


def test_where_may_name_the_target_in_any_case(maker):
    maker.write(FRAME, where="TARGET > 1")
    assert len(maker.rows("test")) == 1


def test_rows_stay_in_the_order_of_the_raw_file(maker):
    order = np.random.default_rng(0).permutation(150_000)
    maker.write(pd.DataFrame({"y": order * 1.0, "x": order}), where="x % 3 = 0")
    frame, target = read_split(maker.out / "train.parquet", ["x"])
    kept = order[order % 3 == 0]
    assert (frame["x"].to_numpy() == kept).all()
    assert (target.to_numpy() == kept).all()


def test_the_types_of_train_hold_in_every_split(maker):
    integers = FRAME.astype({"x": "int64"})
    maker.write(integers, integers.astype({"x": "int32"}), integers.astype({"x": "float64"}))
    for split in SPLITS:
        assert split_columns(maker.out / f"{split}.parquet") == {"y": "DOUBLE", "x": "BIGINT"}
        assert [row[1] for row in maker.rows(split)] == [10, 20]


def test_a_gap_in_a_column_of_whole_numbers_stays_a_gap(maker):
    gaps = FRAME.assign(x=[np.nan, 20.0])
    maker.write(FRAME, gaps, gaps)
    frame, _ = read_split(maker.out / "test.parquet", ["x"])
    assert frame["x"].isna().tolist() == [True, False]


def test_a_fraction_where_train_has_whole_numbers_is_not_rounded_in_silence(maker):
    message = maker.refusal(FRAME, FRAME.assign(x=[10.5, 20.0]), FRAME)
    assert message.startswith("validation split, validation.parquet: ")


def test_a_value_that_does_not_fit_the_type_of_train_is_refused_with_split_and_column(maker):
    texts = FRAME.assign(x=["1", "many"])
    message = maker.refusal(FRAME, texts, FRAME)
    assert message.startswith("validation split, validation.parquet: ")
    assert "Could not convert string 'many' to INT64 when casting from source column x" in message


def test_a_missing_column_is_refused_with_the_nearest_before_a_row_is_written(maker):
    message = maker.refusal(FRAME, FRAME, FRAME.rename(columns={"x": "xx"}))
    assert message.startswith("unknown column in the test file test.parquet")
    assert "'x': did you mean 'xx'? Allowed: y, xx." in message
    assert maker.written == []


def test_columns_are_spelled_as_in_train_and_found_in_any_case(maker):
    upper = FRAME.rename(columns=str.upper)
    maker.write(FRAME, upper, upper, features={"double": "X * 2"}, target="Y")
    assert list(split_columns(maker.out / "test.parquet")) == ["y", "x"]
    assert maker.rows("test") == maker.rows("train")


def test_columns_may_have_any_name(maker):
    name = """it's a "trip" -- ü"""
    quoted = '"' + name.replace('"', '""') + '"'
    maker.write(FRAME.rename(columns={"x": name}), features={"f": quoted})
    frame, _ = read_split(maker.out / "train.parquet", [name])
    assert frame[name].tolist() == [10, 20]


def test_comments_in_expressions_hide_nothing_after_them(maker):
    maker.write(FRAME, target="y -- minutes", where="x > 10 -- no more", features={"x": "x -- m"})
    assert maker.rows("train") == [(2.0, 20, 2.0)]


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_with_no_row_left_is_refused_with_the_counts(maker, split):
    empty = pd.DataFrame({"y": [None, -1.0, -2.0], "x": [1, 2, 3]})
    contents = [empty if one == split else FRAME for one in SPLITS]
    assert maker.refusal(*contents, where="target > 0") == (
        f"the {split} split is empty: of 3 rows in {split}.parquet none is left (1 target missing, "
        "2 not where target > 0). Change `where`, `target` or the data."
    )


def test_a_file_of_no_rows_is_refused(maker):
    message = maker.refusal(FRAME.head(0))
    assert message.startswith("the train split is empty: of 0 rows in train.parquet none is left")


@pytest.mark.parametrize(
    ("column", "type"), [(["a", "b"], "VARCHAR"), (pd.to_datetime(["2020", "2021"]), "TIMESTAMP")]
)
def test_a_target_that_is_no_number_is_refused_with_its_type(maker, column, type):
    message = maker.refusal(FRAME.assign(y=column))
    assert message == f"target is of type {type}; a regression needs a number."
    assert maker.written == []


@pytest.mark.parametrize(("where", "type"), [("x", "BIGINT"), ("x + target", "DOUBLE")])
def test_a_where_that_is_not_true_or_false_is_refused_with_its_type(maker, where, type):
    message = maker.refusal(FRAME, where=where)
    assert message == f"where is of type {type}; it must be true or false."


def test_a_feature_of_a_time_is_refused_with_the_cure(maker):
    message = maker.refusal(FRAME.assign(x=pd.to_datetime(["2020", "2021"])))
    assert message.startswith("feature 'x' is of type TIMESTAMP, neither a number nor text: ")
    assert "hour(x)" in message
    assert maker.written == []


@pytest.mark.parametrize(
    ("expression", "start"),
    [
        ({"target": "nosuch(y)"}, "target does not fit the data: 'nosuch(y)': "),
        ({"where": "y > 'x' || x"}, "where does not fit the data: "),
        ({"features": {"f": "x || y || [x]"}}, "feature 'f' does not fit the data: "),
        ({"target": "geomean(y)"}, "target is not row-wise: 'geomean(y)' gathers many rows"),
    ],
)
def test_expressions_are_bound_before_a_row_is_written(maker, expression, start):
    assert maker.refusal(FRAME, **expression).startswith(start)
    assert maker.written == []


@pytest.mark.parametrize("name", ["target", "Target"])
def test_a_raw_column_named_target_is_refused_where_it_is_used(maker, name):
    frame = FRAME.rename(columns={"x": name})
    assert maker.refusal(frame, features={"f": name}) == (
        "a raw column named 'target' is used by the dataset's SQL, where that name means the "
        "target: rename the column."
    )


def test_a_raw_column_named_target_is_passed_over_where_it_is_not_used(maker):
    maker.write(FRAME.assign(target=9.0), where="target < 2")
    assert maker.rows("train") == [(1.0, 10, 1.0)]


def test_a_feature_may_not_name_the_target(maker):
    message = maker.refusal(FRAME, features={"leak": "target"})
    assert message.startswith("unknown column in the train file train.parquet")
    assert "'target'" in message


def test_a_target_that_fails_on_a_row_is_refused_with_the_split(maker):
    message = maker.refusal(FRAME.assign(y=["1", "zz"]), target="CAST(y AS DOUBLE)")
    assert message.startswith("train split, train.parquet: Conversion Error: ")
    assert "Could not convert string 'zz' to DOUBLE" in message


CSV = "y,x\n1,a\n2,b\n"
LINES = '{"y": 1, "x": "a"}\n{"y": 2, "x": "b"}\n'


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (CSV, ".csv"),
        (CSV, ".CSV"),
        (gzip.compress(CSV.encode()), ".csv.gz"),
        (CSV.replace(",", ";"), ".csv"),
        (CSV.replace("\n", "\r\n"), ".csv"),
        (LINES, ".jsonl"),
        (LINES, ".ndjson"),
        (pd.DataFrame({"y": [1, 2], "x": ["a", "b"]}), ".parquet"),
    ],
    ids=["csv", "upper case", "gzip", "semicolons", "crlf", "jsonl", "ndjson", "parquet"],
)
def test_each_kind_of_file_gives_the_same_split(maker, content, suffix):
    maker.write(content, suffix=suffix)
    assert maker.rows("train") == [(1, "a", 1.0), (2, "b", 2.0)]


def test_a_kind_of_file_that_is_not_read_is_refused_with_those_that_are(maker):
    assert maker.refusal("PK", suffix=".xlsx") == (
        "data file 'train.xlsx': give one of .parquet, .csv, .csv.gz, .jsonl, .ndjson."
    )


@pytest.mark.parametrize("name", ["a.parquet", "b.csv", "c.csv.gz", "d.jsonl", "e.ndjson"])
def test_every_reader_is_given_the_quoted_path(name):
    assert f"'/it''s/{name}'" in scan(Path("/it's", name))
    assert name.partition(".")[1] + name.partition(".")[2] in READERS


@pytest.mark.parametrize(
    ("content", "suffix"),
    [("nothing of the kind", ".parquet"), ('{"y": 1, "x"\n', ".jsonl"), (b"\x1f\x8b", ".csv.gz")],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(maker, content, suffix):
    message = maker.refusal(content, suffix=suffix)
    assert message.startswith("data: ")
    assert f"train{suffix}" in message
    assert "\n" not in message
    assert maker.written == []


def test_an_empty_csv_is_refused(maker):
    assert "train.csv" in maker.refusal("", suffix=".csv")


def test_a_late_value_in_a_csv_that_does_not_fit_is_refused_with_the_column(maker):
    message = maker.refusal("y,x\n" + "1,1\n" * 30_000 + "1,many\n", suffix=".csv")
    assert message.startswith("train split, train.csv: ")
    assert "many" in message


def test_a_file_name_is_no_pattern(maker):
    files = maker.files(FRAME, suffix="[1].parquet")
    for split, path in files.items():
        FRAME.assign(x=99).to_parquet(path.with_name(f"{split}1.parquet"))
    write_splits(a_dataset(), files, maker.out)
    assert [row[1] for row in maker.rows("train")] == [10, 20]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_same_files_give_the_same_bytes(maker, tmp_path, suffix):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": rng.random(50_000), "x": rng.integers(0, 300, 50_000)})
    content = frame if suffix == ".parquet" else frame.to_csv(index=False)
    files = maker.files(content, suffix=suffix)
    again = tmp_path / "again"
    again.mkdir()
    for folder in (maker.out, again):
        write_splits(a_dataset(where="x > 10"), files, folder)
    for split in SPLITS:
        assert digest(maker.out / f"{split}.parquet") == digest(again / f"{split}.parquet")


def test_a_digest_is_short_enough_for_mlflow_and_follows_the_content(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"one")
    first = digest(path)
    path.write_bytes(b"two")
    assert len(first) == 32
    assert digest(path) != first


def test_reading_a_split_gives_the_columns_asked_for_and_the_target(maker):
    maker.write(FRAME.assign(z="c"), features={"x": "x", "z": "z"})
    frame, target = read_split(maker.out / "train.parquet", ["z", "x"])
    assert frame.to_dict("list") == {"z": ["c", "c"], "x": [10, 20]}
    assert target.tolist() == [1.0, 2.0]
    nothing, target = read_split(maker.out / "train.parquet", [])
    assert list(nothing) == []
    assert target.tolist() == [1.0, 2.0]
