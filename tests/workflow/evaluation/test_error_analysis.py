import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.evaluation.error_analysis import binned, by_value, worst_rows


def texts(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str")


def rows_by_bin(values: pd.Series, kind: str) -> dict[str, int]:
    positions, labels = binned(values, kind)
    return dict(zip(labels, np.bincount(positions, minlength=len(labels)).tolist(), strict=True))


def test_few_numbers_have_a_bin_each():
    weekdays = pd.Series([7.0, 1, 2, 2, np.nan, 1, 2])
    assert rows_by_bin(weekdays, "number") == {"1": 2, "2": 3, "7": 1, "missing values": 1}


def test_many_numbers_are_in_deciles_named_by_their_values():
    found = rows_by_bin(pd.Series(np.arange(1000.0)), "number")
    assert len(found) == 10
    assert next(iter(found)) == "0 to 99"
    assert set(found.values()) == {100}


def test_a_frequent_number_has_its_own_bin():
    rng = np.random.default_rng(0)
    found = rows_by_bin(pd.Series(np.r_[np.zeros(400), rng.uniform(1, 9, 600)]), "number")
    assert found["0"] == 400
    assert sum(found.values()) == 1000


def test_the_most_frequent_texts_have_a_bin_each():
    values = [f"zone {n}" for n in range(40) for _ in range(n + 1)]
    found = rows_by_bin(texts(*values, None), "category")
    assert list(found) == [
        *(f"zone {n}" for n in range(39, 29, -1)),
        "other values",
        "missing values",
    ]
    assert sum(found.values()) == len(values) + 1
    assert "other values" not in rows_by_bin(texts(*(f"zone {n}" for n in range(11))), "category")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pd.Series([np.nan, np.nan]), "number"),
        (texts(None, None), "category"),
    ],
)
def test_a_feature_without_any_value_has_one_bin(values, kind):
    assert rows_by_bin(values, kind) == {"missing values": 2}


def test_labels_stay_apart_when_texts_are_cut_or_equal_our_own():
    long = "x" * 50
    found = rows_by_bin(
        texts(long + "1", long + "2", "missing values", None, "<b>", ""), "category"
    )
    assert len(found) == 6
    assert {"missing values", "'missing values'", "<b>", "(empty)"} < set(found)


NUMBERS = st.lists(st.none() | st.floats(allow_infinity=False) | st.sampled_from([0.0, 1e-300]))
TEXTS = st.lists(st.none() | st.text(max_size=3))


@given(NUMBERS.map(lambda some: (pd.Series(some, dtype="float64"), "number"))
       | TEXTS.map(lambda some: (pd.Series(some, dtype="str"), "category")))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_every_row_is_in_one_of_at_most_twelve_bins_and_none_is_empty(given):
    values, kind = given
    errors = np.arange(len(values), dtype=float)
    found = by_value(values, kind, {"mean": (errors, np.mean)})
    assert sum(found["rows"]) == len(values)
    assert all(found["rows"])
    assert len(set(found["bins"])) == len(found["bins"]) == len(found["mean"]) <= 12
    weighted = sum(n * mean for n, mean in zip(found["rows"], found["mean"], strict=True))
    assert weighted == pytest.approx(errors.sum(), rel=1e-4)
    json.dumps(found, allow_nan=False)


def test_a_measure_is_of_the_rows_of_its_bin():
    found = by_value(
        texts("a", "b", "b"),
        "category",
        {"mean": (np.array([1.0, 2, 4]), np.mean), "max": (np.array([9.0, 8, 7]), np.max)},
    )
    assert found == {"bins": ["b", "a"], "rows": [2, 1], "mean": [3, 1], "max": [8, 9]}


def test_worst_rows_show_the_columns_of_important_features_first():
    raw = pd.DataFrame({"a": [1, 2], "Miles": [3.5, 4.5], "zone": ["x", None]})
    found = worst_rows(
        raw, np.array([1, 0]), {"residual": np.array([9.0, 8.0])}, ["miles + 1", "zone"]
    )
    assert found == {
        "columns": ["residual", "Miles", "zone", "a"],
        "positions": [1, 0],
        "rows": [[9, 4.5, None, 2], [8, 3.5, "x", 1]],
    }


def test_of_many_columns_twelve_are_shown():
    raw = pd.DataFrame({f"c{n}": [n] for n in range(300)})
    found = worst_rows(raw, np.array([0]), {}, ['"c299" + "c298"'])
    assert found["columns"] == ["c298", "c299", *(f"c{n}" for n in range(10))]
