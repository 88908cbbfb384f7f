"""How texts of dates, times of day and durations are read, in SQL.

A format is as `strptime` takes it, such as "%d.%m.%Y"; or `ISO`, for 2024-12-31 with or without a
time, which is turned into UTC where it has a zone; or of durations one of `DURATIONS`.
"""

import re
from collections.abc import Sequence

from sql_features.expressions import literal

BLANKS = " \t\u00a0\u2007\u2009\u202f"
MINUS = "\u2212"  # the typographic one
ISO = "ISO"
ISO_BEGINS = "^[0-9]{4}[-/]"
_SIGN, _WHOLE, _PART = f"([-+{MINUS}]?)", "([0-9]+)", "([0-9]+(?:[.][0-9]*)?)"
# By format: what it matches, and the seconds of a unit of each group after that of the sign.
DURATIONS: dict[str, tuple[str, tuple[int, ...]]] = {
    "h:m:s": (  # 38:25:29, 1 day, 2:03:04
        f"^{_SIGN}(?:{_WHOLE} *d(?:ays?)?,? *)?{_WHOLE}:([0-5]?[0-9]):([0-5]?[0-9](?:[.][0-9]*)?)$",
        (86_400, 3_600, 60, 1),
    ),
    "m:s": (f"^{_SIGN}{_WHOLE}:([0-5][0-9](?:[.][0-9]*)?)$", (60, 1)),  # 230:29
    "h:m": (f"^{_SIGN}{_WHOLE}:([0-5][0-9])$", (3_600, 60)),
    "d h m s": (  # 2h 50m, 1 day 2 hours, PT1H30M
        f"(?i)^{_SIGN}P?(?:{_PART} *d(?:ays?)?,? *)?T?(?:{_PART} *h(?:ours?|rs?)?,? *)?"
        f"(?:{_PART} *m(?:in(?:ute)?s?)?,? *)?(?:{_PART} *s(?:ec(?:ond)?s?)?)?$",
        (86_400, 3_600, 60, 1),
    ),
}


def time_of(text: str, type: str, formats: Sequence[str]) -> str:
    """Return the SQL of a date or a time that is written in one of several ways; NULL in none.

    Args:
        text: SQL of the text.
        type: DuckDB type of the value.
        formats: The ways; the first that fits counts.
    """
    bare = f"trim({text}, {literal(BLANKS)})"
    ways = ", ".join(f"TRY_CAST({_way(bare, type, one)} AS {type})" for one in formats)
    # Without the test DuckDB would take `epoch` for a date in any format.
    return f"CASE WHEN regexp_matches({text}, '[0-9]') THEN coalesce({ways}) END"


def time_of_digits(value: str, type: str, formats: Sequence[str]) -> str | None:
    """Return the SQL of a date that is written as a number, such as 20240131, if any format is so.

    Args:
        value: SQL of a number, or of a date or a time, which stays what it is.
        type: DuckDB type of the value that is returned.
        formats: Formats of dates; those of nothing but digits count.
    """
    if not (digits := [one for one in formats if is_of_digits(one)]):
        return None
    text = f"CAST({value} AS VARCHAR)"
    return f"coalesce({time_of(text, type, digits)}, TRY_CAST({text} AS {type}))"


def duration_of(text: str, formats: Sequence[str]) -> str:
    """Return the SQL of the seconds of a duration that is written in one of several ways."""
    bare = f"trim({text}, {literal(BLANKS)})"
    return f"coalesce({', '.join(_seconds(bare, *DURATIONS[one]) for one in formats)})"


def is_of_digits(format: str) -> bool:
    """Tell whether a date in this format is a whole number.

    >>> is_of_digits("%Y%m%d"), is_of_digits("%Y-%m-%d"), is_of_digits("%d%b%Y")
    (True, False, False)
    """
    return re.fullmatch("(%[YymdHMSj])+", format) is not None


def _way(text: str, type: str, format: str) -> str:
    if format == ISO and type == "TIME":
        return f"TRY_CAST({text} AS TIME)"
    if format == ISO:
        utc = f"timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ))"
        return f"CASE WHEN regexp_matches({text}, '{ISO_BEGINS}') THEN {utc} END"
    if is_of_digits(format):  # pandas writes 20240131.0 where a column has gaps
        text = f"regexp_replace({text}, '[.]0+$', '')"
    time = f"TRY_STRPTIME({text}, {literal(format)})"
    # Without the test %Y would read 1/1/11 as a date in the year 11.
    return f"CASE WHEN year({time}) >= 1000 THEN {time} END" if "%Y" in format else time


def _seconds(text: str, pattern: str, units: Sequence[int]) -> str:
    parts = " + ".join(
        f"{unit} * coalesce(TRY_CAST(regexp_extract({text}, {literal(pattern)}, {group}) AS DOUBLE)"
        ", 0)"
        for group, unit in enumerate(units, start=2)
    )
    minus = f"regexp_extract({text}, {literal(pattern)}, 1) IN ('-', '{MINUS}')"
    matches = f"regexp_matches({text}, {literal(pattern)}) AND regexp_matches({text}, '[0-9]')"
    return f"CASE WHEN {matches} THEN ({parts}) * CASE WHEN {minus} THEN -1 ELSE 1 END END"
