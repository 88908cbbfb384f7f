"""Whether a split's values are distributed as train's are."""

import math
from collections.abc import Collection, Iterator
from itertools import pairwise

import duckdb
import numpy as np
import pandas as pd

from workflow.findings import OK, WARNING, Finding, Split, family, named, value_of
from workflow.sql import TARGET, quote

SHIFTED = 0.25  # Siddiqi's limit for a significant shift
BINS = 10
WHY = {  # a column of that kind is not compared
    "a time": "a split by time shifts it",
    "the order": "rows are split by it",
}


def shifts(
    connection: duckdb.DuckDBPyConnection,
    task: str,
    train: Split,
    others: list[Split],
    ordered_by: Collection[str],
) -> Iterator[Finding]:
    """Compare the columns that features read, and the target, with train's.

    Args:
        connection: It reads the splits.
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
    selected = [
        f"CAST({value_of(column, columns[column])} AS DOUBLE) AS {quote(column)}"
        if kind == "a number"
        else f"left(CAST({quote(column)} AS VARCHAR), 100) AS {quote(column)}"
        for column, kind in compared.items()
    ]
    sample = connection.execute(train.sampled(selected)).df()
    for split in others:
        other = connection.execute(split.sampled(selected)).df()
        for column, kind in kinds.items():
            if column in compared:
                counts = binned(sample[column], other[column], kind == "a number")
                yield _shift(split.name, column, *counts, by_time=bool(ordered_by))
                continue
            why = WHY.get(kind, "it is no number or text")
            message = f"column {named(column)} is not compared with train's: {why}."
            yield Finding("shift", split.name, column, math.nan, OK, message)


def _shift(
    split: str,
    column: str,
    labels: list[str],
    before: np.ndarray,
    after: np.ndarray,
    *,
    by_time: bool,
) -> Finding:
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
            f" ({SHIFTED} is much): {labels[most]} are {shares[0][most]:.1%} of train and "
            f"{shares[1][most]:.1%} of {split}; {cure}"
        )
    return Finding("shift", split, column, index, level, f"{message}.")


def binned(
    train: pd.Series, other: pd.Series, is_number: bool
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Count the values of two samples in bins that come from train's.

    Args:
        train: (n,) numbers or texts.
        other: (m,) of the same kind.
        is_number: Bins are deciles; a value that is a decile twice, a tenth of the rows or more,
            has a bin of its own. Otherwise they are the most frequent values, and all others.

    Returns:
        A label, train's count and the other's count by bin; the last bin is of missing values.
    """
    if is_number:
        known = train.dropna().to_numpy()
        deciles = (
            np.quantile(known, np.arange(1, BINS) / BINS, method="lower") if len(known) else []
        )
        cuts, repeats = np.unique(deciles, return_counts=True)
        cuts = np.union1d(cuts, np.nextafter(cuts[repeats > 1], -np.inf))
        ends = [f"{cut:.4g}" for cut in cuts]
        inner = [high if low == high else f"{low} to {high}" for low, high in pairwise(ends)]
        labels = [f"values up to {ends[0]}", *(f"values of {one}" for one in inner)] if ends else []
        labels.append(f"values above {ends[-1]}" if ends else "values")
        bins = [
            np.searchsorted(cuts, values.dropna().to_numpy(), side="left")
            for values in (train, other)
        ]
    else:
        counts = train.value_counts(sort=False).sort_index()
        top = counts.sort_values(ascending=False, kind="stable").index[:BINS]
        labels = [*(f"rows of {named(value)}" for value in top), "other values"]
        place = {value: position for position, value in enumerate(top)}
        bins = [
            values.dropna().map(place).fillna(len(place)).to_numpy(dtype=int)
            for values in (train, other)
        ]
    before, after = (
        np.append(np.bincount(each, minlength=len(labels)), values.isna().sum())
        for each, values in zip(bins, (train, other), strict=True)
    )
    return [*labels, "missing values"], before, after


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
