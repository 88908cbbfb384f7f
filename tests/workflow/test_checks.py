from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow import checks
from workflow.checks import binned, stability_by_chance, stability_index
from workflow.sql import quote

SPLITS = ("train", "validation", "test")


def rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(size=count),
            "colour": rng.choice(["red", "green", "blue"], count),
            "target": rng.normal(size=count),
        }
    )


def ordinary() -> dict[str, pd.DataFrame]:
    return {split: rows(n, n) for split, n in zip(SPLITS, (600, 200, 201), strict=True)}


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
        paths, types = {}, {}
        for split, frame in frames.items():
            paths[split] = self.folder / f"{split}.parquet"
            frame.to_parquet(paths[split], index=False)
            described = duckdb.sql(f"DESCRIBE FROM '{paths[split]}'").fetchall()
            types[split] = {name: type for name, type, *_ in described if name != "target"}
        task = "regression" if frames["train"]["target"].dtype == float else "binary"
        known = {
            "task": task,
            "features": {"x": "x", "colour": "COLOUR || '!'"},
            "raw_types": types,
        }
        return checks.check(paths, **known | given)


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
    assert checks.errors(table) == checks.warnings(table) == []
    assert list(table) == ["check", "split", "column", "value", "level", "message"]
    assert table.groupby("check").size().to_dict() == {
        "rows": 3,
        "types": 4,
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


def test_what_is_wrong_comes_first(check):
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
    assert len(checks.errors(table)) == 3


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
def test_types_are_compared_by_what_they_are(check, train, test, level):
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
@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_missing_values_are_counted(check, train, test, levels, gap):
    frames = ordinary()
    for split, rate in (("train", train), ("test", test)):
        filled = np.arange(len(frames[split])) >= rate * len(frames[split])
        frames[split]["x"] = frames[split]["x"].where(filled, gap)
    table = check(frames)
    found = [one(table, "null rate", split, "x") for split in ("train", "test")]
    assert tuple(finding["level"] for finding in found) == levels
    assert [finding["value"] for finding in found] == pytest.approx([train, test], abs=0.01)


def test_not_a_number_is_missing_too(tmp_path):
    paths = {split: tmp_path / f"{split}.parquet" for split in SPLITS}
    for path in paths.values():
        duckdb.sql(
            "SELECT CASE WHEN n % 4 = 0 THEN 'nan'::FLOAT ELSE n::FLOAT END AS x, "
            "n::DOUBLE AS target FROM range(100) t(n)"
        ).write_parquet(str(path))
    table = checks.check(paths, task="regression", features={"x": "x"}, raw_types={})
    assert one(table, "null rate", "train", "x")["value"] == 0.25


def test_a_model_without_any_value_to_learn_from_is_an_error(check):
    frames = ordinary()
    frames["train"]["x"] = np.nan
    assert checks.errors(check(frames)) == []
    (message,) = checks.errors(check(frames, features={"x": "x * 2"}))
    assert message.startswith("none of the columns that the features read has a value in train")


def test_a_column_that_no_feature_reads_is_passed_over(check):
    frames = ordinary()
    frames["test"]["x"] = np.nan
    table = check(frames, features={"colour": "colour"})
    assert checks.warnings(table) == []
    assert "x" not in set(table.query("check in ('null rate', 'shift')")["column"])


def test_a_technical_column_is_passed_over(check):
    frames = {
        split: frame.assign(**{"split position": place / 3})
        for place, (split, frame) in enumerate(ordinary().items())
    }
    frames["test"] = frames["train"].assign(**{"split position": 0.9})
    table = check(frames)
    assert "split position" not in set(table["column"])
    assert one(table, "rows shared with train", "test")["value"] == 1


def test_copies_of_rows_are_found(check):
    frames = ordinary()
    frames["train"] = pd.concat([frames["train"], frames["train"].head(200)])
    finding = one(check(frames), "duplicated rows", "train")
    assert (finding["level"], finding["value"]) == ("warning", 0.25)


def test_rows_of_the_test_that_are_in_train_are_found(check):
    frames = ordinary()
    frames["test"] = pd.concat([frames["test"], frames["train"].head(50)])
    table = check(frames)
    finding = one(table, "rows shared with train", "test")
    assert (finding["level"], finding["value"]) == ("warning", pytest.approx(50 / 251))
    assert one(table, "rows shared with train", "validation")["value"] == 0


def test_a_test_that_is_train_is_an_error(check):
    frames = ordinary()
    frames["test"] = frames["train"].sample(300, random_state=0)
    (message,) = checks.errors(check(frames))
    assert message.startswith("100.0% of test's rows are in train too: the model has seen")


def test_rows_that_differ_in_the_target_alone_are_not_alike(check):
    frames = ordinary()
    frames["test"] = frames["train"].assign(target=lambda frame: frame["target"] + 1)
    assert one(check(frames), "rows shared with train", "test")["value"] == 0


def test_rows_of_few_possible_values_are_alike_by_nature(check):
    rng = np.random.default_rng(0)
    frames = {
        split: pd.DataFrame(
            {
                "x": rng.choice([1.0, 2.0, 3.0], 400),
                "colour": rng.choice(["red", "blue"], 400),
                "target": rng.choice(["yes", "no"], 400),
            }
        )
        for split in SPLITS
    }
    table = check(frames)
    assert set(table["level"]) == {"ok"}
    assert one(table, "rows shared with train", "test")["value"] == 1
    assert "as is expected" in one(table, "duplicated rows", "train")["message"]


def test_columns_that_follow_from_each_other_are_alike_by_nature(check):
    rng = np.random.default_rng(0)
    towns = {split: rng.integers(0, 200, 1000) for split in SPLITS}
    frames = {
        split: pd.DataFrame(
            {
                "x": town * 1.0,
                "colour": (town // 20).astype(str),
                "target": rng.choice(["y", "n"], 1000),
            }
        )
        for split, town in towns.items()
    }
    assert checks.warnings(check(frames)) == []


def test_a_table_copied_before_it_was_split_is_found(check):
    whole = pd.concat([rows(600, 0)] * 2).sample(frac=1, random_state=0)
    frames = {"train": whole[:800], "validation": whole[800:1000], "test": whole[1000:]}
    table = check(frames)
    assert one(table, "duplicated rows", "train")["level"] == "warning"
    assert one(table, "rows shared with train", "test")["level"] == "warning"
    assert checks.errors(table) == []


def test_copies_are_found_in_a_sample_of_many_rows(check, monkeypatch):
    monkeypatch.setattr(checks, "HASHED", 500)
    frames = {split: rows(n, n) for split, n in zip(SPLITS, (6000, 2000, 2001), strict=True)}
    frames["test"] = pd.concat([frames["test"], frames["train"].head(2000)])
    finding = one(check(frames), "rows shared with train", "test")
    assert finding["value"] == pytest.approx(0.5, abs=0.1)
    assert finding["message"].startswith("about ")


def test_a_shift_is_found_in_the_column_and_split_where_it_is(check):
    frames = ordinary()
    frames["test"]["x"] += 1
    frames["validation"]["colour"] = "blue"
    table = check(frames)
    found = table.query("level == 'warning'")
    assert set(zip(found["split"], found["column"], strict=True)) == {
        ("validation", "colour"),
        ("test", "x"),
    }
    message = one(table, "shift", "validation", "colour")["message"]
    assert "rows of 'blue' are" in message
    assert "100.0% of validation" in message


def test_a_shift_of_the_target_is_found(check):
    frames = ordinary()
    frames["test"]["target"] *= 5
    assert one(check(frames), "shift", "test", "target")["level"] == "warning"


def test_a_shift_of_few_rows_may_be_chance(check):
    for seed in range(10):
        frames = {split: rows(n, n + seed) for split, n in zip(SPLITS, (60, 20, 21), strict=True)}
        assert checks.warnings(check(frames)) == []


def test_times_are_not_compared(check):
    frames = ordinary()
    for place, frame in enumerate(frames.values()):
        frame["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(
            np.arange(len(frame)) + place * 1000, unit="h"
        )
    finding = one(check(frames, features={"h": 'hour("when")'}), "shift", "test", "when")
    assert (finding["level"], np.isnan(finding["value"])) == ("ok", True)
    assert "a split by time shifts it" in finding["message"]


def test_the_same_sample_is_drawn_again(check, monkeypatch):
    monkeypatch.setattr(checks, "SAMPLED", 100)
    first, second = (check(ordinary()) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_constant_target_is_an_error(check):
    frames = ordinary()
    frames["train"]["target"] = 7.5
    assert any(
        "the target is 7.5 in every row of train" in one for one in checks.errors(check(frames))
    )


def test_one_class_in_train_is_an_error(check):
    messages = checks.errors(check(classes("a" * 300)))
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
def test_imbalance_is_measured_against_as_many_classes_of_one_size(check, target, level):
    assert one(check(classes(target)), "imbalance", "train", "target")["level"] == level


@pytest.mark.parametrize("labels", [[True, False], [1, 2], [0.5, 1.5]])
def test_labels_may_be_of_any_type(check, labels):
    frames = {split: f.assign(target=np.resize(labels, len(f))) for split, f in ordinary().items()}
    table = check(frames, task="binary")
    assert one(table, "classes", "train", "target")["value"] == 2
    assert checks.errors(table) == []


def test_too_many_classes_are_refused_before_they_are_counted(check, monkeypatch):
    monkeypatch.setattr(checks, "MOST_CLASSES", 50)
    messages = checks.errors(check(ordinary(), task="multiclass"))
    assert any("more than 50 different values in train" in message for message in messages)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=NAMES.filter(lambda name: name.strip().casefold() not in ("target", "split position", "")),
    values=st.lists(st.one_of(st.none(), st.text(max_size=5), NAMES), min_size=12, max_size=12),
)
def test_names_and_values_of_any_kind_make_a_table_of_one_line_messages(tmp_path, name, values):
    frame = pd.DataFrame({name: pd.array(values, dtype="str"), "target": np.arange(12.0)})
    paths = {split: tmp_path / f"{split}[1].parquet" for split in SPLITS}
    connection = duckdb.connect()
    connection.register("frame", frame)
    for path in paths.values():
        connection.execute(f"COPY (FROM frame) TO '{path}' (FORMAT parquet)").fetchall()
    connection.close()
    table = checks.check(
        paths, task="regression", features={"f": quote(name)}, raw_types={s: {} for s in SPLITS}
    )
    assert one(table, "null rate", "train", name)["value"] == frame[name].isna().mean()
    assert not table["message"].str.contains("[\n\r]").any()


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


def test_bins_are_trains_deciles_with_values_of_many_rows_apart():
    train = pd.Series([0.0] * 50 + list(np.arange(1.0, 51)) + [np.nan] * 3)
    labels, before, after = binned(train, pd.Series([0.0, -1, 100, np.nan]), is_number=True)
    assert before.sum() == 103
    assert after.sum() == 4
    counts = dict(zip(labels, zip(before, after, strict=True), strict=True))
    assert counts["missing values"] == (3, 1)
    assert (50, 1) in counts.values()  # the zeros have a bin of their own


def test_bins_of_texts_are_the_most_frequent_and_the_rest():
    train = pd.Series(list("aab" + "cdefghijkl"), dtype="str")
    labels, before, after = binned(train, pd.Series(["a", "new", None], dtype="str"), False)
    assert labels[0] == "rows of 'a'"
    assert labels[-2:] == ["other values", "missing values"]
    assert len(labels) == 12
    assert list(before[-2:]) == [2, 0]
    assert list(after[-2:]) == [1, 1]


def test_the_stability_index_is_siddiqis():
    before, after = np.array([5000, 3000, 2000]), np.array([2000, 3000, 5000])
    p, q = before / 10_000, after / 10_000
    assert stability_index(before, after) == pytest.approx(
        ((q - p) * np.log(q / p)).sum(), rel=1e-3
    )
    assert stability_index(before, before) == 0
    assert np.isfinite(stability_index(np.array([10, 0]), np.array([0, 10])))


def test_the_index_of_chance_is_chi_squares_quantile():
    # scipy.stats.chi2.ppf(1 - 1e-4, 9) == 33.720
    counts = np.full(10, 20)
    assert stability_by_chance(counts, counts) == pytest.approx(33.72 * 2 / 200, rel=0.02)
