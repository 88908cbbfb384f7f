import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import binning
from workflow.checks.value_counts import Numbers

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(10**17), 10**17).map(float)
CLOSE = st.integers(-50, 50).map(lambda one: 1e9 + one / 1024)


def edges_of(*values: float) -> list[float]:
    return binning.of_numbers(Numbers.of(np.array(values, dtype=float))).tolist()


@settings(max_examples=150, deadline=None)
@given(st.one_of(*(st.lists(one, min_size=1, max_size=40) for one in (FINITE, WHOLE, CLOSE))))
def test_any_numbers_have_bins_that_ascend_and_most_numbers_are_in_one(values):
    numbers = Numbers.of(np.array(values))
    edges = binning.of_numbers(numbers)
    assert np.isfinite(edges).all()
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) <= binning.MOST_BINS + 3
    counts = binning.count(numbers, edges)
    assert (counts >= 0).all()
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
def test_whole_numbers_are_within_bins_not_at_their_ends(values, edges):
    assert edges_of(*values) == edges


def test_numbers_far_from_all_others_are_outside():
    values = [*np.random.default_rng(0).normal(size=500), 1e6, -1e9]
    edges = edges_of(*values)
    assert -5 < edges[0] < -2.5
    assert 2.5 < edges[-1] < 5
    assert binning.count(Numbers.of(np.array(values)), np.array(edges)).sum() == 500


def test_a_rare_number_beside_a_frequent_one_is_outside_if_it_is_far():
    assert edges_of(*[1.0] * 900, *range(2, 7)) == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    far = edges_of(*[1.0] * 900, *[2.0] * 50, *[3.0] * 50, 99, 500)
    assert far == [0.5, 1.5, 2.5, 3.5]


def test_a_bin_holds_its_lower_end_and_the_last_one_both():
    numbers = Numbers.of(np.array([0.0, 0.5, 1.0, 1.0]))
    assert binning.count(numbers, np.array([0.0, 0.5, 1.0])).tolist() == [1, 3]
    assert binning.count(numbers, np.array([])).tolist() == []


@settings(max_examples=80, deadline=None)
@given(
    seconds=st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=20),
    unit=st.sampled_from([1, 1e-6, 86_400e-9]),
    type=st.sampled_from(["DATE", "TIMESTAMP"]),
)
def test_any_times_have_bins_that_ascend(seconds, unit, type):
    values = np.array(seconds) * unit
    times = Numbers.of(np.floor(values / 86_400) * 86_400 if type == "DATE" else values)
    edges = binning.of_times([times], type)
    assert (np.diff(edges) > 0).all()
    assert 2 <= len(edges) <= binning.MOST_BINS + 3
    said = [binning.moment(edge, type) for edge in edges]
    assert len(set(said)) == len(said)
    assert binning.count(times, edges).sum() >= len(seconds) / 2


def test_times_of_splits_that_follow_each_other_share_the_bins():
    day = 86_400.0
    times = [Numbers.of(start + np.arange(30) * day) for start in (0.0, 31 * day)]
    edges = binning.of_times(times, "DATE")
    assert [binning.count(one, edges).sum() for one in times] == [30, 30]
    assert {edge % day for edge in edges} == {0}
    assert binning.of_times([], "DATE").tolist() == []


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
def test_moments_are_said_in_iso_8601(seconds, type, said):
    assert binning.moment(seconds, type) == said
