"""Statistics of a table's columns, counted by DuckDB over all rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import duckdb

from sql_features.duckdb_types import TypeKind, kind_of
from sql_features.expressions import quote
from sql_features.frames import ROW
from sql_features.text_reading import VARIES, of_other, of_text
from workflow.data.column_reading import Reading
from workflow.schema import number_formats, placeholders, units
from workflow.schema.number_formats import NumberFormat

FEW = 2_000  # distinct values, up to which they are counted exactly at little cost
COUNTED = 1_000_000  # rows, of all columns whose distinct values are counted in one query
NARROW = 100  # columns that a copy of a part of a wide table has
MOSTLY = 0.9  # share of texts that are numbers from which on a column is one of numbers
SOME_ZEROS = 0.1  # share of whole numbers with leading zeros from which on they are texts
SAMPLED_ROWS = 2_000  # in which the format of numbers is looked for
SAMPLED_TEXTS = 200  # different ones, of a column
HALF = 0.5  # share of numbers without a sign from which on that of the others is not theirs
ODD_TEXTS = 50  # different texts among numbers, or dates, that are looked at


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one column holds. In a column of texts, a number is a text that can be cast to one.

    Attributes:
        name: Its name.
        type: Its DuckDB type.
        values: The kind of its type.
        number: SQL of its value as DOUBLE, or None if it has no such value.
        reading: How its texts are read, where it is more than to cast them to numbers.
        format: How the numbers among its texts are written.
        texts: Some of its texts; of numbers, those that do not fit.
        known: Rows with a value; in a column of numbers NaN is missing, and so are texts that mean
            missing.
        distinct: Distinct values: exact where there are at most about `FEW`, or from about 40 % of
            the known rows on; else an estimate.
        exact: Whether `distinct` is exact.
        numbers: Rows with a number, which may be infinite.
        wholes: Rows with a whole number.
        lowest: The least finite number, if there is one.
        highest: The greatest finite number, if there is one.
        booleans: Rows with the texts true or false.
        words: Mean words of a text, where not all are numbers.
        digits: Rows with a text that has a digit, where not all are numbers.
        symbols: Rows with a text that has neither letter nor digit, where not all are numbers.
    """

    name: str
    type: str
    values: TypeKind
    number: str | None = None
    reading: Reading | None = None
    format: NumberFormat = field(default_factory=NumberFormat)
    texts: tuple[str, ...] = ()
    known: int = 0
    distinct: int = 0
    exact: bool = False
    numbers: int = 0
    wholes: int = 0
    lowest: float | None = None
    highest: float | None = None
    booleans: int = 0
    words: float = 0.0
    digits: int = 0
    symbols: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with the statistics of its columns.

    Attributes:
        connection: The connection that `source` belongs to.
        source: SQL of the table; every column of a text file is a text in it.
        text: Whether it comes from text files.
        rows: The number of rows.
        columns: Statistics by column.
    """

    connection: duckdb.DuckDBPyConnection
    source: str
    text: bool
    rows: int
    columns: dict[str, Column]

    def ask(self, query: str) -> tuple[Any, ...]:
        """Return the one row of a query."""
        row: tuple[Any, ...]
        (row,) = self.connection.execute(query).fetchall()
        return row


def profile(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    types: dict[str, str],
    *,
    text: bool,
    typed: Collection[str] = (),
    look: Callable[[Table], object] = lambda part: None,
) -> Table:
    """Return the table with the statistics of each of its columns.

    Args:
        connection: Any connection.
        source: SQL of the table.
        types: DuckDB type by column.
        text: Whether it comes from text files.
        typed: Columns whose texts are those of values that are no texts in the file, as numbers in
            JSON are: they are written in one way.
        look: Called with the table and its columns' statistics; where they are many, with copies of
            some of them at a time, as to copy them again would take as long as to count them.
    """
    table = Table(connection=connection, source=source, text=text, rows=0, columns={})
    table = replace(table, rows=table.ask(f"SELECT count(*) FROM {source}")[0])
    written = [n for n, type in types.items() if type == "VARCHAR" and n not in typed]
    texts = _sampled_texts(table, written)
    formats = number_formats.resolved({n: number_formats.guess(some) for n, some in texts.items()})
    columns: dict[str, Column] = {}
    for part, names in _parts(table, list(types)):
        counted = _counted(part, {name: types[name] for name in names})
        read = [
            _read(part, replace(one, texts=texts.get(one.name, ())), formats.get(one.name))
            for one in counted
        ]
        own = {column.name: column for column in _with_distinct(part, read)}
        look(replace(part, columns=own))
        columns |= own
    return replace(table, columns=columns)


def _sampled_texts(table: Table, names: list[str]) -> dict[str, tuple[str, ...]]:
    """Return some different texts of each column, from rows all over the table."""
    if not names:
        return {}
    some, row = ", ".join(map(quote, names)), quote(ROW)
    every = max(1, table.rows // SAMPLED_ROWS)
    rows = f"SELECT {some}, row_number() OVER () AS {row} FROM {table.source}"
    sampled = table.connection.sql(
        f"SELECT {some} FROM ({rows}) WHERE {row} % {every} = 0"
    ).to_arrow_table()
    return {
        name: tuple(text for text in column.unique().to_pylist() if text is not None)[
            :SAMPLED_TEXTS
        ]
        for name, column in zip(names, sampled.columns, strict=True)
    }


def _parts(table: Table, names: Sequence[str]) -> Iterator[tuple[Table, Sequence[str]]]:
    """Yield the table and its columns; where they are many, copies of some of them at a time.

    Each column takes several queries, and to DuckDB each takes the longer the more columns there
    are, whichever of them it reads.
    """
    if len(names) <= NARROW:
        yield table, names
        return
    for some in narrow(names):
        copied = ", ".join(map(quote, some))
        table.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE part AS SELECT {copied} FROM {table.source}"
        ).fetchall()
        yield replace(table, source="part"), some
    table.connection.execute("DROP TABLE part").fetchall()


def narrow(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield `NARROW` of the columns at a time: what DuckDB takes grows with their square."""
    for start in range(0, len(names), NARROW):
        yield names[start : start + NARROW]


def typed(table: Table, types: Mapping[str, str | Reading]) -> Table:
    """Return the table with some of its columns, read as the types that they will have."""
    values = []
    for name, type in types.items():
        column = value = quote(name)
        if isinstance(type, Reading):
            read = of_text if table.columns[name].values == "text" else of_other
            value = read(column, name, type.given)
        elif type != table.columns[name].type:
            value = f"CAST({column} AS {type})"
        values.append(f"{value} AS {column}")
    return replace(table, source=f"(SELECT {', '.join(values)} FROM {table.source})")


def _counted(table: Table, types: dict[str, str]) -> list[Column]:
    """Return columns with what is counted in one pass over all of them."""
    columns, counts = [], []
    for name, type in types.items():
        value, values = quote(name), kind_of(type)
        columns.append(Column(name=name, type=type, values=values, number=_number(value, type)))
        counts += [f"count({value})"]
        counts += ["0" if values == "other" else f"approx_count_distinct({value})"]
    found = iter(table.ask(f"SELECT {', '.join(counts)} FROM {table.source}"))
    columns = [replace(one, known=next(found), distinct=next(found)) for one in columns]
    return _with_numbers(table, columns)


def _read(table: Table, column: Column, format: NumberFormat | None) -> Column:
    """Return a column with the rows that have a value, and with statistics of its texts."""
    if column.values in ("number", "duration"):
        return replace(column, known=column.numbers)
    return _with_texts(table, column, format) if column.values == "text" else column


def _with_distinct(table: Table, columns: list[Column]) -> list[Column]:
    """Return the columns with exact counts of their distinct values, where that costs little."""
    queries = {}
    for n, column in enumerate(columns):
        about = column.distinct
        if about and (about <= FEW or about >= 0.4 * column.known):
            # Texts such as 1 and 1.0 are one number, so numbers are counted, not their texts.
            number = column.number if column.numbers == column.known else None
            alike = _no_nan(number) if number else quote(column.name)
            queries[n] = f"SELECT {n}, count(DISTINCT {alike}) FROM {table.source}"
    counted = list(columns)
    at_once = max(COUNTED // max(table.rows, 1), 1)
    for start in range(0, len(queries), at_once):
        some = " UNION ALL ".join(list(queries.values())[start : start + at_once])
        for n, exact in table.connection.execute(some).fetchall():
            counted[n] = replace(columns[n], distinct=exact, exact=True)
    return counted


def _no_nan(number: str) -> str:
    return f"nullif({number}, CAST('NaN' AS DOUBLE))"


def _number(value: str, type: str) -> str | None:
    match kind_of(type):
        case "number" | "boolean":
            return value if type == "DOUBLE" else f"CAST({value} AS DOUBLE)"
        case "text" if type == "VARCHAR":
            return f"TRY_CAST({value} AS DOUBLE)"
        case "duration":
            return f"epoch({value})"
        case _:
            return None


def _with_numbers(table: Table, columns: list[Column]) -> list[Column]:
    """Return the columns, those that have a number with the counts of their numbers."""
    numeric = {n: column.number for n, column in enumerate(columns) if column.number}
    if not numeric:
        return columns
    numbers = ", ".join(f"{_no_nan(number)} AS n{n}" for n, number in numeric.items())
    finite = ", ".join(f"n{n}, CASE WHEN isfinite(n{n}) THEN n{n} END AS f{n}" for n in numeric)
    counts = ", ".join(
        f"count(n{n}), count(CASE WHEN f{n} = trunc(f{n}) THEN 1 END), min(f{n}), max(f{n})"
        for n in numeric
    )
    found = iter(
        table.ask(  # nested, so that each row is read once
            f"SELECT {counts} FROM (SELECT {finite} FROM (SELECT {numbers} FROM {table.source}))"
        )
    )
    counted = list(columns)
    for n, values in zip(numeric, zip(found, found, found, found, strict=True), strict=True):
        names = ("numbers", "wholes", "lowest", "highest")
        counted[n] = replace(columns[n], **dict(zip(names, values, strict=True)))
    return counted


def _with_texts(table: Table, column: Column, format: NumberFormat | None) -> Column:
    """Return a column of texts with the way in which they are read, if they are numbers."""
    if format and column.type == "VARCHAR":
        if not _has_signs_of_few(column, format):
            column = replace(column, format=format)
        column = _read_as_numbers(table, column)
    if column.reading is None and column.numbers < column.known:
        text = f"CAST({quote(column.name)} AS VARCHAR)"
        booleans, words, digits, symbols = table.ask(
            f"SELECT count(CASE WHEN length({text}) < 6 AND lower({text}) IN ('true', 'false') "
            f"THEN 1 END), 1 + avg(length({text}) - length(replace({text}, ' ', ''))), "
            f"count(CASE WHEN regexp_matches({text}, '[0-9]') THEN 1 END), "
            f"count(CASE WHEN {placeholders.is_symbols(text)} THEN 1 END) FROM {table.source}"
        )
        return replace(column, booleans=booleans, words=words, digits=digits, symbols=symbols)
    return column


def _read_as_numbers(table: Table, column: Column) -> Column:
    """Return a column of texts as one of numbers, or of codes with leading zeros, if it is one."""
    plain = column.numbers == column.known and not column.format.keys
    if plain and not _may_be_codes(column.texts):
        return column
    read = column if plain else _with_keys(table, column, column.format.keys)
    odd = {} if plain else odd_texts(table, read, f"{read.number} IS NOT NULL")
    # A way of writing that is rare, such as parentheses, may not be among the sampled texts.
    again = number_formats.guess([*column.texts, *odd])
    changed = again and not again.other and again.keys != column.format.keys
    if again and changed and not _has_signs_of_few(column, again):
        read = _with_keys(table, replace(column, format=again), again.keys)
        odd = odd_texts(table, read, f"{read.number} IS NOT NULL")
    nothing = placeholders.among(odd, column.known, column.distinct)
    known = column.known - sum(nothing.values())
    if not read.numbers or read.numbers < MOSTLY * known:
        return replace(column, texts=tuple(dict.fromkeys((*odd, *column.texts))))
    if bare := _without_unit(table, read):
        return replace(column, texts=tuple(dict.fromkeys((*column.texts, *bare))))
    if not read.format.keys and (width := _width(table, column, known)):
        reading = Reading(type="VARCHAR", width=width, missing=tuple(nothing))
        codes = replace(column, known=known, reading=reading)
        return replace(codes, number=None, numbers=0, wholes=0, lowest=None, highest=None)
    fits = read.numbers == known
    reading = Reading(
        type=_number_type(read),
        **read.format.keys,
        missing=tuple(nothing),
        invalid="refuse" if fits else "missing",
    )
    return replace(
        read,
        reading=None if reading == Reading(type="DOUBLE") else reading,
        known=known,
        texts=column.texts if fits else tuple(text for text in odd if text not in nothing),
    )


def _number_type(column: Column) -> str:
    """Return the type of a column of numbers.

    pandas makes 283.274 of a text whose dot groups digits. Of a column of whole numbers it is then
    refused when a model is served; in one of doubles nothing would tell.
    """
    grouped = column.format.keys.get("group") == "." and column.wholes == column.numbers
    largest = max(abs(column.lowest or 0), abs(column.highest or 0))
    return "BIGINT" if grouped and largest < 2**53 else "DOUBLE"


def _has_signs_of_few(column: Column, format: NumberFormat) -> bool:
    """Tell whether numbers have a unit or a currency in a few rows, and in most have none."""
    signs = units.measuring(format.keys.get("strip", ()))
    return bool(signs) and column.numbers >= HALF * column.known


def _without_unit(table: Table, column: Column) -> list[str]:
    """Return texts of numbers that lack the unit of the others, so that they may be of another.

    Nothing is nothing in any unit.
    """
    keys = column.format.keys
    signs = set(keys.get("strip", ()))
    if not units.measuring(signs):
        return []
    bare = keys | {"type": "DOUBLE", "strip": tuple(signs - units.measuring(signs))}
    name = quote(column.name)
    number = of_text(name, column.name, bare | {"invalid": "missing"})
    found = table.connection.execute(
        f"SELECT DISTINCT {name} AS text FROM {table.source} WHERE {number} <> 0 "
        f"ORDER BY text LIMIT {ODD_TEXTS}"
    ).fetchall()
    return [text for (text,) in found]


def _with_keys(table: Table, column: Column, keys: dict[str, Any]) -> Column:
    """Return the column with the counts of its numbers, written in some way."""
    reading = {"type": "DOUBLE", **keys, "invalid": "missing"}
    number = of_text(quote(column.name), column.name, reading)
    (counted,) = _with_numbers(table, [replace(column, number=number)])
    return counted


def odd_texts(table: Table, column: Column, fit: str) -> dict[str, int]:
    """Return texts that do not fit, the most frequent first, with the rows of each.

    Args:
        table: The table.
        column: A column of texts.
        fit: SQL that is true for a text that fits.
    """
    name = quote(column.name)
    found = table.connection.execute(
        f"SELECT {name}, count(*) FROM {table.source} WHERE {name} IS NOT NULL "
        f"AND NOT coalesce({fit}, false) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {ODD_TEXTS}"
    ).fetchall()
    return dict(found)


def _may_be_codes(texts: Collection[str]) -> bool:
    """Tell whether digits may be those of codes: with leading zeros, or all of one width."""
    widths = {len(text) for text in texts}
    zeros = any(len(text) > 1 and text[0] == "0" for text in texts)
    return all(map(str.isdigit, texts)) and (zeros or (len(widths) == 1 and widths != {1}))


def _width(table: Table, column: Column, known: int) -> int | Literal["varies"] | None:
    """Return how many digits codes with leading zeros have, or None where they are numbers."""
    if not any(len(text) > 1 and text.isdigit() for text in column.texts):
        return None
    name = quote(column.name)
    digits, zeros, least, most = table.ask(
        f"SELECT count(*), count(CASE WHEN {name} LIKE '0_%' THEN 1 END), min(length({name})), "
        f"max(length({name})) FROM {table.source} WHERE regexp_full_match({name}, '[0-9]+')"
    )
    if digits < known or not zeros:
        return None
    if least == most:
        return int(least)
    return VARIES if zeros >= SOME_ZEROS * known else None
