import numpy as np
import pytest

from workflow.schema.leak_evidence import Kind, Target, evidence

RANDOM = np.random.default_rng(7)
N = 2_000
NOISE = RANDOM.normal(size=(N, 4))
HOUR = 3_600.0


def found(
    values: object, target: object, kind: Kind = "number", *, labels: bool = False, tried: int = 10
) -> str | None:
    goal = np.asarray(target, dtype=float)
    names = ["no", "yes", *"abcdefgh"] if labels else None
    return evidence(np.asarray(values, dtype=float), kind, Target("y", goal, names), tried)


def test_a_copy_is_found():
    target = NOISE[:, 0]
    assert found(target, target) == "a copy of y"
    assert found(target[:20], target[:20]) == "a copy of y"
    assert found(target[:19], target[:19]) is None


def test_a_relabelling_is_found_in_few_rows():
    labels = np.arange(60) % 3
    for rows in (20, 60):
        assert found(np.array([5, 2, 9])[labels[:rows]], labels[:rows], labels=True) == (
            "one value for each value of y"
        )
    assert found(np.array([5, 2, 9])[labels], labels) is not None
    assert found(np.array([5, 2, 9])[labels[:15]], labels[:15], labels=True) is None


def test_rare_labels_are_relabelled_by_chance():
    for rare, is_leak in ((1, False), (4, False), (6, True)):
        labels = np.arange(200) < rare
        assert (found(5 + labels, labels, labels=True) is not None) == is_leak
    labels = np.arange(20) < 6  # one order of 38,760
    assert found(labels, labels, labels=True, tried=10) is not None
    assert found(labels, labels, labels=True, tried=1_000) is None


@pytest.mark.parametrize("function", [np.exp, np.square, lambda y: -3 * y + 5, np.cbrt])
def test_a_function_of_the_target_is_found(function):
    target = np.abs(NOISE[:, 0])
    assert found(function(target), target).startswith("in the order of y")
    assert found(function(target[:150]), target[:150]) is not None


def test_a_function_that_is_not_monotonic_is_found():
    values = RANDOM.uniform(-1, 1, N)
    assert "out-of-sample R2 of 0.99" in found(values, np.cos(3 * values))


def test_a_category_within_one_label_each_is_found():
    labels = np.arange(N) % 3
    zones = labels + 3 * RANDOM.integers(0, 10, N)
    assert "accuracy of 1.00000" in found(zones, labels, "category", labels=True)
    assert "accuracy of 1.00000" in found(zones[:400], labels[:400], "category", labels=True)


@pytest.mark.parametrize("rows", [300, N])
def test_a_label_made_of_a_number_by_limits_is_found(rows):
    values = NOISE[:rows, 0]
    labels = np.digitize(values, [-0.5, 0.3])
    assert found(values, labels, labels=True) == "one range of values for each value of y"
    labels[values.argmax()] = 0
    assert found(values, labels, labels=True) != "one range of values for each value of y"


def test_a_good_predictor_is_no_leak():
    target = NOISE[:, 0] + 0.1 * NOISE[:, 1]
    assert found(NOISE[:, 0], target) is None
    labels = (target > 0).astype(float)
    assert found(NOISE[:, 0], labels, labels=True) is None


def test_a_good_predictor_that_is_lucky_in_few_rows_is_no_leak():
    labels = np.arange(100) % 2  # as the petals of two kinds of iris
    assert found(labels + 0.1 * NOISE[:100, 0], labels, labels=True) is None
    zones = labels + 2 * RANDOM.integers(0, 3, 100)
    assert found(zones, labels, "category", labels=True) is None


def test_unique_values_of_both_are_no_relabelling():
    assert found(NOISE[:, 0], NOISE[:, 1]) is None


def test_rare_labels_do_not_make_every_column_a_leak():
    labels = np.zeros(N)
    labels[::1000] = 1
    assert found(NOISE[:, 0], labels, labels=True) is None
    assert found(np.ones(N), labels, labels=True) is None


def test_few_huge_targets_are_no_evidence():
    target = np.where(np.arange(N) % 500 == 7, 1e9, NOISE[:, 0])
    assert found(target > 1e6, target, "gaps") is None
    assert found(np.where(target > 1e6, 1, np.nan), target) is None


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


# Gaps.


@pytest.mark.parametrize("rows", [20, 60, 300, N])
def test_gaps_that_are_the_label_are_found_from_20_rows_on(rows):
    labels = (np.arange(rows) % 3 == 0).astype(float)
    assert found(1 - labels, labels, "gaps", labels=True) == "filled exactly where y is 'yes'"
    assert found(labels, labels, "gaps", labels=True) == "filled exactly where y is 'no'"


def test_gaps_that_are_almost_the_label_are_found_in_enough_rows():
    labels = (np.arange(N) % 4 == 0).astype(float)
    for every, is_leak in ((201, True), (21, False)):  # rows that are otherwise
        gaps = np.where(np.arange(N) % every == 0, 1 - labels, labels)
        how = found(gaps, labels, "gaps", labels=True)
        assert bool(how and how.startswith("its gaps predict y alone")) == is_leak


def test_a_single_gap_is_no_evidence():
    for rows in (20, N, 50_000):
        one = np.arange(rows) == 11
        assert found(one, one, "gaps", labels=True) is None


# Dates.


def trips(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return when trips begin, in seconds, and how many seconds they last."""
    return RANDOM.integers(0, 9_000_000, rows) + 1.7e9, np.round(60 + RANDOM.gamma(2, 400, rows))


@pytest.mark.parametrize("rows", [20, 300, N])
@pytest.mark.parametrize(
    "unit",
    [
        lambda s: s / 60,
        lambda s: np.round(s / 60),
        lambda s: s // 60,
        lambda s: np.round(s / HOUR, 2),
        lambda s: 5 - s / HOUR,
        lambda s: np.minimum(s, np.sort(s)[-2]),
    ],
)
def test_a_difference_of_dates_is_a_copy_in_any_unit(unit, rows):
    _, lasts = trips(rows)
    assert found(lasts, unit(lasts), "difference").startswith("a copy of y")


def test_a_copy_is_found_behind_rows_that_are_mistaken():
    _, lasts = trips(N)
    target = lasts / 60
    target[::40] = 1_440
    target[5::50] = -3
    assert found(lasts, target, "difference").startswith("a copy of y")


def test_a_copy_is_found_where_both_dates_are_rounded():
    start, lasts = trips(N)
    minutes = (start + lasts) // 60 * 60 - start // 60 * 60
    assert found(minutes, lasts, "difference").startswith("a copy of y")


def test_a_date_is_a_copy_but_what_grows_over_time_is_none():
    start, _ = trips(N)
    years = np.round((2e9 - start) / (365.25 * 24 * HOUR), 3)
    assert found(start, years, "date").startswith("a copy of y")
    growing = (start - start.min()) ** 2
    assert found(start, growing, "date") is None
    assert found(start, growing + NOISE[:, 0], "date") is None


def test_a_difference_that_only_goes_with_the_target_is_no_copy():
    _, lasts = trips(N)
    assert found(lasts, lasts / 60 * (1 + 0.1 * NOISE[:, 0]), "difference") is None
    hours_of_whole_days = RANDOM.integers(1, 40, N)
    assert found(hours_of_whole_days // 24 * 24 * HOUR, hours_of_whole_days, "difference") is None


def test_targets_of_few_values_are_no_copies():
    _, lasts = trips(N)
    assert found(lasts, np.where(np.arange(N) % 50 == 0, 3.0, 0.0), "difference") is None
    assert found(lasts[:20], np.arange(20) % 2, "difference") is None


# Noise.


def test_columns_of_noise_are_never_found():
    rng = np.random.default_rng(11)
    kinds: list[Kind] = ["number", "category", "gaps", "date", "difference"]
    for _ in range(200):
        rows = int(np.exp(rng.uniform(np.log(20), np.log(1_000))))
        labels = bool(rng.integers(2))
        share = rng.choice([5 / rows, 0.05, 0.5])
        target = rng.random(rows) < share if labels else rng.poisson(rng.choice([0.2, 30]), rows)
        for kind in kinds:
            values = rng.random(rows) < rng.choice([1 / rows, share, 0.5])
            if kind != "gaps":
                values = np.where(values, np.nan, rng.integers(0, rng.choice([2, 8, 10**9]), rows))
            assert found(values, target, kind, labels=labels) is None
