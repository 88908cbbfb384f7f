"""Values as people read them, the same in the terminal, on the run's page and in the report."""

import math
from typing import Any

import numpy as np
import pandas as pd

UNITS = ("rmse", "mae")  # metrics in the target's unit; the others have none
LONGEST, CELL = 22, 30  # most characters of a label, and of a value in a table


def number(value: float | None, digits: int = 6) -> str:
    """Return a score, or a dash where there is none.

    >>> number(4.6212934), number(4.6212934, 3), number(None)
    ('4.62129', '4.62', '-')
    """
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}g}"


def size(count: float | None) -> str:
    """Return a number of bytes.

    >>> size(812), size(1_234_567)
    ('812 B', '1.2 MB')
    """
    if count is None or math.isnan(count):
        return "-"
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def seconds(value: float | None) -> str:
    """Return a duration.

    >>> seconds(1.234), seconds(83), seconds(7384)
    ('1.2 s', '1 min 23 s', '2 h 3 min')
    """
    if value is None or math.isnan(value):
        return "-"
    if value < 60:
        return f"{value:.1f} s"
    minutes, left = divmod(round(value), 60)
    return f"{minutes} min {left} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def share(value: float | None) -> str:
    """Return a share as a percentage: none, less than one in a thousand, or to a tenth.

    >>> share(0), share(0.00004), share(0.1234)
    ('0 %', '< 0.1 %', '12.3 %')
    """
    if value is None or math.isnan(value):
        return "-"
    if 0 < value < 0.001:
        return "< 0.1 %"
    return "0 %" if value == 0 else f"{100 * value:.1f} %"


def with_unit(metric: str, value: float, unit: str) -> str:
    """Return a score with the target's unit, if the metric has it.

    >>> with_unit("rmse", 4.5, "minutes"), with_unit("r2", 0.5, "minutes")
    ('4.5 minutes', '0.5')
    """
    return f"{number(value)} {unit}" if unit and metric in UNITS else number(value)


def worsening(metric: str, unit: str, *, greater_is_better: bool) -> str:
    """Return how shuffling a feature worsens a metric, for the axis of permutation importance.

    >>> worsening("rmse", "minutes", greater_is_better=False)
    'increase of rmse (minutes)'
    """
    way = "decrease" if greater_is_better else "increase"
    of = f" ({unit})" if unit and metric in UNITS else ""
    return f"{way} of {metric}{of}"


def significant(value: float | None) -> float | None:
    """Return a number in 6 significant digits, or None if it is missing or not finite.

    >>> significant(1234.56789), significant(float("nan"))
    (1234.57, None)
    """
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def cell(value: Any) -> str | int | float | None:
    """Return any value of a table as JSON can hold it: a number, short text, or None if missing.

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
        # Whole numbers keep all digits; greater ones JavaScript cannot tell apart.
        number = float(value)
        return int(value) if number.is_integer() and abs(number) < 2**53 else significant(number)
    return text(str(value)[:1_000], CELL)


def cut(text: str, longest: int | None) -> str:
    """Return a text of at most so many characters, the last of them an ellipsis if it was longer.

    >>> cut("x" * 9, 5), cut("short", 5)
    ('xxxx…', 'short')
    """
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def one_line(value: object, longest: int | None = None) -> str:
    """Return a text with single spaces for all its white space, cut where it is longer.

    >>> one_line("two\\n  lines"), one_line("two\\nlines", 6)
    ('two lines', 'two l…')
    """
    return cut(" ".join(str(value).split()), longest)


def text(value: object, longest: int | None = LONGEST) -> str:
    """Return a label, a name or a value as it is shown: in one line, printable, never empty.

    >>> text("two\\nlines"), text(""), text("x" * 9, 5)
    ('two lines', '(empty)', 'xxxx…')
    """
    line = one_line(value)
    line = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)
    return cut(line, longest) or "(empty)"


def apart(labels: list[str]) -> list[str]:
    """Number labels that are the same, as long ones may be once they are cut.

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


def ranges(ends: list[tuple[float, float]]) -> list[str]:
    """Write pairs of numbers: whole ones as they are, others in as few digits as tell them apart.

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
