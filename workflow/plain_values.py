"""Values as artifacts hold them and people read them: short text, and numbers of few digits."""

import math
from typing import Any

import numpy as np
import pandas as pd

LONGEST, CELL = 22, 30  # most characters of a label, and of a value in a table
QUOTED = 40  # of a name or a value in a message


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


def quoted(value: object) -> str:
    """Return a name or a value in quotes for a message, in one line of `QUOTED` characters at most.

    >>> quoted("two\\nlines")
    "'two lines'"
    """
    return f"'{one_line(value, QUOTED)}'"


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
