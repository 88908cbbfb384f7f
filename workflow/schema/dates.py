"""Dates and times: how texts and numbers are read as such, and their features in SQL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sql_features.duckdb_types import kind_of
from sql_features.expressions import literal
from workflow.schema.column_stats import Table

DATES = (  # the first that fits is taken, so the month comes first where both orders fit
    *("%m/%d/%y", "%m/%d/%Y", "%d/%m/%y", "%d/%m/%Y", "%d.%m.%y", "%d.%m.%Y", "%m-%d-%y"),
    *("%m-%d-%Y", "%d-%m-%y", "%d-%m-%Y", "%d-%b-%y", "%d-%b-%Y", "%d %b %y", "%d %b %Y"),
    *("%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y.%m.%d", "%Y-%m"),
    *("%b %Y", "%B %Y", "%b-%Y"),
)
TIMES = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f"),
    *("%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p", "%I %p", "%I%p"),
)
ISO = "^ *[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
ZONE = ":[0-9]{2}(\\.[0-9]+)? *(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?) *$"
SAMPLED_TEXTS = 200  # distinct texts that a format is tried on before all rows are
PARTS = {  # SQL of a date's features, by the end of the feature's name
    "year": "year({})",
    "month": "month({})",
    "day": "day({})",
    "day_of_week": "isodow({})",  # Monday is 1
    "day_of_year": "dayofyear({})",
    "hour": "hour({})",
    "minute": "minute({})",
    "time": "epoch({}) / 86400",  # days since 1970
}
HOURS = "epoch({}) / 3600"  # the feature of a time of day


@dataclass(frozen=True, kw_only=True)
class TimeReading:
    """How the values of a column are read as dates or as times of day.

    Attributes:
        kind: `date`, with or without a time of day, or `time`, a time of day alone.
        sql: SQL of the value as a TIMESTAMP, DATE or TIME.
        note: The format that they are written in.
    """

    kind: Literal["date", "time"]
    sql: str
    note: str


def reading_of_texts(table: Table, column: str) -> TimeReading | None:
    """Return how the texts of a column are read, or None where no format fits all of them.

    Args:
        table: The table.
        column: SQL of the column.
    """
    some = table.connection.execute(
        f"SELECT DISTINCT text FROM (SELECT {column} AS text FROM {table.source} "
        f"WHERE {column} IS NOT NULL LIMIT 20000) LIMIT {SAMPLED_TEXTS}"
    ).fetchall()
    texts = [text for (text,) in some]
    if not texts or not all(3 <= len(t) <= 40 and re.search("[0-9]", t) for t in texts):
        return None
    zoned = any(re.search(ZONE, text) for text in texts)
    values = f"(VALUES {', '.join(f'({literal(text)})' for text in texts)}) AS texts(text)"
    tests = [f"bool_and({test})" for _, test in _readings("text", zoned)]
    fits = table.ask(f"SELECT {', '.join(tests)} FROM {values}")
    for (reading, test), fit in zip(_readings(column, zoned), fits, strict=True):
        if fit and _all(table, column, test):
            swapped = reading.note.replace("%m/%d", "%d/%m").replace("%m-%d", "%d-%m")
            if swapped == reading.note or reading.note.startswith("%Y"):
                return reading
            test = next(test for other, test in _readings(column, zoned) if other.note == swapped)
            if _all(table, column, test):
                note = f"{reading.note}; {swapped} would fit as well"
                return TimeReading(kind="date", sql=reading.sql, note=note)
            return reading
    return None


def reading_of_numbers(table: Table, column: str) -> TimeReading | None:
    """Return how numbers such as 20110131 are read as dates, or None where one is no date.

    Args:
        table: The table.
        column: SQL of the column, a number.
    """
    sql = f"TRY_STRPTIME(CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR), '%Y%m%d')"
    if _all(table, column, f"year({sql}) BETWEEN 1800 AND 2200"):
        return TimeReading(kind="date", sql=sql, note="%Y%m%d")
    return None


def reading_of_type(type: str, column: str) -> TimeReading:
    """Return the reading of a column that is of a date or time type already."""
    kind: Literal["date", "time"] = "time" if kind_of(type) == "time" else "date"
    return TimeReading(kind=kind, sql=column, note=type)


def _readings(column: str, zoned: bool) -> Iterator[tuple[TimeReading, str]]:
    """Yield each reading, with SQL that is true for the texts that it can read."""
    iso = f"TRY_CAST({column} AS {'TIMESTAMPTZ' if zoned else 'TIMESTAMP'})"
    note = "ISO, as UTC" if zoned else "ISO"
    yield (
        TimeReading(kind="date", sql=iso, note=note),
        f"{iso} IS NOT NULL AND regexp_matches({column}, {literal(ISO)})",
    )
    for date in DATES:
        for written in (date, *(f"{date} {time}" for time in TIMES)):
            sql = f"TRY_STRPTIME({column}, {literal(written)})"
            # Without the test %Y would read 1/1/11 as a date in the year 11.
            yield TimeReading(kind="date", sql=sql, note=written), f"year({sql}) >= 1000"
    for written in TIMES:
        sql = f"CAST(TRY_STRPTIME({column}, {literal(written)}) AS TIME)"
        test = f"{sql} IS NOT NULL"
        if ":" in written:  # 3:2 is the result of a match, not a time
            test += f" AND regexp_matches({column}, '[0-9]:[0-9][0-9]')"
        yield TimeReading(kind="time", sql=sql, note=written), test


def _all(table: Table, column: str, test: str) -> bool:
    (holds,) = table.ask(
        f"SELECT bool_and(coalesce({test}, false)) FROM {table.source} WHERE {column} IS NOT NULL"
    )
    return bool(holds)
