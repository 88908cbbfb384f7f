import gzip
from itertools import chain, pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from sql_features.transformer import SqlFeatures
from workflow import digests
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.split_rules import SPLITS, ByFiles, ByHash, ByTime
from workflow.data.split_writer import read_raw, with_key, write_splits
from workflow.data.splits import POSITION, WHOLE, Splits, split_columns

FRAME = pd.DataFrame({"y": [1.0, 2.0], "x": [10, 20]})


def a_dataset(**changes: object) -> Dataset:
    given = {
        "name": "d",
        "task": "regression",
        "data": "/data",
        "split": ByFiles(**{split: split for split in SPLITS}),
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

    def file(self, name: str, content: pd.DataFrame | str | bytes) -> Path:
        path = self.raw / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def files(self, *contents: pd.DataFrame | str | bytes, suffix: str) -> dict[str, list[Path]]:
        each = contents * (3 // len(contents))
        return {
            split: [self.file(f"{split}{suffix}", content)]
            for split, content in zip(SPLITS, each, strict=True)
        }

    def write(self, *contents: object, suffix: str = ".parquet", **changes: object) -> dict:
        return prepare(a_dataset(**changes), self.files(*contents, suffix=suffix), self.out)

    def table(self, *contents: object, suffix: str = ".parquet", **changes: object) -> dict:
        """Split one table, of as many files as there are contents, by a rule."""
        files = [self.file(f"part-{n}{suffix}", one) for n, one in enumerate(contents)]
        changes.setdefault("split", ByHash())
        return prepare(a_dataset(**changes), {WHOLE: files}, self.out)

    def refusal(self, *contents: object, suffix: str = ".parquet", **changes: object) -> str:
        ruled = not isinstance(changes.get("split", ByFiles(**dict.fromkeys(SPLITS, ""))), ByFiles)
        with pytest.raises(WorkflowError) as caught:
            (self.table if ruled else self.write)(*contents, suffix=suffix, **changes)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    @property
    def splits(self) -> Splits:
        return Splits("runs:/none/splits", self.out)

    def rows(self, split: str) -> list[tuple]:
        return duckdb.sql(f"FROM '{self.out}/{split}.parquet'").fetchall()

    def values(self, split: str, column: str = "x") -> list:
        quoted = '"' + column.replace('"', '""') + '"'
        found = duckdb.sql(f"SELECT {quoted} FROM '{self.out}/{split}.parquet'").fetchall()
        return [value for (value,) in found]

    def where(self, column: str = "x") -> dict:
        """Return the split of each value of a column."""
        return {value: split for split in SPLITS for value in self.values(split, column)}

    def targets(self, split: str) -> list:
        return self.values(split, "target")

    @property
    def written(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir())


def prepare(dataset: Dataset, files: dict[str, list[Path]], folder: Path) -> dict:
    return write_splits(dataset, read_raw(dataset, files), folder)


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
    frame, target = maker.splits.read("train", ["x"])
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
    frame, _ = maker.splits.read("test", ["x"])
    assert frame["x"].isna().tolist() == [True, False]


def test_a_fraction_where_train_has_integers_is_refused(maker):
    message = maker.refusal(FRAME, FRAME.assign(x=[10.5, 20.0]), FRAME)
    assert message.startswith("validation split, validation.parquet: ")


def test_a_value_that_does_not_fit_trains_type_is_refused(maker):
    texts = FRAME.assign(x=["1", "many"])
    message = maker.refusal(FRAME, texts, FRAME)
    assert message.startswith("validation split, validation.parquet: ")
    assert "Could not convert string 'many' to INT64 when casting from source column x" in message


def test_a_missing_column_is_refused_before_a_row_is_written(maker):
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
    frame, _ = maker.splits.read("train", [name])
    assert frame[name].tolist() == [10, 20]


def test_a_comment_in_an_expression_hides_nothing_after_it(maker):
    maker.write(FRAME, target="y -- minutes", where="x > 10 -- no more", features={"x": "x -- m"})
    assert maker.rows("train") == [(2.0, 20, 2.0)]


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_with_no_row_left_is_refused_with_the_counts(maker, split):
    empty = pd.DataFrame({"y": [None, -1.0, -2.0], "x": [1, 2, 3]})
    contents = [empty if one == split else FRAME for one in SPLITS]
    assert maker.refusal(*contents, where="target > 0") == (
        f"the {split} split is empty: of 3 rows in {split}.parquet none is left (1 target missing, "
        "2 not where target > 0). Change `where`, `target`, `split` or the data."
    )


def test_a_file_of_no_rows_is_refused(maker):
    message = maker.refusal(FRAME.head(0))
    assert message.startswith("the train split is empty: no row of train.parquet falls into it")


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
        f"a raw column named '{name}' is used by the dataset's SQL, where that name means the "
        "target: rename the column."
    )
    assert maker.written == []


def test_a_used_column_named_like_the_position_is_refused(maker):
    frame = FRAME.rename(columns={"x": POSITION})
    assert maker.refusal(frame, features={"f": f'"{POSITION}"'}).startswith(
        f"a raw column named '{POSITION}' is used by the dataset's SQL, where that name means the "
        "split"
    )


@pytest.mark.parametrize(
    ("name", "spelled"), [("target", "target"), ("Target", " TARGET "), ("TARGET", '"Target"')]
)
@pytest.mark.parametrize("split", [None, ByHash(), ByTime(column="target")])
def test_a_raw_column_named_target_that_is_the_target_is_taken(maker, name, spelled, split):
    frame = pd.DataFrame({name: np.arange(300.0), "x": np.arange(300)})
    if split is None:
        maker.write(frame, target=spelled, where="target > 5")
    else:
        maker.table(frame, target=spelled, where="target > 5", split=split)
    columns = {"x": "BIGINT"}
    assert split_columns(maker.out / "train.parquet") == columns
    for one in SPLITS:
        assert maker.targets(one) == maker.values(one)
        assert min(maker.targets(one)) > 5


@pytest.mark.parametrize("expression", ["target", '"Target" + 1'])
def test_a_feature_of_the_raw_column_that_is_the_target_is_refused(maker, expression):
    frame = FRAME.rename(columns={"y": "target"})
    message = maker.refusal(frame, target="target", features={"x": "x", "leak": expression})
    assert message == "a feature uses the target: take it out of `features`."
    assert maker.written == []


def test_an_unused_raw_column_named_target_is_ignored(maker):
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


def test_an_unsupported_kind_of_file_is_refused(maker):
    message = maker.refusal("PK", suffix=".docx")
    assert message.startswith("data file 'train.docx': give one of .parquet, ")
    assert ".csv.gz" in message


@pytest.mark.parametrize(
    ("content", "suffix"),
    [("nothing of the kind", ".parquet"), ('{"y": 1, "x"\n', ".jsonl"), (b"\x1f\x8b", ".csv.gz")],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(maker, content, suffix):
    message = maker.refusal(content, suffix=suffix)
    assert message.startswith("data ")
    assert f"train{suffix}" in message
    assert "\n" not in message
    assert maker.written == []


def test_an_empty_csv_is_refused(maker):
    assert "train.csv" in maker.refusal("", suffix=".csv")


def test_a_late_csv_value_that_does_not_fit_is_refused(maker):
    numbers = "y,x\n" + "1,1\n" * 30_000
    message = maker.refusal(numbers, numbers + "1,many\n", numbers, suffix=".csv")
    assert message.startswith("validation split, validation.csv: ")
    assert "many" in message


def test_a_file_name_is_not_taken_for_a_pattern(maker):
    files = maker.files(FRAME, suffix="[1].parquet")
    for split, (path,) in files.items():
        FRAME.assign(x=99).to_parquet(path.with_name(f"{split}1.parquet"))
    prepare(a_dataset(), files, maker.out)
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
        prepare(a_dataset(where="x > 10"), files, folder)
    for split in SPLITS:
        one, other = (folder / f"{split}.parquet" for folder in (maker.out, again))
        assert digests.of_files([one]) == digests.of_files([other])


def test_reading_a_split_gives_the_columns_asked_for_and_the_target(maker):
    maker.write(FRAME.assign(z="c"), features={"x": "x", "z": "z"})
    frame, target = maker.splits.read("train", ["z", "x"])
    assert frame.to_dict("list") == {"z": ["c", "c"], "x": [10, 20]}
    assert target.tolist() == [1.0, 2.0]
    nothing, target = maker.splits.read("train", [])
    assert list(nothing) == []
    assert target.tolist() == [1.0, 2.0]


LABELS = {
    "text": ["no", "yes", "größer"],
    "int": [-1, 0, 7],
    "small int": np.array([0, 1, 2], dtype="uint8"),
    "bool": [False, True],
    "float": [0.5, 1.0, 2.0],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=list(LABELS))
@pytest.mark.parametrize("split", [ByHash(), ByTime(column="x")])
def test_labels_keep_their_type_and_value_in_the_splits(maker, labels, split):
    y = np.resize(np.array(labels), 400)
    maker.table(pd.DataFrame({"y": y, "x": np.arange(400)}), task="multiclass", split=split)
    for one in SPLITS:
        _, target = maker.splits.read(one, [])
        assert target.dtype.kind == pd.Series(y).dtype.kind
        assert target.tolist() == [y.tolist()[x] for x in maker.values(one)]


@pytest.mark.parametrize("labels", [["a", None], [1.5, np.nan], [True, None], [1, None]], ids=str)
def test_rows_without_a_label_are_dropped_and_counted(maker, labels):
    y = pd.Series(labels * 150, dtype="float64" if labels[1] is np.nan else object)
    frame = pd.DataFrame({"y": y, "x": np.arange(300)})
    reports = maker.table(frame, task="binary", split=ByHash(key=("x",)))
    assert sum(report.rows_read for report in reports.values()) == 300
    assert sum(report.dropped["target missing"] for report in reports.values()) == 150
    for one in SPLITS:
        assert set(maker.targets(one)) == {labels[0]}


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_target_that_is_not_a_number_is_missing_for_every_task(maker, task):
    maker.raw.joinpath("nan").mkdir()
    path = maker.raw / "part.parquet"
    duckdb.sql(
        "COPY (SELECT CASE WHEN i % 2 = 0 THEN 'nan'::DOUBLE ELSE 1 END AS y, i AS x "
        f"FROM range(200) t(i)) TO '{path}'"
    )
    dataset = a_dataset(task=task, split=ByHash(key=("x",)))
    reports = prepare(dataset, {WHOLE: [path]}, maker.out)
    assert sum(report.dropped["target missing"] for report in reports.values()) == 100


def test_an_infinite_target_is_dropped_for_regression(maker):
    y = np.where(np.arange(300) % 3 == 0, np.inf, 1.0)
    reports = maker.table(pd.DataFrame({"y": y, "x": np.arange(300)}), split=ByHash(key=("x",)))
    assert sum(report.dropped["target missing"] for report in reports.values()) == 100


def test_a_decimal_label_becomes_a_double(maker):
    csv = "y,x\n" + "".join(f"{n % 2}.50,{n}\n" for n in range(200))
    maker.table(csv, suffix=".csv", task="binary", target="CAST(y AS DECIMAL(5, 2))")
    assert set(maker.targets("train")) == {0.5, 1.5}


def test_a_label_that_is_a_time_is_refused_with_the_cure(maker):
    message = maker.refusal(FRAME.assign(y=pd.to_datetime(["2020", "2021"])), task="binary")
    assert message == (
        "target is of type TIMESTAMP; a class is a text, a number or a boolean: make one of it, "
        "for example CAST(x AS VARCHAR)."
    )


def some_rows(count: int = 2_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": np.arange(count) + seed * 1_000_000,
            "y": rng.normal(size=count),
            "name": rng.choice(["a", "b", None], count),
            "label": rng.choice(["rare", "common"], count, p=[0.1, 0.9]),
        }
    )


USED = {"x": "x", "name": "name"}


def test_shares_come_out_about_right_and_every_row_is_in_one_split(maker):
    maker.table(some_rows(), features=USED, split=ByHash(validation=0.1, test=0.3))
    found = maker.where()
    assert sorted(found) == list(range(2_000))
    assert sum(map(len, (maker.values(split) for split in SPLITS))) == 2_000
    assert len(maker.values("test")) == pytest.approx(600, abs=60)
    assert len(maker.values("validation")) == pytest.approx(200, abs=40)


def test_every_class_is_split_in_about_the_same_shares(maker):
    maker.table(some_rows(4_000), target="label", task="binary", features=USED)
    shares = [maker.targets(split).count("rare") / len(maker.targets(split)) for split in SPLITS]
    assert shares == pytest.approx([0.1] * 3, abs=0.03)


@pytest.mark.parametrize("key", [(), ("x",), ("x", "name")])
def test_a_row_stays_in_its_split_whatever_other_rows_there_are(maker, key):
    rows, rule = some_rows(), ByHash(key=key)
    maker.table(rows, features=USED, split=rule)
    before = maker.where()
    for others in (
        rows.sample(frac=1, random_state=1),
        rows[rows["x"] % 3 > 0],
        pd.concat([some_rows(300, seed=7), rows]),
    ):
        maker.table(others, features=USED, split=rule)
        after = maker.where()
        assert {x: after[x] for x in after if x in before} == {
            x: before[x] for x in before if x in after
        }
        assert len(after) == len(others)


def test_a_row_stays_in_its_split_when_the_table_is_cut_into_files(maker):
    rows = some_rows()
    maker.table(rows, features=USED)
    before = maker.where()
    maker.table(rows[1_500:], rows[:1_500], features=USED)
    assert maker.where() == before
    assert maker.values("train")[0] >= 1_500  # in the order of the files


def test_a_written_key_keeps_rows_in_their_split_when_features_change(maker):
    rows, rule = some_rows(), ByHash(key=("x", "y"))
    maker.table(rows, features=USED, split=rule)
    before = maker.where()
    maker.table(rows, features={"x": "sqrt(x)", "label": "upper(label)"}, split=rule)
    assert maker.where() == before


def test_test_rows_stay_when_the_share_of_validation_is_changed(maker):
    for share in (0.05, 0.15, 0.5):
        maker.table(some_rows(), features=USED, split=ByHash(validation=share, test=0.2))
        if share == 0.05:
            test, validation = maker.values("test"), maker.values("validation")
        assert maker.values("test") == test
        assert set(validation) <= set(maker.values("validation"))


def test_rows_with_equal_keys_stay_together(maker):
    rows = some_rows().assign(owner=lambda frame: frame["x"] // 5)
    maker.table(rows, features=USED, split=ByHash(key=("OWNER",)))
    owners = [set(maker.values(split, "owner")) for split in SPLITS]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 400
    positions = [maker.splits.positions(split) for split in SPLITS]
    assert sum(len(set(one)) for one in positions) == 400
    for split, position in zip(SPLITS, positions, strict=True):
        pairs = set(zip(maker.values(split, "owner"), position, strict=True))
        assert len(pairs) == len(set(position))


def test_equal_rows_stay_together_without_a_key(maker):
    rows = pd.concat([some_rows(500)] * 3)
    maker.table(rows, features=USED)
    assert sum(len(set(maker.values(split))) for split in SPLITS) == 500


def test_the_target_does_not_decide_where_a_row_goes(maker):
    rows = some_rows(500)
    for changes in ({}, {"where": "y > -9", "target": "y + 1"}):
        maker.table(pd.concat([rows, rows.assign(y=-rows["y"])]), features=USED, **changes)
        assert sum(len(set(maker.values(split))) for split in SPLITS) == 500


FEW = {"x": "x", "name": "name"}


def few_values(count: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, name = rng.integers(0, 3, count), rng.choice(["a", "b", None], count)
    label = np.where(rng.random(count) < 0.2 + 0.2 * x, "yes", "no")
    return pd.DataFrame({"x": x, "name": name, "label": label, "id": np.arange(count)})


def few(maker: Maker, rows: pd.DataFrame, **changes: object) -> dict:
    """Split rows of few values; `where` names the number of the row, so that it is kept."""
    given = {"target": "label", "task": "binary", "features": FEW, "where": "id >= 0"}
    return maker.table(rows, **given | changes)


def test_rows_alike_by_nature_are_in_every_split_with_all_their_labels(maker):
    rows = few_values(6_000)
    few(maker, rows)
    expected = rows.groupby("x")["label"].value_counts(normalize=True)
    for split, share in zip(SPLITS, (0.7, 0.15, 0.15), strict=True):
        found = pd.DataFrame({"x": maker.values(split), "label": maker.targets(split)})
        assert len(found) == pytest.approx(6_000 * share, rel=0.1)
        shares = found.groupby("x")["label"].value_counts(normalize=True)
        assert (shares - expected).abs().max() < 0.08
    positions = maker.splits.positions(*SPLITS)
    assert len(set(positions)) == len(positions) == 6_000
    assert maker.values("train", "id") == sorted(maker.values("train", "id"))


def test_appended_rows_move_no_row_that_is_alike_by_nature(maker):
    rows = few_values(1_500)
    few(maker, rows)
    before = maker.where("id")
    few(maker, pd.concat([rows, few_values(500, seed=1).assign(id=lambda one: one["id"] + 9_000)]))
    after = maker.where("id")
    assert {id: after[id] for id in before} == before
    few(maker, rows, where="id >= 100")  # rows that do not count are numbered too
    assert maker.where("id") == {id: split for id, split in before.items() if id >= 100}


def test_the_key_and_repeats_that_are_written_split_the_rows_again(maker):
    rows = few_values(1_500)
    given = {"target": "label", "task": "binary", "where": "id >= 0", "split": ByHash()}
    dataset = a_dataset(**given, features={"f": "X + 1", "g": "name"})
    raw = read_raw(dataset, {WHOLE: [maker.file("part.parquet", rows)]})
    rule = with_key(dataset, raw).split
    assert rule == ByHash(key=("name", "x"), repeats=True)
    few(maker, rows)
    before = maker.where("id")
    few(maker, rows, features={"x": "x"}, split=rule)  # other features
    assert maker.where("id") == before


@pytest.mark.parametrize(("said", "together"), [(False, True), (True, False), (None, False)])
def test_a_dataset_file_may_say_whether_rows_repeat_by_nature(maker, said, together):
    rows = pd.concat([few_values(2_000), pd.DataFrame({"x": np.arange(100, 160), "label": "no"})])
    few(maker, rows.assign(id=np.arange(len(rows))), split=ByHash(repeats=said, key=()))
    shared = set(maker.splits.positions("train")) & set(maker.splits.positions("test"))
    assert not shared
    alike = set(zip(maker.values("train"), maker.values("train", "name"), strict=True)) & set(
        zip(maker.values("test"), maker.values("test", "name"), strict=True)
    )
    assert bool(alike) is not together


def test_a_key_that_holds_the_target_splits_rows_as_it_always_did(maker):
    rows = {"x": [1, 1, 2, 2] * 10, "y": list("abab") * 10, "z": np.arange(40) // 2}
    rule = ByHash(key=("x", "y", "z"))
    maker.table(pd.DataFrame(rows), task="binary", split=rule)
    found = {
        (z, y): split[1]
        for split in SPLITS
        for z, y in zip(maker.values(split, "z"), maker.targets(split), strict=True)
    }
    # As version 0.1.0 split them: tRain, vAlidation, tEst.
    assert "".join(found[one] for one in sorted(found)) == (
        "errrarrraararrrrrrrrrrrrrerarererrraeaer"
    )


def test_a_missing_value_in_the_key_counts_as_a_value(maker):
    rows = pd.DataFrame({"y": 1.0, "x": np.arange(900), "a": ["1", None] * 450, "b": None})
    rows["b"] = np.where(rows["a"].isna(), "1", None)
    maker.table(rows, features={"x": "x"}, split=ByHash(key=("a", "b", "x")))
    positions = maker.splits.positions(*SPLITS)
    assert len(set(positions)) == len(positions) == 900


def csv(values: list[str], more: str = "") -> str:
    return "x,y,v\n" + "".join(f"{n},1,{value}\n" for n, value in enumerate(values)) + more


GUESSED = {
    "whole numbers beside a fraction": ([str(n) for n in range(200)], "1.5"),
    "whole numbers beside a text": ([str(n) for n in range(200)], "many"),
    "numbers beside a text": ([f"{n / 4:.2f}" for n in range(200)], "many"),
    "whole numbers beside a huge one": ([str(n) for n in range(200)], str(10**25)),
    "whole numbers beside a gap": ([str(n) for n in range(200)], ""),
    "true and false beside a text": (["true", "False"] * 100, "maybe"),
    "yes and no beside a text": (["yes", "no"] * 100, "maybe"),
    "dates beside a time": ([f"2020-01-{n % 28 + 1:02d}" for n in range(200)], "2020-02-01 10:30"),
    "dates beside a text": ([f"2020-01-{n % 28 + 1:02d}" for n in range(200)], "soon"),
    "times beside a text": ([f"2020-01-01 {n % 24:02d}:15:00" for n in range(200)], "soon"),
}


@pytest.mark.parametrize(("values", "other"), GUESSED.values(), ids=list(GUESSED))
def test_a_row_stays_in_its_split_when_its_columns_type_changes(maker, values, other):
    rule = ByHash(key=("x", "v"))
    maker.table(csv(values), suffix=".csv", split=rule)
    before = maker.where()
    maker.table(csv(values, f"999,1,{other}\n"), suffix=".csv", split=rule)
    after = maker.where()
    after.pop(999)
    assert after == before


def test_a_row_has_the_same_split_in_a_csv_and_in_parquet(maker):
    rows = some_rows().assign(day=pd.Timestamp("2020-01-01"), whole=5, flag=True)
    rule = ByHash(key=("x", "y", "name", "day", "whole", "flag"))
    maker.table(rows, features=USED, split=rule)
    before = maker.where()
    maker.table(rows.to_csv(index=False), suffix=".csv", features=USED, split=rule)
    assert maker.where() == before


def test_a_split_by_hash_of_too_few_rows_is_refused(maker):
    message = maker.refusal(FRAME, split=ByHash())
    assert "split is empty: no row of " in message
    assert "give more, or another `split`." in message


def test_an_unknown_key_column_is_refused_with_the_nearest(maker):
    message = maker.refusal(FRAME.assign(owner=1), split=ByHash(key=("onwer",)))
    assert message == (
        "unknown column in part-0.parquet: 'onwer': did you mean 'owner'? Allowed: y, x, owner."
    )


def test_rows_of_a_hash_split_stay_in_the_order_of_the_table(maker):
    maker.table(some_rows(), features=USED)
    for split in SPLITS:
        assert maker.values(split) == sorted(maker.values(split))


def test_the_position_of_a_row_is_no_raw_column(maker):
    maker.table(some_rows(), features=USED)
    assert list(split_columns(maker.out / "train.parquet")) == ["x", "y", "name"]
    maker.write(FRAME)
    assert maker.splits.positions("train") is None


TIMES = {
    "dates": pd.date_range("2020-01-01", periods=400).date,
    "timestamps": pd.date_range("2020-01-01", periods=400, freq="h"),
    "timestamps with a zone": pd.date_range("2020-01-01", periods=400, freq="h", tz="Asia/Tokyo"),
    "whole numbers": np.arange(400) - 200,
    "fractions": np.linspace(-1, 1, 400),
}


@pytest.mark.parametrize("times", TIMES.values(), ids=list(TIMES))
def test_the_latest_rows_are_the_test_after_validation(maker, times):
    rows = pd.DataFrame({"y": 1.0, "x": np.arange(400), "when": times})
    rows = rows.sample(frac=1, random_state=0)
    reports = maker.table(rows, split=ByTime(column='"when"', validation=0.1, test=0.2))
    assert maker.values("train") == list(range(280))
    assert maker.values("validation") == list(range(280, 320))
    assert maker.values("test") == list(range(320, 400))
    assert [report.rows_read for report in reports.values()] == [280, 40, 80]
    assert maker.splits.positions("train") is None


@pytest.mark.parametrize("name", ["x", "file_row_number"])
def test_rows_of_one_moment_stay_in_the_order_of_the_table(maker, name):
    # So many that several threads sort them.
    rows = pd.DataFrame({"y": 1.0, name: np.arange(400_000), "day": np.arange(400_000) % 50})
    maker.table(rows, features={"x": name}, split=ByTime(column="day"))
    expected = rows.sort_values("day", kind="stable")[name].tolist()
    assert [x for split in SPLITS for x in maker.values(split, name)] == expected


def test_the_moments_of_rows_are_what_the_rule_computes(maker):
    rows = pd.DataFrame({"y": 1.0, "x": np.arange(60), "day": np.arange(60) // 3})
    maker.table(rows, split=ByTime(column="day * 2"))
    (maker.out / "dataset.yaml").write_text(to_yaml(a_dataset(split=ByTime(column="day * 2"))))
    found = maker.splits.moments("train", "validation")
    assert found.tolist() == (rows["day"] * 2).tolist()[: len(found)]
    (maker.out / "dataset.yaml").write_text(to_yaml(a_dataset()))
    assert maker.splits.moments("train") is None


@pytest.mark.parametrize("type", ["HUGEINT", "UHUGEINT"])
def test_huge_whole_numbers_keep_their_digits(maker, type):
    numbers = [10**30 + n for n in range(80)]
    text = "x,y\n" + "".join(f"{one},{n}\n" for n, one in enumerate(numbers))
    maker.table(text, suffix=".csv", columns={"x": type}, split=ByHash(key=("y",)))
    assert sorted(int(x) for split in SPLITS for x in maker.values(split)) == numbers
    assert split_columns(maker.out / "train.parquet")["x"] == "DECIMAL(38,0)"


@pytest.mark.filterwarnings("error")
def test_times_with_offsets_in_a_csv_file_are_those_of_utc(maker):
    texts = [f"2019-12-{n // 24 + 1:02}T{n % 24:02}:00:00+02:00" for n in range(240)]
    text = "x,y,at\n" + "".join(f"{n},1,{one}\n" for n, one in enumerate(texts))
    rule = ByTime(column='"at"')
    maker.table(text, suffix=".csv", features={"hour": 'hour("at")'}, split=rule)
    (maker.out / "dataset.yaml").write_text(to_yaml(a_dataset(split=rule)))
    expected = pd.to_datetime(texts, utc=True)
    moments = maker.splits.moments("train", "validation", "test")
    assert moments.tolist() == expected.tolist()
    columns = maker.splits.columns_for({"hour": 'hour("at")'})
    raw, _ = maker.splits.read("train", columns)
    features = SqlFeatures({"hour": 'hour("at")'}, columns).fit(raw)
    served = pd.DataFrame({"at": texts}).head(len(raw))
    for frame in (raw, served):
        assert features.transform(frame)["hour"].tolist() == expected.hour[: len(raw)].tolist()


def test_rows_may_be_split_by_sql_of_a_time(maker):
    text = "x,y,when\n" + "".join(f"{n},1,{n % 28 + 1}.1.{2000 + n // 28}\n" for n in range(280))
    maker.table(text, suffix=".csv", columns={"when": "VARCHAR"},
                split=ByTime(column="strptime(\"when\", '%d.%m.%Y')"))  # fmt: skip
    assert [len(maker.values(split)) for split in SPLITS] == [196, 42, 42]
    assert [x for split in SPLITS for x in maker.values(split)] == list(range(280))


@given(st.lists(st.integers(0, 12), min_size=30, max_size=120))
@settings(max_examples=8, deadline=None)
def test_rows_of_one_moment_stay_together_in_order_of_time(tmp_path_factory, moments):
    maker = Maker(tmp_path_factory.mktemp("time"))
    rows = pd.DataFrame({"y": 1.0, "x": np.arange(len(moments)), "moment": moments})
    try:
        maker.table(rows, split=ByTime(column="moment", validation=0.2, test=0.2))
    except WorkflowError as error:
        assert "split is empty" in str(error)
        return
    found = [maker.values(split, "moment") for split in SPLITS]
    assert list(chain(*found)) == sorted(moments)
    assert all(max(earlier) < min(later) for earlier, later in pairwise(found))


def test_a_split_by_time_with_ties_gives_the_same_bytes(maker, tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"y": rng.random(60_000), "x": np.arange(60_000)})
    path = maker.file("rows.parquet", rows.assign(day=rng.integers(0, 50, 60_000)))
    found = set()
    for number in range(4):
        folder = tmp_path / str(number) / "splits"
        folder.mkdir(parents=True)
        prepare(a_dataset(split=ByTime(column="day")), {WHOLE: [path]}, folder)
        found.add(digests.of_files([folder / f"{split}.parquet" for split in SPLITS]))
    assert len(found) == 1


def test_rows_without_a_time_are_dropped_and_counted(maker):
    when = pd.Series(pd.date_range("2020-01-01", periods=400)).mask(np.arange(400) % 4 == 0)
    rows = pd.DataFrame({"y": 1.0, "x": np.arange(400), "day": when})
    reports = maker.table(rows, split=ByTime(column="day"))
    assert sum(report.dropped["time missing"] for report in reports.values()) == 100
    assert sum(report.rows_read for report in reports.values()) == 400
    assert all(x % 4 for split in SPLITS for x in maker.values(split))
    assert [report.rows for report in reports.values()] == [210, 45, 45]


def test_a_time_that_is_not_a_number_is_missing(maker):
    reports = maker.table(
        pd.DataFrame({"y": 1.0, "x": np.arange(400)}),
        split=ByTime(column="CASE WHEN x % 4 = 0 THEN 'nan'::DOUBLE ELSE x END"),
    )
    assert sum(report.dropped["time missing"] for report in reports.values()) == 100
    assert [report.rows for report in reports.values()] == [210, 45, 45]


def test_shares_are_of_the_kept_rows(maker):
    rows = pd.DataFrame({"y": 1.0, "x": np.arange(1_000)})
    maker.table(rows, where="x < 400", split=ByTime(column="x", validation=0.25, test=0.25))
    assert [len(maker.values(split)) for split in SPLITS] == [200, 100, 100]


def test_rows_that_all_lack_a_time_are_refused_with_the_count(maker):
    rows = pd.DataFrame({"y": 1.0, "x": range(9), "day": pd.Series([pd.NaT] * 9)})
    message = maker.refusal(rows, split=ByTime(column="day"))
    assert "the train split is empty: of 9 rows in part-0.parquet none is left (" in message
    assert "9 time missing" in message


@pytest.mark.parametrize("column", ["name", "CAST(x AS VARCHAR)"])
def test_a_split_by_a_text_column_is_refused_with_the_cure(maker, column):
    assert maker.refusal(some_rows(9), split=ByTime(column=column)) == (
        "split.column is of type VARCHAR; rows are split by a time or a number: parse a text, for "
        "example strptime(x, '%d.%m.%Y')."
    )
    assert maker.written == []


@pytest.mark.parametrize(
    "changes",
    [
        {"split": ByTime(column="CAST(name AS INT)")},
        {"split": ByTime(column="x"), "where": "CAST(name AS INT) > 0"},
        {"split": ByTime(column="x"), "target": "CAST(name AS DOUBLE)"},
        {"split": ByHash(), "where": "CAST(name AS INT) > 0"},
        {"split": ByHash(), "target": "CAST(name AS DOUBLE)"},
    ],
)
def test_sql_that_fails_on_a_row_of_a_table_is_refused_with_the_file(maker, changes):
    message = maker.refusal(some_rows(), **changes)
    assert "part-0.parquet: Conversion Error: Could not convert string" in message


def test_the_types_that_a_dataset_gives_hold_for_a_csv(maker):
    text = csv([f"{n:03d}" for n in range(200)])
    maker.table(text, suffix=".csv", features={"v": "v", "x": "x"})
    assert split_columns(maker.out / "train.parquet")["v"] == "BIGINT"
    maker.table(text, suffix=".csv", features={"v": "v", "x": "x"}, columns={"v": "VARCHAR"})
    assert split_columns(maker.out / "train.parquet")["v"] == "VARCHAR"
    assert all(len(value) == 3 for value in maker.values("train", "v"))


def test_a_given_type_that_does_not_fit_is_refused_in_one_line(maker):
    text = csv(["1"] * 200, "999,1,many\n")
    message = maker.refusal(text, suffix=".csv", features={"v": "v"}, columns={"v": "BIGINT"},
                            split=ByHash(key=("x",)))  # fmt: skip
    assert "many" in message
    assert "part-0.csv" in message


@pytest.mark.parametrize("name", ["it's", 'a "b"', "größe", "select", "a b", "x; DROP TABLE t"])
@pytest.mark.parametrize("rule", [lambda name: ByHash(key=(name,)), lambda _: ByTime(column="x")])
def test_columns_of_a_split_rule_may_have_any_name(maker, name, rule):
    rows = some_rows(300).rename(columns={"y": name})
    quoted = '"' + name.replace('"', '""') + '"'
    maker.table(rows, target=quoted, features=USED, split=rule(name))
    assert len(maker.where()) == 300


@pytest.mark.parametrize(("dropped", "fails"), [(True, False), (False, True)])
def test_a_value_that_does_not_fit_is_refused_only_in_kept_rows(maker, dropped, fails):
    whole = pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": [10, 20, 30]})
    other = pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": [10, 20, 12.5]})
    where = "target < 3" if dropped else "true"
    if fails:
        assert "no whole number in column x: 12.5" in maker.refusal(
            whole, other, whole, where=where
        )
    else:
        assert maker.write(whole, other, whole, where=where)["validation"].rows == 2


@pytest.mark.parametrize(
    ("kind", "train"),
    [("int8", "int64"), ("int32", "int64"), ("int64", "float64"), ("uint8", "int64")],
)
def test_integers_are_read_as_trains_wider_type(maker, kind, train):
    frames = [
        pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": np.array([1, 2, 3], dtype=one)})
        for one in (train, kind, kind)
    ]
    report = maker.write(*frames, where="x > 1")["test"]
    assert maker.rows("test") == [(2.0, 2, 2.0), (3.0, 3, 3.0)]
    assert (report.rows_read, report.rows, report.dropped) == (
        3,
        2,
        {"target missing": 0, "not where x > 1": 1},
    )
    assert split_columns(maker.out / "test.parquet") == split_columns(maker.out / "train.parquet")
