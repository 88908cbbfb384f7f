from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from splits_of import looked_at, ordinary, rows

from workflow.checks import split_scan, value_counts
from workflow.checks.drift import binned, shifts, stability_by_chance, stability_index
from workflow.checks.finding import Finding
from workflow.checks.value_counts import Numbers, Texts

Look = Callable[..., dict[tuple[str, str], Finding]]  # by split and column


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def look(
        frames: dict[str, pd.DataFrame], task: str = "regression", ordered_by: Collection[str] = ()
    ) -> dict[tuple[str, str], Finding]:
        with looked_at(frames, tmp_path, task) as (connection, splits, _):
            kinds = value_counts.kinds(splits[0], task)
            samples = {one.name: value_counts.read(connection, one, kinds) for one in splits}
        found = shifts(splits[0], splits[1:], samples, kinds, ordered_by)
        return {(finding.split, finding.column): finding for finding in found}

    return look


def warned(found: dict[tuple[str, str], Finding]) -> set[tuple[str, str]]:
    return {place for place, finding in found.items() if finding.level == "warning"}


def test_a_shift_is_found_in_the_column_and_split_where_it_is(look):
    frames = ordinary()
    frames["test"]["x"] += 1
    frames["validation"]["colour"] = "blue"
    found = look(frames)
    assert len(found) == 6
    assert warned(found) == {("validation", "colour"), ("test", "x")}
    message = found["validation", "colour"].message
    assert "rows of 'blue' are" in message
    assert "100.0% of validation" in message
    assert message.endswith("or leave the column out.")


@pytest.mark.parametrize(
    ("ordered_by", "why"),
    [((), "look whether both come from the same place"), (["day"], "a split by time may cause it")],
)
def test_a_shift_of_the_target_is_found_with_its_possible_cause(look, ordered_by, why):
    frames = ordinary()
    frames["test"]["target"] *= 5
    finding = look(frames, ordered_by=ordered_by)["test", "target"]
    assert finding.level == "warning"
    assert why in finding.message
    assert "expect lower scores" in finding.message


def test_numbers_that_are_classes_are_compared_as_such(look):
    frames = {split: frame.assign(target=1.0) for split, frame in ordinary().items()}
    frames["test"]["target"] = 2.0
    assert "rows of '1.0' are" in look(frames, "binary")["test", "target"].message


def test_a_shift_of_few_rows_may_be_chance(look):
    for seed in range(10):
        frames = {split: rows(n, n + seed) for split, n in (("train", 60), ("test", 20))}
        assert warned(look(frames)) == set()


def test_times_are_not_compared(look):
    frames = ordinary()
    for place, frame in enumerate(frames.values()):
        hours = pd.to_timedelta(np.arange(len(frame)) + place * 1000, unit="h")
        frame["when"] = pd.Timestamp("2024-01-01") + hours
    finding = look(frames)["test", "when"]
    assert (finding.level, np.isnan(finding.value)) == ("ok", True)
    assert "a split by time shifts it" in finding.message


@pytest.mark.parametrize("kind", [int, float, str])
def test_a_column_by_which_rows_are_split_is_not_compared(look, kind):
    frames = {
        split: frame.assign(Year=pd.Series([year] * len(frame)).astype(kind))
        for (split, frame), year in zip(ordinary().items(), (2020, 2021, 2022), strict=True)
    }
    assert warned(look(frames)) == {("validation", "Year"), ("test", "Year")}
    found = look(frames, ordered_by={"year"})
    assert warned(found) == set()
    assert found["test", "Year"].message == (
        "column 'Year' is not compared with train's: rows are split by it."
    )


def test_the_same_sample_is_drawn_again(look, monkeypatch):
    whole = look(ordinary())
    monkeypatch.setattr(split_scan, "SAMPLED", 100)
    assert look(ordinary()) == look(ordinary()) != whole


def test_bins_are_trains_deciles_with_values_of_many_rows_apart():
    train = Numbers.of(np.array([0.0] * 50 + list(np.arange(1.0, 51)) + [np.nan] * 3))
    other = Numbers.of(np.array([0.0, -1, 100, np.nan]))
    labels, (before, after) = binned(train, other)
    assert before.sum() == 103
    assert after.sum() == 4
    counts = dict(zip(labels, zip(before, after, strict=True), strict=True))
    assert counts["missing values"] == (3, 1)
    assert (50, 1) in counts.values()  # the zeros have a bin of their own


def test_bins_of_texts_are_the_most_frequent_and_all_others():
    train = Texts.of(pa.array(list("aabcdefghijkl")))
    labels, (before, after) = binned(train, Texts.of(pa.array(["a", "new", None])))
    assert labels[0] == "rows of 'a'"
    assert labels[-2:] == ["other values", "missing values"]
    assert len(labels) == 12
    assert list(before[-2:]) == [2, 0]
    assert list(after[-2:]) == [1, 1]


@pytest.mark.parametrize("count", [1, 9, 10, 11, 57, 1000])
def test_bins_of_numbers_end_at_trains_deciles(count):
    values = np.random.default_rng(count).integers(0, 10**6, count) / 7
    cuts = np.unique(np.quantile(values, np.arange(1, 10) / 10, method="lower"))
    labels, _ = binned(Numbers.of(values), Numbers.of(values))
    assert labels[-2] == f"values above {cuts[-1]:.4g}"
    if count > 10:
        assert labels[0] == f"values up to {cuts[0]:.4g}"
        assert len(labels) == len(cuts) + 2


def test_a_column_that_is_empty_in_train_is_compared_by_missing_values(look):
    frames = ordinary()
    frames["train"]["x"] = np.nan
    assert warned(look(frames)) == {("validation", "x"), ("test", "x")}


def test_the_stability_index_is_siddiqis():
    before, after = np.array([5000, 3000, 2000]), np.array([2000, 3000, 5000])
    p, q = before / 10_000, after / 10_000
    assert stability_index(before, after) == pytest.approx(
        ((q - p) * np.log(q / p)).sum(), rel=1e-3
    )
    assert stability_index(before, before) == 0
    assert np.isfinite(stability_index(np.array([10, 0]), np.array([0, 10])))


def test_the_index_of_chance_is_chi_squares_quantile():
    # scipy.stats.chi2.ppf(1 - 1e-4, 9) == 33.720
    counts = np.full(10, 20)
    assert stability_by_chance(counts, counts) == pytest.approx(33.72 * 2 / 200, rel=0.02)
