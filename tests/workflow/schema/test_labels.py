from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from table_files import write_table

from sql_features.transformer import SqlFeatures
from workflow.data.column_reading import Reading
from workflow.schema.infer import Inferred, infer

RNG = np.random.default_rng(1)
N = 300
SUFFIXES = pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])


def inferred(folder: Path, suffix: str = ".csv", *, task: str = "auto", **columns) -> Inferred:
    frame = pd.DataFrame({"x": RNG.normal(size=N).round(3), **columns})
    path = write_table(frame, folder / f"t{suffix}")
    return infer([path], target="y", task=task)


def some(*values: object) -> list:
    """Return N of the values, by chance, each in many rows."""
    return [values[i] for i in RNG.integers(0, len(values), N)]


@SUFFIXES
@pytest.mark.parametrize("texts", [("?",), ("-", " "), ("--", "\u2013"), ("...",), (".",)])
def test_symbols_among_the_labels_of_a_target_are_missing(tmp_path, suffix, texts):
    labels = some("yes", "no", *texts)
    found = inferred(tmp_path, suffix, y=labels)
    absent = sum(label in texts for label in labels)
    assert (found.task, found.rows_without_target) == ("binary", absent)
    assert found.columns["y"].type == "VARCHAR"
    assert set(found.columns["y"].missing) == {text.strip() for text in texts}
    assert not found.doubts


@SUFFIXES
def test_symbols_among_labels_some_of_which_are_numbers_are_missing(tmp_path, suffix):
    labels = [*some("1", "2", "3", "?")[:-1], "A"]
    found = inferred(tmp_path, suffix, y=labels, task="classification")
    assert found.columns["y"] == Reading(type="VARCHAR", missing=("?",))
    assert (found.task, found.rows_without_target) == ("multiclass", labels.count("?"))


@SUFFIXES
def test_symbols_in_a_category_are_missing_in_training_and_serving(tmp_path, suffix):
    found = inferred(tmp_path, suffix, kind=some("a", "b", "?"), y=RNG.normal(size=N))
    assert found.columns["kind"] == Reading(type="VARCHAR", missing=("?",))
    assert found.notes["kind"].startswith("2 different texts, ")
    assert "% missing" in found.notes["kind"]
    served = SqlFeatures(
        {"kind": "kind"}, {"kind": "VARCHAR"}, readings={"kind": found.columns["kind"].given}
    )
    values = served.fit_transform(pd.DataFrame({"kind": ["a", "?", " ? ", "??"]}))["kind"]
    assert values.tolist() == ["a", pytest.approx(np.nan, nan_ok=True), values[2], "??"]
    assert values.isna().tolist() == [False, True, True, False]


def test_symbols_among_truth_values_leave_them_truth_values(tmp_path):
    found = inferred(tmp_path, kind=some("true", "false", "?"), y=some("True", "False", "-"))
    assert found.columns["kind"] == Reading(type="BOOLEAN", missing=("?",))
    assert found.columns["y"] == Reading(type="BOOLEAN", missing=("-",))


@pytest.mark.parametrize(
    "labels",
    [("+", "-"), ("+", "-", "none"), ("*", "**", "***", "ns"), ("<", ">", "-"), ("\u2713", "-")],
)
def test_symbols_beside_symbols_that_are_labels_are_labels(tmp_path, labels):
    found = inferred(tmp_path, y=some(*labels))
    assert (found.columns["y"], found.rows_without_target) == ("VARCHAR", 0)


def test_a_symbol_as_one_of_two_classes_is_a_class_with_a_warning(tmp_path):
    labels = some("yes", "?")
    found = inferred(tmp_path, kind=some("x", "-"), y=labels)
    assert (found.columns["y"], found.columns["kind"]) == ("VARCHAR", "VARCHAR")
    assert found.doubts == {
        "y": f"column 'y': '?', in {labels.count('?')} rows, is taken for one of two classes: if "
        "it means missing, there is one class, and nothing to learn."
    }


def test_labels_of_letters_beyond_ascii_are_no_symbols(tmp_path):
    found = inferred(tmp_path, y=some("\u662f", "\u5426", "?"))
    assert found.columns["y"] == Reading(type="VARCHAR", missing=("?",))
    assert inferred(tmp_path, y=some("\u662f", "\u5426", "\u0434\u0430")).columns["y"] == "VARCHAR"
