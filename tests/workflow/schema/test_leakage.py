import numpy as np
import pandas as pd
import pytest

from workflow.schema.leakage import is_counter, leaks_of_one_column, summands

RANDOM = np.random.default_rng(7)
N = 2_000
NOISE = RANDOM.normal(size=(N, 4))


def found(values: object, target: object, *, labels: bool = False) -> str | None:
    frame = pd.DataFrame({"x": np.asarray(values, dtype=float)})
    target = pd.Series(np.asarray(target, dtype=float))
    return leaks_of_one_column(frame, target, labels=labels, name="y").get("x")


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


def test_a_copy_is_found():
    target = NOISE[:, 0]
    assert found(target, target) == "a copy of y: gives the target away"


def test_a_relabelling_is_found_in_few_rows():
    labels = np.arange(60) % 3
    assert found(np.array([5, 2, 9])[labels], labels, labels=True) == (
        "one value for each value of y: gives the target away"
    )
    assert found(np.array([5, 2, 9])[labels], labels) is not None
    assert found(np.array([5, 2, 9])[labels[:15]], labels[:15], labels=True) is None


@pytest.mark.parametrize("function", [np.exp, np.square, lambda y: -3 * y + 5, np.cbrt])
def test_a_function_of_the_target_is_found(function):
    target = np.abs(NOISE[:, 0])
    assert found(function(target), target).endswith(": gives the target away")
    assert found(function(target[:150]), target[:150]) is not None


def test_a_function_that_is_not_monotonic_is_found():
    values = RANDOM.uniform(-1, 1, N)
    assert "out-of-sample R2 of 0.99" in found(values, np.cos(3 * values))


def test_a_category_within_one_label_each_is_found():
    labels = np.arange(N) % 3
    zones = labels + 3 * RANDOM.integers(0, 10, N)
    assert "accuracy of 1.00000" in found(zones, labels, labels=True)


def test_a_good_predictor_is_no_leak():
    target = NOISE[:, 0] + 0.1 * NOISE[:, 1]
    assert found(NOISE[:, 0], target) is None
    labels = (target > 0).astype(float)
    assert found(NOISE[:, 0], labels, labels=True) is None


def test_unique_values_of_both_are_no_relabelling():
    assert found(NOISE[:, 0], NOISE[:, 1]) is None


def test_rare_labels_do_not_make_every_column_a_leak():
    labels = np.zeros(N)
    labels[::1000] = 1
    assert found(NOISE[:, 0], labels, labels=True) is None
    assert found(np.ones(N), labels, labels=True) is None


def test_too_few_rows_tell_nothing():
    assert found(np.arange(50.0) ** 2, np.arange(50.0)) is None
    labels = (NOISE[:100, 0] > 0).astype(float)
    assert found(NOISE[:100, 0], labels, labels=True) is None


def test_missing_values_and_huge_ones_are_taken():
    target = np.abs(NOISE[:, 0]) * 1e300
    values = np.where(NOISE[:, 1] > 1, np.nan, target)
    assert found(values, target).startswith("a copy of y")
    assert found(values * 2, target).startswith("in the order of y")
    assert found(np.full(N, np.nan), target) is None
    assert found(NOISE[:, 2] * 1e305, np.where(NOISE[:, 1] > 1, np.nan, target)) is None


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
