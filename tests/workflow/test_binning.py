import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import binning

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(10**17), 10**17).map(float)
CLOSE = st.integers(-50, 50).map(lambda one: 1e9 + one / 1024)


def edges_of(*values: float) -> list[float]:
    return binning.number_edges(np.sort(np.array(values, dtype=float))).tolist()


@settings(max_examples=150, deadline=None)
@given(st.one_of(*(st.lists(one, min_size=1, max_size=40) for one in (FINITE, WHOLE, CLOSE))))
def test_any_numbers_have_ascending_bins_that_hold_most_of_them(values):
    numbers = np.sort(values)
    edges = binning.number_edges(numbers)
    assert np.isfinite(edges).all()
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) <= binning.MOST_BINS + 3
    counts = binning.count(numbers, edges)
    assert counts.tolist() == np.histogram(numbers, edges)[0].tolist()
    assert len(values) / 2 <= counts.sum() <= len(values)


def test_bins_end_at_round_numbers():
    edges = edges_of(*np.linspace(0.013, 0.987, 100))
    assert edges == pytest.approx(np.linspace(0, 1, 21))
    assert edges[3] == 0.15


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([1, 2, 4], [0.5, 1.5, 2.5, 3.5, 4.5]),
        ([7], [6.5, 7.5]),
        ([0, 100], [-0.5 + 5 * place for place in range(22)]),
    ],
)
def test_whole_numbers_lie_within_bins_not_at_their_ends(values, edges):
    assert edges_of(*values) == edges


def test_numbers_far_from_all_others_are_outside():
    values = [*np.random.default_rng(0).normal(size=500), 1e6, -1e9]
    edges = edges_of(*values)
    assert -5 < edges[0] < -2.5
    assert 2.5 < edges[-1] < 5
    assert binning.count(np.sort(values), np.array(edges)).sum() == 500


def test_a_rare_number_far_from_a_frequent_one_is_outside():
    assert edges_of(*[1.0] * 900, *range(2, 7)) == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    far = edges_of(*[1.0] * 900, *[2.0] * 50, *[3.0] * 50, 99, 500)
    assert far == [0.5, 1.5, 2.5, 3.5]


def test_a_bin_holds_its_lower_end_and_the_last_one_both():
    numbers = np.array([0.0, 0.5, 1.0, 1.0])
    assert binning.count(numbers, np.array([0.0, 0.5, 1.0])).tolist() == [1, 3]
    assert binning.count(numbers, np.array([])).tolist() == []


@settings(max_examples=80, deadline=None)
@given(
    seconds=st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=20),
    unit=st.sampled_from([1, 1e-6, 86_400e-9]),
    type=st.sampled_from(["DATE", "TIMESTAMP"]),
)
def test_any_times_have_ascending_bins(seconds, unit, type):
    values = np.array(seconds) * unit
    times = np.sort(np.floor(values / 86_400) * 86_400 if type == "DATE" else values)
    edges = binning.time_edges([times], type)
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) <= binning.MOST_BINS + 3
    said = [binning.moment(edge, type) for edge in edges]
    assert len(set(said)) == len(said)
    assert binning.count(times, edges).sum() >= len(seconds) / 2


def test_splits_that_follow_each_other_share_the_bins_of_times():
    day = 86_400.0
    times = [start + np.arange(30) * day for start in (0.0, 31 * day)]
    edges = binning.time_edges(times, "DATE")
    assert [binning.count(one, edges).sum() for one in times] == [30, 30]
    assert {edge % day for edge in edges} == {0}
    assert binning.time_edges([], "DATE").tolist() == []


@pytest.mark.parametrize(
    ("seconds", "type", "said"),
    [
        (0, "TIMESTAMP WITH TIME ZONE", "1970-01-01T00:00:00"),
        (-1.5, "TIMESTAMP", "1969-12-31T23:59:58.500000"),
        (1.9999999, "TIMESTAMP_NS", "1970-01-01T00:00:02"),
        (1e13, "TIMESTAMP", "318857-05-20T17:46:40"),
        (157_722_592_780_800, "DATE", "5000000-01-01"),
        (86_400, "TIME", "24:00:00"),
        (3661, "TIME WITH TIME ZONE", "01:01:01"),
    ],
)
def test_moments_are_written_in_iso_8601(seconds, type, said):
    assert binning.moment(seconds, type) == said


FLOATS = st.floats(width=64) | st.integers(-3, 3).map(float)


@given(st.lists(FLOATS, max_size=40), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_even_edges_ascend_and_stay_apart_when_rounded(values, bins):
    edges = binning.even_edges(np.array(values, dtype="float64"), bins)
    rounded = binning.rounded(edges)
    assert 2 <= len(edges) <= bins + 1
    assert np.isfinite(edges).all()
    assert (np.diff(rounded) > 0).all()
    json.dumps(rounded, allow_nan=False)


def test_even_edges_reach_over_all_values_unless_some_are_far_off():
    values = np.random.default_rng(0).normal(size=2_000)
    edges = binning.even_edges(values, 50)
    assert (edges[0], edges[-1]) == (values.min(), values.max())
    squeezed = binning.even_edges(np.append(values, 1e9), 50)
    assert squeezed[-1] < 6


def test_even_edges_of_close_large_numbers_are_told_apart():
    seconds = 1_700_000_000 + np.arange(100) / 10
    assert len(set(binning.rounded(binning.even_edges(seconds, 50)))) == 51


@pytest.mark.parametrize("count", [1, 9, 10, 11, 57, 1000])
def test_deciles_are_those_of_numpy(count):
    values = np.random.default_rng(count).integers(0, 10**6, count) / 7
    expected = np.unique(np.quantile(values, np.arange(1, 10) / 10, method="lower"))
    assert binning.deciles(values)[-1] == expected[-1]
    if count > 10:
        assert binning.deciles(values).tolist() == expected.tolist()


def test_a_number_of_many_rows_is_a_bin_of_its_own():
    ends = binning.deciles(np.array([0.0] * 50 + list(np.arange(1.0, 51))))
    assert list(ends[:2]) == [-5e-324, 0]
    assert binning.deciles(np.array([])).tolist() == []


@given(st.lists(st.sampled_from(["b", "a", "", "ü", "\U0001f600", "z"]), max_size=30))
@settings(max_examples=50, deadline=None)
def test_texts_that_are_as_frequent_are_in_the_order_of_their_names(texts):
    order = sorted(set(texts), key=lambda one: (-texts.count(one), one))
    counted = pc.value_counts(pa.array(texts, pa.string()))
    assert binning.most_frequent(counted, 3) == order[:3]
