import re

import numpy as np
import pyarrow as pa
import pytest

from workflow.checks.value_counts import Numbers, Texts
from workflow.monitoring import drift
from workflow.monitoring.drift import Pair


def shifted(*pairs):
    """Return the level and the message of each pair of values."""
    made = [Pair(f"c{n}", f"column 'c{n}'", *map(values, pair)) for n, pair in enumerate(pairs)]
    return [(one.level, one.message) for one in drift.shifts(made)]


def values(given):
    if isinstance(given[0], str):
        return Texts.of(pa.array(given))
    return Numbers.of(np.asarray(given, "float64"))


@pytest.fixture
def fares():
    return np.random.default_rng(1).gamma(3, 5, 5_000)


def test_cents_instead_of_dollars_are_an_alert_that_says_what_moved(fares):
    ((level, message),) = shifted((fares[:3_000], 100 * fares[3_000:]))
    assert level == "alert"
    assert message.startswith("column 'c0' has a population stability index of ")
    assert message.endswith(" were 10.0% and are 100.0%.")


def test_a_renamed_category_is_an_alert_that_names_it():
    before = ["cash"] * 300 + ["card"] * 700
    after = ["cash"] * 300 + ["credit"] * 700
    ((level, message),) = shifted((before, after))
    assert level == "alert"
    assert "rows of 'card' were 70.0% and are 0.0%" in message


def test_many_rows_that_differ_a_little_are_no_shift(fares):
    rng = np.random.default_rng(2)
    before, after = rng.normal(0, 1, 50_000), rng.normal(0.05, 1, 50_000)
    assert drift.p_value(values(before), values(after)) < 1e-6
    assert shifted((before, after))[0][0] == "ok"


def test_few_rows_that_differ_much_by_chance_are_no_shift():
    rng = np.random.default_rng(3)
    found = [shifted((rng.normal(size=1_000), rng.normal(size=15)))[0] for _ in range(40)]
    assert max(float(re.search(r"index of ([\d.]+\d)", one)[1]) for _, one in found) > 0.25
    assert [level for level, _ in found].count("alert") <= 1


def test_values_that_are_missing_now_are_a_shift(fares):
    gaps = np.where(np.arange(2_000) % 2, fares[3_000:], np.nan)
    ((level, message),) = shifted((fares[:3_000], gaps))
    assert level == "alert"
    assert "missing values were 0.0% and are 50.0%" in message


def test_a_shift_in_between_is_a_warning(fares):
    ((level, _),) = shifted((fares[:3_000], 1.25 * fares[3_000:]))
    assert level == "warning"


def test_p_values_are_adjusted_for_the_number_of_columns(fares):
    rng = np.random.default_rng(4)
    one = rng.normal(size=200), np.append(rng.normal(size=24), [2.2] * 10)
    alone = shifted(one)[0][0]
    others = [(rng.normal(size=200), rng.normal(size=30)) for _ in range(300)]
    assert (alone, shifted(one, *others)[0][0]) == ("alert", "ok")


def test_a_column_without_values_on_both_sides_is_no_shift():
    gaps = [np.nan] * 50
    assert shifted((gaps, gaps), (["a"] * 50, ["a"] * 50))[0][0] == "ok"
    assert shifted() == []
