"""Dates and times: how texts and numbers are read as such, and their features in SQL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sql_features.duckdb_types import kind_of
from sql_features.expressions import literal, quote
from sql_features.text_reading import of_other, of_text
from sql_features.time_texts import BLANKS, ISO
from workflow.data.column_reading import Reading, line_of
from workflow.plain_values import QUOTED, one_line, quoted
from workflow.schema import date_formats, placeholders
from workflow.schema.column_stats import MOSTLY, SAMPLED_TEXTS, Column, Table, odd_texts
from workflow.schema.date_formats import has_time, is_time_of_day, month_first_of

MOST_FORMATS = 4  # in one column
EVEN = 3  # times the median step that the longest one has, where dates come in even steps
STEPS = 12  # fewer different dates may be even by chance
SHOWN = 3  # texts in a sentence
MANY_DATES, BY_CHANCE = 40, 1e-6  # different dates that tell by their days whether they are dates
NUMBERS = "%Y%m%d"
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
Order = Literal["day", "month"]


@dataclass(frozen=True, kw_only=True)
class TimeReading:
    """How the values of a column are read as dates or as times of day.

    Attributes:
        kind: `date`, with or without a time of day, or `time`, a time of day alone.
        reading: How texts or numbers are read; None where the column is of such a type already.
        note: The formats that they are written in.
        known: Rows with a date or a time.
        order: Which comes first in 01/02/2024, where that is known.
        other: Where it is not known, the reading by the other order.
        doubt: What is to be said of it then: a sentence with three texts, and what to write.
    """

    kind: Literal["date", "time"]
    reading: Reading | None = None
    note: str
    known: int
    order: Order | None = None
    other: Reading | None = None
    doubt: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """Rows whose texts fit the same formats.

    Attributes:
        formats: The formats that fit.
        rows: How many rows they are.
        timed: How many of them have a time of day.
        zoned: How many of them have a zone.
    """

    formats: frozenset[str]
    rows: int
    timed: int
    zoned: int


def reading_of_type(column: Column) -> TimeReading:
    """Return the reading of a column that is of a date or time type already."""
    kind: Literal["date", "time"] = "time" if kind_of(column.type) == "time" else "date"
    return TimeReading(kind=kind, note=column.type, known=column.known)


def reading_of_numbers(table: Table, column: Column) -> TimeReading | None:
    """Return how numbers such as 20110131 are read as dates, or None where few of them are."""
    given = {"type": "DATE", "format": [NUMBERS], "invalid": "missing"}
    name = quote(column.name)
    read = of_text if column.values == "text" else of_other
    date = read(name, column.name, given)
    fit = f"year({date}) BETWEEN 1800 AND 2200"
    (rows,) = table.ask(f"SELECT count(*) FILTER ({fit}) FROM {table.source}")
    return _reading(table, column, [NUMBERS], "DATE", fit, rows)


def reading_of_texts(table: Table, column: Column) -> TimeReading | None:
    """Return how the texts of a column are read, or None where few of them are dates or times.

    A few texts may be others, as among numbers. Dates may be written in several ways.
    """
    formats = date_formats.candidates(column.texts or _sample(table, column))
    if not formats:
        return None
    fits = _fits(table, column, formats)
    if not (chosen := _ordered(table, column, fits)):
        return None
    chosen_formats, order, doubtful, even = chosen
    formats = _covering(fits, chosen_formats)
    if not formats:
        return None
    is_time = is_time_of_day(formats[0])
    read = [fit for fit in fits if fit.formats & set(formats)]
    timed = any(map(has_time, formats)) or (ISO in formats and any(fit.timed for fit in read))
    type = "TIME" if is_time else "TIMESTAMP" if timed else "DATE"
    fit = " OR ".join(_test(column, one) for one in formats)
    found = _reading(table, column, formats, type, fit, sum(one.rows for one in read))
    if found is None:
        return None
    if ISO in formats and (zoned := sum(one.zoned for one in read)):
        unzoned = sum(one.timed for one in read) - zoned
        doubt = _zones(column, zoned, unzoned) if unzoned else None
        found = replace(found, note=f"{found.note}, as UTC", doubt=doubt)
    if even:
        found = replace(found, note=f"{found.note}, the order of day and month in even steps")
    if doubtful:
        return _doubted(table, column, found)
    return replace(found, order=order, doubt=found.doubt or _year_first(table, column, formats))


def with_order(found: TimeReading, order: Order) -> TimeReading:
    """Return a doubtful reading with the order of day and month that other columns have."""
    assert found.reading is not None and found.other is not None
    reading = found.reading if order == "month" else found.other
    note = found.note.partition(";")[0].replace(
        _shown(found.reading.format), _shown(reading.format)
    )
    note += f", the {order} first as in other columns"
    return replace(found, reading=reading, note=note, order=order, other=None, doubt=None)


def _sample(table: Table, column: Column) -> list[str]:
    name = quote(column.name)
    found = table.connection.execute(
        f"SELECT DISTINCT text FROM (SELECT {name} AS text FROM {table.source} "
        f"WHERE {name} IS NOT NULL LIMIT 20000) LIMIT {SAMPLED_TEXTS}"
    ).fetchall()
    return [text for (text,) in found]


def _value(column: Column, format: str) -> str:
    """Return the SQL of a text's value by one format, and NULL where it does not fit."""
    type = "TIME" if is_time_of_day(format) else "TIMESTAMP"
    given = {"type": type, "format": [format], "invalid": "missing"}
    return of_text(quote(column.name), column.name, given)


def _test(column: Column, format: str) -> str:
    """Return the SQL that is true for a text that one format fits."""
    test = f"{_value(column, format)} IS NOT NULL"
    if is_time_of_day(format) and ":" in format:  # 3:2 is the result of a match, not a time
        test += f" AND regexp_matches({quote(column.name)}, '[0-9]:[0-9][0-9]')"
    return f"({test})"


def _fits(table: Table, column: Column, formats: Sequence[str]) -> list[_Fit]:
    """Return which formats fit how many rows, counted in one pass over all of them."""
    name = quote(column.name)
    tests = ", ".join(_test(column, one) for one in formats)
    found = table.connection.execute(
        f"SELECT [{tests}] AS fits, count(*), count(*) FILTER (contains({name}, ':')), "
        f"count(*) FILTER (regexp_matches({name}, {literal(date_formats.ZONED)})) "
        f"FROM {table.source} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [
        _Fit(
            formats=frozenset(one for one, fit in zip(formats, mask, strict=True) if fit),
            rows=rows,
            timed=timed,
            zoned=zoned,
        )
        for mask, rows, timed, zoned in found
    ]


def _ordered(
    table: Table, column: Column, fits: Sequence[_Fit]
) -> tuple[list[str], Order | None, bool, bool] | None:
    """Return the formats that count once it is decided whether the day or the month comes first.

    Returns:
        The formats, in their order; what comes first, if that makes a difference; whether it could
        not be known; and whether even steps told it. None where texts of both orders are mixed with
        such as could be either.
    """
    there = frozenset().union(*(fit.formats for fit in fits))
    pairs = [
        (month, day) for day in date_formats.FORMATS
        if (month := month_first_of(day)) and there & {month, day}
    ]  # fmt: skip
    formats = [one for one in (ISO, *date_formats.FORMATS) if one in there]
    if not pairs:
        return formats, None, False, False
    by_month, by_day = [one for one, _ in pairs], [one for _, one in pairs]
    months, days = _rows(fits, by_month, by_day), _rows(fits, by_day, by_month)
    both = sum(fit.rows for fit in fits if any({*pair} <= fit.formats for pair in pairs))
    is_known = 0 < MOSTLY * (months + days) <= max(months, days)
    if not is_known and months + days:
        return (formats, None, False, False) if not both else None
    order: Order = "day" if days > months else "month"
    steps = None
    if not is_known:
        steps = _even_order(table, column, pairs)
        order = steps if steps in ("day", "month") else "month"
    unlike = by_month if order == "day" else by_day
    kept = [one for one in formats if one not in unlike]
    return kept, order, not is_known and steps is None, not is_known and steps == order


def _rows(fits: Iterable[_Fit], formats: Iterable[str], without: Iterable[str]) -> int:
    """Return the rows that fit some formats, and none of others."""
    some, others = set(formats), set(without)
    return sum(fit.rows for fit in fits if fit.formats & some and not fit.formats & others)


def _even_order(
    table: Table, column: Column, pairs: Sequence[tuple[str, str]]
) -> Order | Literal["same"] | None:
    """Return the order of day and month by which dates come in even steps, and by the other not.

    01/01, 01/02 and 01/03/1990 are the first days of months, not days of January. It is `same`
    where both orders give the same dates.
    """
    month = f"coalesce({', '.join(_value(column, one) for one, _ in pairs)})"
    day = f"coalesce({', '.join(_value(column, one) for _, one in pairs)})"
    found = table.connection.execute(
        f"SELECT DISTINCT epoch({month}) AS month, epoch({day}) AS day FROM {table.source} "
        f"WHERE {month} IS NOT NULL"
    ).fetchnumpy()
    if (found["month"] == found["day"]).all():
        return "same"
    even = {order: _is_even(found[order]) for order in ("month", "day")}
    if even["month"] == even["day"]:
        return None
    return "month" if even["month"] else "day"


def _is_even(times: np.ndarray) -> bool:
    steps = np.diff(np.unique(times))
    return len(steps) >= STEPS - 1 and bool(steps.max() <= EVEN * np.median(steps))


def _covering(fits: Sequence[_Fit], formats: Sequence[str]) -> list[str]:
    """Return the few formats of one kind that fit the most rows, the one that fits most first."""
    chosen: list[str] = []
    for _ in range(MOST_FORMATS):
        left = [fit for fit in fits if not fit.formats & set(chosen)]
        usable = [
            one for one in formats
            if not chosen or is_time_of_day(one) == is_time_of_day(chosen[0])
        ]  # fmt: skip
        rows = {one: sum(fit.rows for fit in left if one in fit.formats) for one in usable}
        best = max(rows, key=lambda one: rows[one], default=None)
        if best is None or not rows[best]:
            break
        chosen.append(best)
    return chosen


def _reading(
    table: Table, column: Column, formats: Sequence[str], type: str, fit: str, rows: int
) -> TimeReading | None:
    """Return the reading if it fits all values but few, beside those that mean missing."""
    nothing: dict[str, int] = {}
    if rows < column.known and column.type == "VARCHAR":
        odd = odd_texts(table, column, fit)
        nothing = placeholders.among(odd, column.known, column.distinct)
    texts = column.known - sum(nothing.values())
    if not rows or rows < MOSTLY * texts:
        return None
    given = Reading(
        type=type,
        format=tuple(formats),
        missing=tuple(nothing),
        invalid="refuse" if rows == texts else "missing",
    )
    note = _shown(formats)
    if others := texts - rows:
        note += f", but for {others:,} of {column.known:,}"
    kind: Literal["date", "time"] = "time" if type == "TIME" else "date"
    return TimeReading(kind=kind, reading=given, note=note, known=rows)


def _zones(column: Column, zoned: int, unzoned: int) -> str:
    texts = ", ".join(repr(one_line(text, QUOTED)) for text in column.texts[:SHOWN])
    return (
        f"column {quoted(column.name)} has {zoned:,} times with a zone and {unzoned:,} "
        f"without, such as {texts}: those without are taken for UTC; if they are not, give each "
        "its zone in the file."
    )


def _year_first(table: Table, column: Column, formats: Sequence[str]) -> str | None:
    """Return what is to be said of 19-12-31 if it is read by formats that end in its year.

    Nothing is said where a text shows that the year does not come first, nor where the days are as
    many as the years would be few.
    """
    short = [one for one in formats if date_formats.year_first_of(one)]
    if not short:
        return None
    name = quote(column.name)
    last = f"coalesce({', '.join(_value(column, one) for one in short)})"
    others = [one for one in map(date_formats.year_first_of, short) if one]
    first = f"coalesce({', '.join(_value(column, one) for one in dict.fromkeys(others))})"
    padded = f"regexp_matches({name}, {literal(date_formats.PADDED)})"
    count, both, days, dates = table.ask(
        f"SELECT count({last}), count(CASE WHEN {padded} AND {first} IS NOT NULL THEN {last} END), "
        f"count(DISTINCT day({last})), count(DISTINCT {last}) FROM {table.source}"
    )
    if both < count or (dates >= MANY_DATES and (days / 31) ** dates > BY_CHANCE):
        return None
    shown = table.connection.execute(
        f"SELECT DISTINCT trim({name}, {literal(BLANKS)}), CAST({last} AS VARCHAR), "
        f"CAST({first} AS VARCHAR) FROM {table.source} WHERE {last} <> {first} "
        f"ORDER BY 1 LIMIT {SHOWN}"
    ).fetchall()
    if not shown:
        return None
    said = ", ".join(f"{text} as {one[:10]}" for text, one, _ in shown)
    type = "TIMESTAMP" if any(map(has_time, formats)) else "DATE"
    line = line_of(column.name, {"type": type, "format": list(dict.fromkeys(others))})
    return (
        f"column {quoted(column.name)}: {said}: nothing tells whether the year comes first or "
        f"last; if they are {', '.join(one[:10] for *_, one in shown)}, write {line} in the "
        "dataset file."
    )


def _shown(formats: Sequence[str]) -> str:
    return " or ".join(formats)


def _doubted(table: Table, column: Column, found: TimeReading) -> TimeReading:
    """Return a reading with what is to be said where day and month could be exchanged."""
    assert found.reading is not None
    swapped = {month_first_of(one): one for one in date_formats.FORMATS if month_first_of(one)}
    other = replace(
        found.reading, format=tuple(swapped.get(one, one) for one in found.reading.format)
    )
    name = quote(column.name)
    month, day = (
        of_text(name, column.name, one.given | {"invalid": "missing"})
        for one in (found.reading, other)
    )
    shown = table.connection.execute(
        f"SELECT DISTINCT trim({name}, {literal(BLANKS)}), CAST({month} AS VARCHAR), "
        f"CAST({day} AS VARCHAR) FROM {table.source} WHERE {month} <> {day} "
        f"ORDER BY 1 LIMIT {SHOWN}"
    ).fetchall()
    said = ", ".join(f"{text} as {one}" for text, one, _ in shown)
    doubt = (
        f"column {quoted(column.name)}: {said}: nothing tells whether the month or the day "
        f"comes first; if they are {', '.join(one for *_, one in shown)}, write "
        f"{line_of(column.name, other.given)} in the dataset file."
    )
    note = f"{found.note}; {_shown(other.format)} would fit as well"
    return replace(found, note=note, other=other, doubt=doubt)
