import datetime
import json
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import binning, formatting


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (np.int64(7), 7),
        (74.0, 74),
        (0.1 + 0.2, 0.3),
        (-73.98765432, -73.9877),
        (12_345_678, 12_345_678),
        (2.0**60, 1.15292e18),
        (float("nan"), None),
        (float("-inf"), "-inf"),
        (None, None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.bool_(False), "false"),
        (pd.Timestamp("2023-03-01 10:00"), "2023-03-01 10:00:00"),
        (datetime.date(2023, 3, 1), "2023-03-01"),
        (datetime.time(1, 2), "01:02:00"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-00000…"),
        ("<script>", "<script>"),
        ("", "(empty)"),
        ("two\nlines", "two lines"),
        (b"\x00", "b'\\x00'"),
        (np.array([1, 2]), "[1 2]"),
        ({"a": None}, "{'a': None}"),
        ("x" * 10_000, "x" * 29 + "…"),
    ],
)
def test_a_value_is_a_number_or_short_text(value, expected):
    assert formatting.cell(value) == expected
    assert type(formatting.cell(value)) is type(expected)


NUMBERS = st.floats(width=64) | st.integers(-3, 3).map(float)


@given(st.lists(NUMBERS, max_size=40), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_edges_ascend_and_stay_apart_when_they_are_rounded(values, bins):
    edges = binning.edges(np.array(values, dtype="float64"), bins)
    rounded = binning.edges_rounded(edges)
    assert 2 <= len(edges) <= bins + 1
    assert np.isfinite(edges).all()
    assert (np.diff(rounded) > 0).all()
    json.dumps(rounded, allow_nan=False)


def test_edges_reach_over_all_values_unless_some_are_far_off():
    values = np.random.default_rng(0).normal(size=2_000)
    edges = binning.edges(values, 50)
    assert (edges[0], edges[-1]) == (values.min(), values.max())
    squeezed = binning.edges(np.append(values, 1e9), 50)
    assert squeezed[-1] < 6


def test_edges_of_large_numbers_close_together_are_told_apart():
    seconds = 1_700_000_000 + np.arange(100) / 10
    assert len(set(binning.edges_rounded(binning.edges(seconds, 50)))) == 51


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([], []),
        ([(0, 0), (1, 1)], ["0", "1"]),
        ([(0, 7.766666), (7.783333, 24)], ["0 to 7.767", "7.783 to 24"]),
        ([(2019, 2020), (2021, 2023)], ["2019 to 2020", "2021 to 2023"]),
        ([(100001, 100002), (100003, 100004)], ["100001 to 100002", "100003 to 100004"]),
        ([(-1.5, -0.25)], ["-1.5 to -0.25"]),
    ],
)
def test_ranges_have_as_few_digits_as_tell_them_apart(ends, expected):
    assert formatting.ranges(ends) == expected
