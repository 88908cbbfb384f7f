import numpy as np
import pandas as pd
import pytest

from workflow.schema.leak_evidence import Target
from workflow.schema.leakage import LEAK, PAIRED, is_counter, leaks, paired, summands

RANDOM = np.random.default_rng(7)
N = 2_000
NOISE = RANDOM.normal(size=(N, 4))


@pytest.mark.parametrize("step", [1, -1, 0.5, 24])
def test_values_that_grow_or_fall_with_the_row_count_rows(step):
    rows = np.sort(RANDOM.choice(10_000, 500, replace=False))
    assert is_counter(rows, 17 + step * rows)


def test_a_few_uneven_steps_do_not_hide_a_counter():
    steps = np.where(np.arange(N) % 50 == 0, 0.5, 1)
    assert is_counter(np.arange(N), np.cumsum(steps))


def test_a_column_by_which_the_file_is_sorted_does_not_count_rows():
    assert not is_counter(np.arange(N), np.sort(RANDOM.uniform(size=N)))
    assert not is_counter(np.arange(N), NOISE[:, 0])
    assert not is_counter(np.arange(5), np.arange(5))


def test_a_sum_is_found_with_its_signs():
    frame = pd.DataFrame(NOISE, columns=list("abcd"))
    frame["e"] = 3 * frame["a"]  # two columns that say the same
    assert summands(frame, frame["b"] + frame["c"]) == {"b": 1, "c": 1}
    assert summands(frame, frame["b"] - frame["d"]) == {"b": 1, "d": -1}


def test_the_least_sum_is_found_among_columns_that_repeat_each_other():
    frame = pd.DataFrame(RANDOM.integers(0, 100, (N, 3)), columns=["a", "b", "c"])
    frame["both"] = frame["a"] + frame["b"]
    total = frame["a"] + frame["b"] + frame["c"]
    signs = summands(frame, total)
    assert len(signs) in (2, 3)
    assert np.array_equal(sum(frame[name] * sign for name, sign in signs.items()), total)


def test_a_target_that_is_no_plain_sum_has_no_parts():
    frame = pd.DataFrame(NOISE, columns=list("abcd"))
    assert summands(frame, 2 * frame["a"] + frame["b"]) == {}
    assert summands(frame, frame["a"] + frame["b"] + 0.001 * RANDOM.normal(size=N)) == {}
    assert summands(frame, frame["a"]) == {}
    assert summands(frame, pd.Series(np.ones(N))) == {}
    assert summands(frame[[]], frame["a"]) == {}
    assert summands(frame[:20], (frame["a"] + frame["b"])[:20]) == {}


def test_rows_with_gaps_do_not_hide_a_sum():
    frame = pd.DataFrame(NOISE, columns=list("abcd"))
    total = frame["a"] + frame["b"]
    frame.loc[::3, "a"] = np.nan
    frame["d"] = np.nan
    assert summands(frame, total) == {"a": 1, "b": 1}


@pytest.mark.parametrize("kind", ["number", "category", "date", "time"])
@pytest.mark.parametrize("rows", [20, 300])
def test_a_column_of_any_kind_that_is_filled_for_one_label_is_found(kind, rows):
    churn = np.arange(rows) % 4 == 0
    frame = pd.DataFrame(
        {
            "x": NOISE[:rows, 0],
            "closed": np.where(churn, RANDOM.integers(0, 4, rows), np.nan),
            "gaps": np.where(NOISE[:rows, 1] > 0, 1, np.nan),
        }
    )
    target = Target("churn", churn.astype(float), ["no", "yes"])
    found = leaks(frame, {"x": "number", "closed": kind, "gaps": kind}, target)
    assert found == {"closed": f"filled exactly where churn is 'yes': {LEAK}"}


@pytest.mark.parametrize("kind", ["date", "time"])
@pytest.mark.parametrize("first", ["pickup", "dropoff"])
def test_the_later_of_two_dates_whose_difference_is_the_target_is_left_out(kind, first):
    lasts = RANDOM.integers(60, 4_000, 300)
    pickup = RANDOM.integers(0, 80_000, 300).astype(float)
    frame = pd.DataFrame({"pickup": pickup, "dropoff": pickup + lasts, "x": NOISE[:300, 0]})
    kinds = {first: kind} | {"pickup": kind, "dropoff": kind, "x": "number"}
    found = leaks(frame, kinds, Target("minutes", lasts / 60))
    how = "dropoff - pickup: a copy of minutes, but for unit, start and rounding"
    assert found == {"dropoff": f"{how}: {LEAK}"}


def test_each_date_that_ends_what_the_target_lasts_is_left_out():
    lasts = RANDOM.integers(60, 4_000, 300).astype(float)
    start = RANDOM.integers(0, 9_000_000, 300).astype(float)
    frame = pd.DataFrame({"paid": start + lasts, "start": start, "end": start + lasts + 5})
    found = leaks(frame, dict.fromkeys(frame, "date"), Target("y", lasts))
    assert list(found) == ["paid", "end"]


def test_a_label_that_two_dates_decide_is_found():
    due = RANDOM.integers(0, 9_000_000, N).astype(float)
    back = due + RANDOM.integers(-200_000, 500_000, N)
    frame = pd.DataFrame({"due": due, "back": back})
    target = Target("late", (back > due).astype(float), ["false", "true"])
    assert list(leaks(frame, dict.fromkeys(frame, "date"), target)) == ["back"]


def test_more_dates_than_can_be_compared_are_the_first():
    kinds = {f"d{n}": "date" for n in range(PAIRED + 2)} | {"at": "time", "x": "number"}
    dates, times = paired(kinds)
    assert dates == [f"d{n}" for n in range(PAIRED)]
    assert times == ["at"]
