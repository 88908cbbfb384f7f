import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from splits_of import ordinary, rows, written

from sql_features.expressions import quote
from workflow.checks import data_checks, finding, split_scan
from workflow.data.split_rules import SPLITS
from workflow.data.splits import split_columns


def classes(train: str, validation: str = "ab" * 100, test: str = "ab" * 100) -> dict:
    """Return splits whose targets are the letters."""
    targets = dict(zip(SPLITS, (train, validation, test), strict=True))
    return {
        split: rows(len(target), len(target) + place).assign(target=list(target))
        for place, (split, target) in enumerate(targets.items())
    }


class Checker:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, frames: dict[str, pd.DataFrame], **given: object) -> pd.DataFrame:
        paths = written(frames, self.folder)
        types = {split: split_columns(path) for split, path in paths.items()}
        task = "regression" if frames["train"]["target"].dtype == float else "binary"
        known = {
            "task": task,
            "features": {"x": "x", "colour": "COLOUR || '!'"},
            "raw_types": types,
        }
        table, _ = data_checks.check(paths, **known | given)
        return table


@pytest.fixture
def check(tmp_path: Path) -> Checker:
    return Checker(tmp_path)


def one(table: pd.DataFrame, check: str, split: str, column: str = "") -> pd.Series:
    found = table.query("check == @check and split == @split and column == @column")
    assert len(found) == 1
    return found.iloc[0]


def test_ordinary_data_has_no_warning_and_every_check_a_row(check):
    table = check(ordinary())
    assert set(table["level"]) == {"ok"}
    assert finding.errors(table) == finding.warnings(table) == []
    assert list(table) == ["check", "split", "column", "value", "level", "message"]
    assert table.groupby("check").size().to_dict() == {
        "rows": 3,
        "types": 4,
        "leaking gaps": 1,
        "null rate": 6,
        "constant target": 3,
        "duplicated rows": 3,
        "rows shared with train": 2,
        "shift": 6,
    }


def test_classes_have_checks_of_their_own(check):
    table = check(classes("ab" * 300))
    assert set(table["level"]) == {"ok"}
    assert {"classes", "rare classes", "imbalance", "unseen classes"} <= set(table["check"])


def test_errors_are_listed_first(check):
    frames = ordinary()
    frames["test"]["x"] += 10
    frames["train"]["target"] = 1.0
    levels = check(frames)["level"].tolist()
    assert levels == sorted(levels, key=["error", "warning", "ok"].index)
    assert {"error", "warning"} <= set(levels)


@pytest.mark.parametrize(
    ("split", "count", "level"),
    [("train", 9, "error"), ("train", 10, "ok"), ("test", 9, "warning"), ("test", 0, "error")],
)
def test_too_few_rows_are_found(check, split, count, level):
    frames = ordinary()
    frames[split] = frames[split].head(count)
    finding = one(check(frames), "rows", split)
    assert (finding["level"], finding["value"]) == (level, count)
    assert f"{split} has {count} row" in finding["message"]


def test_splits_without_a_row_do_not_crash(check):
    table = check({split: frame.head(0) for split, frame in ordinary().items()})
    assert len(finding.errors(table)) == 3


@pytest.mark.parametrize(
    ("train", "test", "level"),
    [
        ("BIGINT", "INTEGER", "ok"),
        ("BIGINT", "DECIMAL(9,2)", "ok"),
        ("BIGINT", "VARCHAR", "warning"),
        ("TIMESTAMP", "DATE", "ok"),
        ("DATE", "VARCHAR", "warning"),
        ("VARCHAR", "DOUBLE", "warning"),
    ],
)
def test_types_are_compared_by_their_kind(check, train, test, level):
    types = {"train": {"X": train}, "validation": {"x": train}, "test": {"x": test}}
    table = check(ordinary(), raw_types=types)
    assert one(table, "types", "test", "x")["level"] == level
    assert one(table, "types", "validation", "x")["level"] == "ok"


@pytest.mark.parametrize(
    ("train", "test", "levels"),
    [
        (0.0, 0.0, ("ok", "ok")),
        (0.0, 0.09, ("ok", "ok")),
        (0.0, 0.3, ("ok", "warning")),
        (0.3, 0.45, ("ok", "ok")),  # not twice as many
        (0.6, 0.6, ("warning", "ok")),  # said once
        (0.0, 1.0, ("ok", "warning")),
        (1.0, 0.0, ("warning", "ok")),
    ],
)
def test_missing_values_are_counted(check, train, test, levels):
    frames = ordinary()
    for split, rate in (("train", train), ("test", test)):
        filled = np.arange(len(frames[split])) >= rate * len(frames[split])
        frames[split]["x"] = frames[split]["x"].where(filled)
    table = check(frames)
    found = [one(table, "null rate", split, "x") for split in ("train", "test")]
    assert tuple(finding["level"] for finding in found) == levels
    assert [finding["value"] for finding in found] == pytest.approx([train, test], abs=0.01)


@pytest.mark.parametrize("gap", ["nan", "inf", "-inf"])
def test_numbers_that_are_not_finite_are_missing(tmp_path, gap):
    paths = {split: tmp_path / f"{split}.parquet" for split in SPLITS}
    for path in paths.values():
        duckdb.sql(
            f"SELECT CASE WHEN n % 4 = 0 THEN '{gap}'::FLOAT ELSE n::FLOAT END AS x, "
            "n::DOUBLE AS target FROM range(100) t(n)"
        ).write_parquet(str(path))
    table, _ = data_checks.check(paths, task="regression", features={"x": "x"}, raw_types={})
    assert one(table, "null rate", "train", "x")["value"] == 0.25


def test_features_without_any_value_are_an_error(check):
    frames = ordinary()
    frames["train"]["x"] = np.nan
    assert finding.errors(check(frames)) == []
    (message,) = finding.errors(check(frames, features={"x": "x * 2"}))
    assert message.startswith("none of the columns that the features read has a value in train")


def test_a_column_that_no_feature_reads_is_not_checked(check):
    frames = ordinary()
    frames["test"]["x"] = np.nan
    table = check(frames, features={"colour": "colour"})
    assert finding.warnings(table) == []
    assert "x" not in set(table.query("check in ('null rate', 'shift')")["column"])


def test_a_technical_column_is_not_checked(check):
    frames = {
        split: frame.assign(**{"split position": place / 3})
        for place, (split, frame) in enumerate(ordinary().items())
    }
    frames["test"] = frames["train"].assign(**{"split position": 0.9})
    table = check(frames)
    assert "split position" not in set(table["column"])
    assert one(table, "rows shared with train", "test")["value"] == 1


def test_a_test_that_is_train_is_an_error(check):
    frames = ordinary()
    frames["test"] = frames["train"].sample(300, random_state=0)
    (message,) = finding.errors(check(frames))
    assert message.startswith("100.0% of test's rows are in train too: the model has seen")


def test_the_columns_that_order_the_rows_are_passed_on(check):
    frames = ordinary()
    frames["test"]["x"] += 10
    assert len(finding.warnings(check(frames))) == 1
    assert finding.warnings(check(frames, ordered_by={"X"})) == []


def test_a_constant_target_is_an_error(check):
    frames = ordinary()
    frames["train"]["target"] = 7.5
    assert any(
        "the target is 7.5 in every row of train" in one for one in finding.errors(check(frames))
    )


def test_one_class_in_train_is_an_error(check):
    messages = finding.errors(check(classes("a" * 300)))
    assert any("the target is 'a' in every row of train" in message for message in messages)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_split_of_one_class_has_no_score(check, split):
    table = check(classes("ab" * 300, **{split: "b" * 100}))
    assert one(table, "classes", split, "target")["level"] == "error"


def test_a_class_that_train_lacks_is_counted(check):
    table = check(classes("ab" * 300, test="ab" * 100 + "c" * 7))
    finding = one(table, "unseen classes", "test", "target")
    assert (finding["level"], finding["value"]) == ("warning", 7)
    assert "7 of test's 207 rows are of classes that train lacks, 'c' (7)" in finding["message"]
    assert one(table, "unseen classes", "validation", "target")["level"] == "ok"


def test_a_class_of_few_rows_is_found(check):
    finding = one(check(classes("ab" * 300 + "cccc")), "rare classes", "train", "target")
    assert (finding["level"], finding["value"]) == ("warning", 1)
    assert "'c' (4)" in finding["message"]


@pytest.mark.parametrize(
    ("target", "level"),
    [("a" * 95 + "b" * 5, "warning"), ("a" * 80 + "b" * 20, "ok"), ("abcdefghij" * 20, "ok")],
)
def test_imbalance_is_measured_against_classes_of_equal_size(check, target, level):
    assert one(check(classes(target)), "imbalance", "train", "target")["level"] == level


@pytest.mark.parametrize("labels", [[True, False], [1, 2], [0.5, 1.5]])
def test_labels_may_be_of_any_type(check, labels):
    frames = {split: f.assign(target=np.resize(labels, len(f))) for split, f in ordinary().items()}
    table = check(frames, task="binary")
    assert one(table, "classes", "train", "target")["value"] == 2
    assert finding.errors(table) == []


def test_too_many_classes_are_refused_before_they_are_counted(check, monkeypatch):
    monkeypatch.setattr(split_scan, "MOST_CLASSES", 50)
    messages = finding.errors(check(ordinary(), task="multiclass"))
    assert any("more than 50 different values in train" in message for message in messages)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=NAMES.filter(lambda name: name.strip().casefold() not in ("target", "split position", "")),
    values=st.lists(st.one_of(st.none(), st.text(max_size=5), NAMES), min_size=12, max_size=12),
)
def test_every_message_is_one_line_whatever_names_and_values_hold(tmp_path, name, values):
    frame = pd.DataFrame({name: pd.array(values, dtype="str"), "target": np.arange(12.0)})
    paths = {split: tmp_path / f"{split}[1].parquet" for split in SPLITS}
    connection = duckdb.connect()
    connection.register("frame", frame)
    for path in paths.values():
        connection.execute(f"COPY (FROM frame) TO '{path}' (FORMAT parquet)").fetchall()
    connection.close()
    table, profile = data_checks.check(
        paths, task="regression", features={"f": quote(name)}, raw_types={s: {} for s in SPLITS}
    )
    assert one(table, "null rate", "train", name)["value"] == frame[name].isna().mean()
    assert not table["message"].str.contains("[\n\r]").any()
    assert json.loads(json.dumps(profile, allow_nan=False)) == profile


@pytest.mark.parametrize(
    "name", ["class", "rows", "row", "hash", "file_row_number", "h0", 'a"b', "select"]
)
def test_a_column_may_have_a_name_that_the_checks_use(check, name):
    frames = {
        split: frame.rename(columns={"x": name}) for split, frame in classes("ab" * 300).items()
    }
    table = check(frames, features={"f": quote(name)})
    assert set(table["level"]) == {"ok"}
    assert one(table, "shift", "test", name)["value"] < 0.25
