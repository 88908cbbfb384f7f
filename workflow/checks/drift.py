"""Whether a split's values are distributed as train's are."""

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from sql_features.expressions import TARGET
from workflow.binning import MISSING, OTHERS, deciles, most_frequent
from workflow.checks.finding import OK, WARNING, Finding
from workflow.checks.split_scan import Split
from workflow.checks.value_counts import Numbers, Sample, Texts, ValueKind
from workflow.plain_values import quoted

SHIFTED = 0.25  # Siddiqi's limit for a significant shift
WHY = {"time": "a split by time shifts it", "other": "it is no number or text"}


def shifts(
    train: Split,
    others: list[Split],
    samples: Mapping[str, Sample],
    kinds: Mapping[str, ValueKind],
    ordered_by: Collection[str],
) -> Iterator[Finding]:
    """Compare the columns that features read, and the target, with train's.

    Args:
        train: The split that the others are compared with. All splits have rows.
        others: The splits that are compared.
        samples: By split.
        kinds: By column.
        ordered_by: Raw columns by which rows are split by time, in upper or lower case.
    """
    order = {column.casefold() for column in ordered_by}
    why = {column: WHY[kind] for column, kind in kinds.items() if kind in WHY}
    why |= {name: "rows are split by it" for name in train.features if name.casefold() in order}
    for split in others:
        for column in [*train.features, TARGET]:
            if column in why:
                message = f"column {quoted(column)} is not compared with train's: {why[column]}."
                yield Finding("shift", split.name, column, math.nan, OK, message)
            else:
                values = (samples[name][column] for name in (train.name, split.name))
                yield _shift(split.name, column, *binned(*values), by_time=bool(ordered_by))


def binned(train: Numbers | Texts, other: Numbers | Texts) -> tuple[list[str], list[np.ndarray]]:
    """Count train's values and another split's in bins that are made from train's.

    Bins of numbers are deciles; a number that is a decile twice, a tenth of the rows or more, has
    a bin of its own. Bins of texts are the most frequent ones, and all others.

    Returns:
        The bins' labels, the last of missing values, and the (n_bins,) counts of both.
    """
    bins: Any  # as `count` of Numbers or of Texts takes them
    if isinstance(train, Numbers):
        bins = deciles(train.values)
        labels = _ranges(bins)
    else:
        bins = most_frequent(train.counted)
        labels = [*(f"rows of {quoted(text)}" for text in bins), OTHERS]
    counts = [np.append(one.count(bins), one.missing) for one in (train, other)]
    return [*labels, MISSING], counts


def _ranges(ends: np.ndarray) -> list[str]:
    """Return the names of the bins that `deciles` ends; the last has no end."""
    if not len(ends):
        return ["values"]
    shown = [f"{end:.4g}" for end in ends]
    # Where an end is the next number after the one before it, nothing else is in its bin.
    single = np.nextafter(ends[:-1], np.inf) == ends[1:]
    inner = [
        f"values of {high}" if alone or low == high else f"values of {low} to {high}"
        for (low, high), alone in zip(pairwise(shown), single, strict=True)
    ]
    return [f"values up to {shown[0]}", *inner, f"values above {shown[-1]}"]


def _shift(
    split: str, column: str, labels: list[str], counts: list[np.ndarray], *, by_time: bool
) -> Finding:
    before, after = counts
    index = stability_index(before, after)
    what = "the target" if column == TARGET else f"column {quoted(column)}"
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
    2018). Its quantile is Wilson and Hilferty's approximation, which needs no import of scipy.
    """
    freedom = max(int((before + after > 0).sum()) - 1, 1)
    part = 2 / (9 * freedom)
    quantile = freedom * (1 - part + 3.72 * math.sqrt(part)) ** 3
    return float((1 / before.sum() + 1 / after.sum()) * quantile)
