import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from splits_of import looked_at, rows

from workflow.checks.split_scan import LONG
from workflow.checks.value_counts import Numbers, Texts, kinds, read

NUMBERS = st.lists(st.floats(-10, 10).map(lambda one: round(one, 1)), min_size=1, max_size=30)


@settings(max_examples=50, deadline=None)
@given(values=NUMBERS, cuts=NUMBERS)
def test_numbers_are_sorted_and_counted(values, cuts):
    numbers, ends, rows = Numbers.of(np.array([*values, np.nan])), np.unique(cuts), np.array(values)
    assert numbers.count(ends).cumsum().tolist() == [
        *((rows <= end).sum() for end in ends),
        len(rows),
    ]
    assert (numbers.known, numbers.missing) == (len(values), 1)
    assert numbers.values.tolist() == sorted(values)
    assert numbers.distinct == len(set(values))


def test_without_a_number_all_rows_are_missing():
    numbers = Numbers.of(np.array([np.nan, np.nan]))
    assert (numbers.known, numbers.missing, numbers.distinct) == (0, 2, 0)
    assert numbers.count(np.array([0.0])).tolist() == [0, 0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.sampled_from(["b", "a", "", "ü", "\U0001f600", "z"]), max_size=30))
def test_texts_are_counted(values):
    texts, known = Texts.of(pa.array(values, pa.string())), [one for one in values if one]
    known += [""] * values.count("")
    assert (texts.known, texts.missing) == (len(known), values.count(None))
    assert texts.distinct == len(set(known))
    names = sorted(set(known))
    assert texts.count(["none such", *names]).tolist() == [0, *map(known.count, names), 0]
    assert texts.count([]).tolist() == [len(known)]


def test_columns_are_read_by_kind(tmp_path):
    frame = rows(4, 0).assign(
        x=[1.0, np.inf, np.nan, 1.0],
        colour=["a" * LONG, "a" * LONG + "b", None, "c"],
        when=pd.to_datetime([86_400, None, 1, 86_400], unit="s"),
        yes=[True, False, True, True],
        nested=[[1], [2], [3], [4]],
    )
    with looked_at({"train": frame}, tmp_path) as (connection, (train,), _):
        found = kinds(train, "regression")
        sample = read(connection, train, found)
    assert found == {
        "target": "number",
        "x": "number",
        "colour": "text",
        "when": "time",
        "yes": "boolean",
        "nested": "other",
    }
    assert sample["target"].known == 4
    assert sample.keys() == found.keys() - {"nested"}
    x, when, yes = (sample[name] for name in ("x", "when", "yes"))
    assert (x.values.tolist(), x.missing) == ([1, 1], 2)
    assert (when.values.tolist(), when.missing) == ([1, 86_400, 86_400], 1)
    assert yes.values.tolist() == [0, 1, 1, 1]
    assert sample["colour"].count(["a" * LONG, "c"]).tolist() == [2, 1, 0]
    assert sample["colour"].distinct == 2


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_target_of_numbers_may_be_classes(tmp_path, task):
    with looked_at({"train": rows(4, 0).assign(target=1.0)}, tmp_path, task) as looked:
        connection, (train,), _ = looked
        assert kinds(train, task)["target"] == "text"
        assert read(connection, train, kinds(train, task))["target"].count(["1.0"]).tolist() == [
            4,
            0,
        ]
