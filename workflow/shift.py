"""Whether a split's values are distributed as train's are."""

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import numpy as np
import pandas as pd

from workflow.findings import OK, WARNING, Finding, family, named, value_of
from workflow.one_pass import LONG, Split
from workflow.sql import TARGET, quote

SHIFTED = 0.25  # Siddiqi's limit for a significant shift
BINS = 10
WHY = {  # a column of that kind is not compared
    "a time": "a split by time shifts it",
    "the order": "rows are split by it",
}


@dataclass(frozen=True)
class Bins:
    """Where values are counted, and how many of train's there are.

    Attributes:
        labels: One a bin; the last bin is of missing values.
        place: Returns the bins of (n,) values that are not missing.
        before: (n_bins,) counts of train.
    """

    labels: list[str]
    place: Callable[[pd.Series], np.ndarray]
    before: np.ndarray

    @classmethod
    def of(cls, train: pd.Series, *, is_number: bool) -> "Bins":
        """Make bins from train's values, and count them.

        Args:
            train: (n,) numbers or texts.
            is_number: Bins are deciles; a value that is a decile twice, a tenth of the rows or
                more, has a bin of its own. Otherwise they are the most frequent values, and all
                others.
        """
        labels, place = _deciles(train) if is_number else _most_frequent(train)
        labels.append("missing values")
        return cls(labels, place, _counted(train, place, len(labels)))

    def count(self, other: pd.Series) -> np.ndarray:
        """Return the (n_bins,) counts of another split's values."""
        return _counted(other, self.place, len(self.labels))


def shifts(
    connection: duckdb.DuckDBPyConnection,
    task: str,
    train: Split,
    others: list[Split],
    ordered_by: Collection[str],
) -> Iterator[Finding]:
    """Compare the columns that features read, and the target, with train's.

    Of a split with more than `one_pass.SAMPLED` rows a sample is compared.

    Args:
        connection: It holds the splits' samples.
        task: "regression", or one whose target is a class.
        train: With rows, as all have.
        others: The splits that are compared with train.
        ordered_by: Raw columns by which rows are split by time, in any case.
    """
    columns = {column: train.types[column] for column in [*train.features, TARGET]}
    kinds = {column: family(type) for column, type in columns.items()}
    order = {column.casefold() for column in ordered_by}
    kinds |= {column: "the order" for column in train.features if column.casefold() in order}
    if task != "regression":
        kinds[TARGET] = "text"
    compared = {column: kind for column, kind in kinds.items() if kind in ("a number", "text")}
    selected = ", ".join(
        f"CAST({value_of(column, columns[column])} AS DOUBLE) AS {quote(column)}"
        if kind == "a number"
        else f"left(CAST({quote(column)} AS VARCHAR), {LONG}) AS {quote(column)}"
        for column, kind in compared.items()
    )
    sample = connection.execute(f"SELECT {selected} FROM {train.sample}").df()
    bins = {
        column: Bins.of(sample[column], is_number=kind == "a number")
        for column, kind in compared.items()
    }
    for split in others:
        other = connection.execute(f"SELECT {selected} FROM {split.sample}").df()
        for column, kind in kinds.items():
            if column in compared:
                after = bins[column].count(other[column])
                yield _shift(split.name, column, bins[column], after, by_time=bool(ordered_by))
                continue
            why = WHY.get(kind, "it is no number or text")
            message = f"column {named(column)} is not compared with train's: {why}."
            yield Finding("shift", split.name, column, math.nan, OK, message)


def _shift(split: str, column: str, bins: Bins, after: np.ndarray, *, by_time: bool) -> Finding:
    before = bins.before
    index = stability_index(before, after)
    what = "the target" if column == TARGET else f"column {named(column)}"
    message = f"{what} has a population stability index of {index:.2f} between train and {split}"
    level = OK
    if index >= SHIFTED and index > stability_by_chance(before, after):
        level = WARNING
        shares = before / before.sum(), after / after.sum()
        most = int(np.abs(shares[1] - shares[0]).argmax())
        if column != TARGET:
            cure = "look whether both come from the same place, or leave the column out"
        elif by_time:
            cure = (
                "a split by time may cause it, if the target changes with time: expect lower scores"
            )
        else:
            cure = "look whether both come from the same place, or expect lower scores"
        message += (
            f" ({SHIFTED} is much): {bins.labels[most]} are {shares[0][most]:.1%} of train and "
            f"{shares[1][most]:.1%} of {split}; {cure}"
        )
    return Finding("shift", split, column, index, level, f"{message}.")


def stability_index(before: np.ndarray, after: np.ndarray) -> float:
    """Return the population stability index of two samples: 0 where they are alike.

    The sum of (q - p) ln(q / p) over bins with the shares p and q; from 0.25 it is a significant
    shift: N. Siddiqi, Credit Risk Scorecards (Wiley, 2006). Half a row is added to each bin, as
    the logarithm of an empty one has no value.

    Args:
        before: (n_bins,) counts.
        after: (n_bins,) counts.
    """
    used = before + after > 0
    p, q = (counts[used] + 0.5 for counts in (before, after))
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def stability_by_chance(before: np.ndarray, after: np.ndarray) -> float:
    """Return the index that two samples of the same rows exceed once in ten thousand times.

    It is (1 / n + 1 / m) times chi-square with a degree of freedom less than there are bins: B.
    Yurdakul, Statistical Properties of Population Stability Index (Western Michigan University,
    2018). The quantile is Wilson and Hilferty's approximation.
    """
    freedom = max(int((before + after > 0).sum()) - 1, 1)
    part = 2 / (9 * freedom)
    quantile = freedom * (1 - part + 3.72 * math.sqrt(part)) ** 3
    return (1 / before.sum() + 1 / after.sum()) * quantile


def _deciles(train: pd.Series) -> tuple[list[str], Callable[[pd.Series], np.ndarray]]:
    known = train.dropna().to_numpy()
    deciles = np.quantile(known, np.arange(1, BINS) / BINS, method="lower") if len(known) else []
    cuts, repeats = np.unique(deciles, return_counts=True)
    cuts = np.union1d(cuts, np.nextafter(cuts[repeats > 1], -np.inf))
    ends = [f"{cut:.4g}" for cut in cuts]
    inner = [high if low == high else f"{low} to {high}" for low, high in pairwise(ends)]
    labels = [f"values up to {ends[0]}", *(f"values of {one}" for one in inner)] if ends else []
    labels.append(f"values above {ends[-1]}" if ends else "values")
    return labels, lambda values: np.searchsorted(cuts, values.to_numpy(), side="left")


def _most_frequent(train: pd.Series) -> tuple[list[str], Callable[[pd.Series], np.ndarray]]:
    counts = train.value_counts(sort=False).sort_index()
    top = counts.sort_values(ascending=False, kind="stable").index[:BINS]
    bins = {value: position for position, value in enumerate(top)}
    labels = [*(f"rows of {named(value)}" for value in top), "other values"]
    return labels, lambda values: values.map(bins).fillna(len(bins)).to_numpy(dtype=int)


def _counted(values: pd.Series, place: Callable[[pd.Series], np.ndarray], bins: int) -> np.ndarray:
    known = values.dropna()
    counts = np.bincount(place(known), minlength=bins)
    counts[-1] = len(values) - len(known)
    return counts
