"""Dates and times: found in texts and numbers, and turned into features."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import duckdb

from sql_features.duckdb_types import kind_of
from sql_features.expressions import literal

DATES = (  # month first where day first would do as well
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
LOOKED_AT = 200  # texts, before all are
PARTS = {  # SQL of a feature by the end of its name
    "year": "year({})",
    "month": "month({})",
    "day": "day({})",
    "day_of_week": "isodow({})",  # Monday is 1
    "day_of_year": "dayofyear({})",
    "hour": "hour({})",
    "minute": "minute({})",
    "time": "epoch({}) / 86400",  # days since 1970
}
HOURS = "epoch({}) / 3600"


@dataclass(frozen=True, kw_only=True)
class Moments:
    """How the values of a column are read as dates, or as times of a day.

    Attributes:
        kind: Dates (with or without a time), or times of a day.
        sql: SQL of the value as a TIMESTAMP, DATE or TIME.
        note: How they are written.
    """

    kind: Literal["date", "time"]
    sql: str
    note: str


def of_texts(connection: duckdb.DuckDBPyConnection, source: str, column: str) -> Moments | None:
    """Return how the texts of a column can be read, if all of them can be in one way.

    Args:
        connection: Any.
        source: SQL of the table.
        column: SQL of the column.
    """
    some = connection.execute(
        f"SELECT DISTINCT text FROM (SELECT {column} AS text FROM {source} "
        f"WHERE {column} IS NOT NULL LIMIT 20000) LIMIT {LOOKED_AT}"
    ).fetchall()
    texts = [text for (text,) in some]
    if not texts or not all(3 <= len(t) <= 40 and re.search("[0-9]", t) for t in texts):
        return None
    zoned = any(re.search(ZONE, text) for text in texts)
    values = f"(VALUES {', '.join(f'({literal(text)})' for text in texts)}) AS texts(text)"
    (fits,) = connection.execute(
        f"SELECT {', '.join(f'bool_and({test})' for _, test in _ways('text', zoned))} FROM {values}"
    ).fetchall()
    for (moments, test), fit in zip(_ways(column, zoned), fits, strict=True):
        if fit and _all(connection, source, column, test):
            swapped = moments.note.replace("%m/%d", "%d/%m").replace("%m-%d", "%d-%m")
            if swapped == moments.note or moments.note.startswith("%Y"):
                return moments
            test = next(test for other, test in _ways(column, zoned) if other.note == swapped)
            if _all(connection, source, column, test):
                note = f"{moments.note}; {swapped} would fit as well"
                return Moments(kind="date", sql=moments.sql, note=note)
            return moments
    return None


def of_numbers(connection: duckdb.DuckDBPyConnection, source: str, column: str) -> Moments | None:
    """Return how numbers such as 20110131 can be read as dates, if all of them can be.

    Args:
        connection: Any.
        source: SQL of the table.
        column: SQL of the column, a number.
    """
    sql = f"TRY_STRPTIME(CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR), '%Y%m%d')"
    if _all(connection, source, column, f"year({sql}) BETWEEN 1800 AND 2200"):
        return Moments(kind="date", sql=sql, note="%Y%m%d")
    return None


def of_type(type: str, column: str) -> Moments:
    """Return the values of a column of dates or times as they are."""
    return Moments(kind=kind_of(type), sql=column, note=type)


def _ways(column: str, zoned: bool) -> Iterator[tuple[Moments, str]]:
    """Yield each way of reading texts, and the SQL that is true for a text that it reads."""
    iso = f"TRY_CAST({column} AS {'TIMESTAMPTZ' if zoned else 'TIMESTAMP'})"
    note = "ISO, as UTC" if zoned else "ISO"
    yield (
        Moments(kind="date", sql=iso, note=note),
        f"{iso} IS NOT NULL AND regexp_matches({column}, {literal(ISO)})",
    )
    for date in DATES:
        for written in (date, *(f"{date} {time}" for time in TIMES)):
            sql = f"TRY_STRPTIME({column}, {literal(written)})"
            # 1/1/11 would do as a day of the year 11.
            yield Moments(kind="date", sql=sql, note=written), f"year({sql}) >= 1000"
    for written in TIMES:
        sql = f"CAST(TRY_STRPTIME({column}, {literal(written)}) AS TIME)"
        test = f"{sql} IS NOT NULL"
        if ":" in written:  # 3:2 is a result of a match
            test += f" AND regexp_matches({column}, '[0-9]:[0-9][0-9]')"
        yield Moments(kind="time", sql=sql, note=written), test


def _all(connection: duckdb.DuckDBPyConnection, source: str, column: str, test: str) -> bool:
    ((holds,),) = connection.execute(
        f"SELECT bool_and(coalesce({test}, false)) FROM {source} WHERE {column} IS NOT NULL"
    ).fetchall()
    return bool(holds)
