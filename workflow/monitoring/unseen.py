"""What training has not seen: new categories, values beyond its range, columns without a value."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from workflow.checks.value_counts import Numbers, Texts
from workflow.formatting import share
from workflow.monitoring.finding import (
    ALERT,
    BY_CHANCE,
    OK,
    WARNING,
    WARNING_SHARE,
    Finding,
    level_of,
)
from workflow.plain_values import quoted

CATEGORIES, RANGE = "categories", "range"  # names of checks
VANISHED = 20  # rows of a category that were to be expected, where there are none


@dataclass(frozen=True, kw_only=True)
class Known:
    """What all training rows have in a column.

    Attributes:
        rows: How many there are.
        missing: How many have no value.
        ends: The least and the greatest number; None of texts, and where there is no value.
        counts: Rows by text, of texts alone.
    """

    rows: int
    missing: int
    ends: tuple[float, float] | None = None
    counts: Mapping[str, int] | None = None


def findings(known: Mapping[str, Known], new: Mapping[str, Numbers | Texts]) -> list[Finding]:
    """Look for what no training row has, in each column.

    Args:
        known: By column.
        new: The new rows' values of the same columns.
    """
    found = []
    for column, one in known.items():
        values = new[column]
        if values.known + values.missing:
            found.append(_missing(column, one, values))
        if values.known and one.counts is not None and isinstance(values, Texts):
            found.append(_categories(column, one.counts, values))
        elif values.known and one.ends is not None and isinstance(values, Numbers):
            found.append(_range(column, one.ends, one.rows - one.missing, values))
    return found


def _missing(column: str, known: Known, new: Numbers | Texts) -> Finding:
    before, after = known.missing / known.rows, new.missing / (new.known + new.missing)
    level, message = OK, f"column {quoted(column)} is missing in {share(after)} of the rows"
    if after == 1 and before < 1:
        level, message = ALERT, f"column {quoted(column)} has no value in any row"
    message += f", in {share(before)} of the training rows."
    return Finding(check="missing", column=column, value=after, level=level, message=message)


def _categories(column: str, counts: Mapping[str, int], new: Texts) -> Finding:
    """Look for categories that training does not have, and for one that was renamed.

    Of a column with many rare categories some new ones are to be expected: as large a share of the
    rows as those have that occur once (Good, 1953, Biometrika 40, 237-264).
    """
    texts, rows = new.counted.flatten()
    fresh = {
        text: count
        for text, count in zip(texts.to_pylist(), rows.to_pylist(), strict=True)
        if text not in counts
    }
    unseen, total = sum(fresh.values()), sum(counts.values())
    part = unseen / new.known
    expected = sum(count == 1 for count in counts.values()) / max(total, 1)
    message = f"column {quoted(column)} has a category new to the model in {share(part)} of rows"
    level = level_of(part) if _is_beyond(unseen, new.known, expected) else OK
    if level != OK:
        most = max(fresh, key=lambda text: fresh[text])
        message += f", above all {quoted(most)} ({share(fresh[most] / new.known)})"
        seen = set(texts.to_pylist())
        gone = {
            text: count
            for text, count in counts.items()
            if text not in seen and count / total * new.known >= VANISHED
        }
        if gone:
            level, most = ALERT, max(gone, key=lambda text: gone[text])
            message += (
                f"; {quoted(most)}, {share(gone[most] / total)} of training, does not occur any "
                "more: was it renamed?"
            )
    message += "" if message.endswith("?") else "."
    return Finding(check=CATEGORIES, column=column, value=part, level=level, message=message)


def _range(column: str, ends: tuple[float, float], trained: int, new: Numbers) -> Finding:
    below = int(np.searchsorted(new.values, ends[0], side="left"))
    outside = below + new.known - int(np.searchsorted(new.values, ends[1], side="right"))
    part = outside / new.known
    # Of as many training rows, the next one is the least or the greatest this often.
    expected = 2 / (trained + 1)
    level = level_of(part) if _is_beyond(outside, new.known, expected) else OK
    least, greatest = (f"{end:.6g}" for end in ends)
    message = f"column {quoted(column)} is beyond training's {least} to {greatest} in {share(part)}"
    return Finding(
        check=RANGE, column=column, value=part, level=level, message=f"{message} of the rows."
    )


def counted(kept: int, of: int, kept_before: int, of_before: int) -> Finding:
    """Compare the share of rows that count, by the dataset's `where`, with that of training.

    Args:
        kept: New rows that count.
        of: New rows whose target is known.
        kept_before: The same of the rows that the splits were made of.
        of_before: The same.
    """
    part, before = kept / of, kept_before / of_before
    message = f"{share(part)} of the rows count by the dataset's filter, {share(before)} in train"
    table = [[kept, of - kept], [kept_before, of_before - kept_before]]
    is_chance = part == before or float(stats.fisher_exact(table).pvalue) >= BY_CHANCE
    lost = before - part
    level = OK
    if not is_chance:
        level = ALERT if abs(lost) >= 0.25 else WARNING if abs(lost) >= 0.1 else OK
    return Finding(check="filter", value=part, level=level, message=f"{message}.")


def misfits(column: str, type: str, count: int, rows: int, example: str) -> Finding:
    """Tell that some values cannot be read as training has read their column.

    Args:
        column: The raw column.
        type: Its type in training.
        count: Rows with such a value.
        rows: All rows.
        example: One of the values.
    """
    part = count / rows
    level = OK if not count else ALERT if part >= WARNING_SHARE else WARNING
    message = f"column {quoted(column)} is read as {type}"
    if count:
        message += f", which {share(part)} of the rows do not fit, such as {quoted(example)}"
    return Finding(check="type", column=column, value=part, level=level, message=f"{message}.")


def absent(column: str, is_needed: bool) -> Finding:
    """Tell that the new rows have no such column."""
    then = "which the model needs" if is_needed else "which then counts as missing"
    message = f"column {quoted(column)} is not there, {then}."
    return Finding(check="columns", column=column, value=1.0, level=ALERT, message=message)


def _is_beyond(count: int, rows: int, expected: float) -> bool:
    """Tell whether so many of the rows are more than a share that was expected, and no chance."""
    if count / rows <= expected:
        return False
    return math.isclose(expected, 0) or float(stats.binom.sf(count - 1, rows, expected)) < BY_CHANCE
