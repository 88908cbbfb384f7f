"""Values as plain JSON holds them, short: for tables and pictures, not to be computed with."""

import math
from typing import Any

import numpy as np
import pandas as pd

LONGEST, CELL = 22, 30  # characters of a label, of a value


def number(value: float | None) -> float | None:
    """Return 6 significant digits, or None of what is no finite number.

    >>> number(1234.56789), number(float("nan"))
    (1234.57, None)
    """
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def cell(value: Any) -> str | int | float | None:
    """Return any value of a table: a number, or short text.

    >>> cell(74.0), cell(True), cell(float("inf")), cell(pd.NaT), cell(pd.Timestamp("2023-03-01"))
    (74, 'true', 'inf', None, '2023-03-01 00:00:00')
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, int | float | np.integer | np.floating):
        if not math.isfinite(value):
            return str(value)
        # Numbers of things are kept: JavaScript knows them up to here.
        return int(value) if value == int(value) and abs(value) < 2**53 else number(value)
    return text(str(value)[:1_000], CELL)


def text(value: object, longest: int = LONGEST) -> str:
    """Return a label, a name or a value as it is shown: in one line, printable, short.

    >>> text("two\\nlines"), text(""), text("x" * 9, 5)
    ('two lines', '(empty)', 'xxxx…')
    """
    line = " ".join(str(value).split())
    line = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    return line or "(empty)"


def apart(labels: list[str]) -> list[str]:
    """Number labels that came to be the same when they were cut.

    >>> apart(["a…", "a…", "b"])
    ['a…', 'a… (2)', 'b']
    """
    found: dict[str, None] = {}
    for label in labels:
        name, copy = label, 1
        while name in found:
            copy += 1
            name = f"{label} ({copy})"
        found[name] = None
    return list(found)


def some(rows: int, most: int, seed: int) -> np.ndarray:
    """Return the positions of all rows, or of `most` that are drawn by chance.

    >>> some(3, 5, 1), len(some(9, 5, 1))
    (array([0, 1, 2]), 5)
    """
    if rows <= most:
        return np.arange(rows)
    return np.random.default_rng(seed).choice(rows, most, replace=False)


def edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Return the ascending edges of at most `bins` bins of the same width.

    They reach from the first to the last percentile and half as far again, if values do, so that
    a single one far off does not squeeze the others into one bin.

    Args:
        values: (n,) of which those that are no finite numbers are passed over.
        bins: How many at most; fewer where numbers lie too close to be told apart.
    """
    finite = np.clip(values[np.isfinite(values)], -8e307, 8e307)  # twice as much is a number too
    if not len(finite):
        return np.array([0.0, 1.0])
    low, first, last, high = np.quantile(finite, [0, 0.01, 0.99, 1])
    if last > first:
        reach = last / 2 - first / 2
        low, high = max(low, first - reach), min(high, last + reach)
    if low == high:
        width = abs(low) / 100 or 1
        low, high = low - width, high + width
    return np.unique(np.linspace(low, high, bins + 1))


def edges_rounded(exact: np.ndarray) -> list[float]:
    """Return edges in so many digits that they are still as far from each other."""
    width, size = (exact[-1] - exact[0]) / len(exact), np.abs(exact).max()
    digits = min(math.ceil(math.log10(size) - math.log10(width)) + 3, 17)
    return [float(f"{one:.{digits}g}") for one in exact]


def ranges(ends: list[tuple[float, float]]) -> list[str]:
    """Write from where to where: whole numbers as they are, others in as few digits as tell apart.

    >>> ranges([(0, 0), (7, 123456)]), ranges([(0, 7.766666), (7.783333, 24)])
    (['0', '7 to 123456'], ['0 to 7.767', '7.783 to 24'])
    """
    whole = all(one == int(one) and abs(one) < 1e15 for pair in ends for one in pair)
    labels: list[str] = []
    for digits in (15,) if whole else (4, 6, 9, 12, 17):
        pairs = [(_short(low, digits), _short(high, digits)) for low, high in ends]
        labels = [low if low == high else f"{low} to {high}" for low, high in pairs]
        shown = [one for pair in pairs for one in dict.fromkeys(pair)]
        if len(set(shown)) == len({one for pair in ends for one in pair}):
            break
    return labels


def _short(value: float, digits: int) -> str:
    return f"{float(f'{value:.{digits}g}'):.15g}"
