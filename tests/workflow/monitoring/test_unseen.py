import numpy as np
import pyarrow as pa
import pytest

from workflow.checks.value_counts import Numbers, Texts
from workflow.monitoring import unseen
from workflow.monitoring.unseen import Known


def texts(**counts):
    return Texts.of(pa.array([text for text, count in counts.items() for _ in range(count)]))


def only(known, new, check):
    (found,) = [one for one in unseen.findings({"c": known}, {"c": new}) if one.check == check]
    return found


BOROUGHS = Known(rows=1_000, missing=0, counts={"Bronx": 500, "Queens": 450, "Staten": 50})


def test_categories_of_training_are_well():
    found = only(BOROUGHS, texts(Bronx=50, Queens=50), "categories")
    assert (found.level, found.value) == ("ok", 0)


@pytest.mark.parametrize(("count", "level"), [(2, "ok"), (30, "warning"), (80, "alert")])
def test_a_new_category_counts_by_its_share_of_the_rows(count, level):
    found = only(BOROUGHS, texts(Bronx=500, Queens=500 - count, Staten=5, new=count), "categories")
    assert found.level == level


def test_a_rare_category_that_was_renamed_is_an_alert_that_names_both():
    found = only(BOROUGHS, texts(Bronx=500, Queens=470, staten_island=30), "categories")
    assert found.level == "alert"
    assert found.message.endswith(
        "above all 'staten_island' (3.0 %); 'Staten', 5.0 % of training, does not occur any more: "
        "was it renamed?"
    )


def test_new_ones_among_many_rare_categories_are_to_be_expected():
    rare = Known(rows=1_000, missing=0, counts={f"t{n}": 1 for n in range(1_000)})
    found = only(rare, texts(**{f"new{n}": 1 for n in range(100)}), "categories")
    assert (found.level, found.value) == ("ok", 1)


@pytest.mark.parametrize(
    ("beyond", "level"), [(0, "ok"), (2, "ok"), (20, "warning"), (100, "alert")]
)
def test_values_beyond_training_count_by_their_share(beyond, level):
    known = Known(rows=1_000, missing=0, ends=(0.0, 10.0))
    new = Numbers.of(np.append(np.full(1_000 - beyond, 5.0), np.full(beyond, 11.0)))
    found = only(known, new, "range")
    assert (found.level, found.value) == (level, beyond / 1_000)
    assert "beyond training's 0 to 10 in" in found.message


def test_a_column_without_any_value_is_an_alert():
    found = only(Known(rows=100, missing=5), Numbers.of(np.full(10, np.nan)), "missing")
    assert found.level == "alert"
    assert found.message == "column 'c' has no value in any row, in 5.0 % of the training rows."
    assert only(Known(rows=9, missing=9), Numbers.of(np.full(9, np.nan)), "missing").level == "ok"


def test_a_filter_that_drops_most_rows_is_an_alert():
    assert unseen.counted(30, 1_000, 9_500, 10_000).level == "alert"
    assert unseen.counted(800, 1_000, 9_500, 10_000).level == "warning"
    assert unseen.counted(940, 1_000, 9_500, 10_000).level == "ok"
    assert unseen.counted(1, 2, 9_500, 10_000).level == "ok"  # chance


@pytest.mark.parametrize(("count", "level"), [(0, "ok"), (1, "warning"), (20, "alert")])
def test_values_that_do_not_fit_are_told_with_one_of_them(count, level):
    found = unseen.misfits("fare", "DOUBLE", count, 1_000, "1O.5")
    assert found.level == level
    assert ("such as '1O.5'" in found.message) == (count > 0)
