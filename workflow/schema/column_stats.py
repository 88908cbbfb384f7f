"""Statistics of a table's columns, counted by DuckDB over all rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from sql_features.duckdb_types import TypeKind, kind_of
from sql_features.expressions import quote

FEW = 2_000  # distinct values, up to which they are counted exactly at little cost
COUNTED = 1_000_000  # rows, of all columns whose distinct values are counted in one query
NARROW = 100  # columns that a copy of a part of a wide table has
MOSTLY = 0.9  # share of texts that are numbers from which on a column is one of numbers
THOUSANDS = "'[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\\.[0-9]*)?'"


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one column holds. In a column of texts, a number is a text that can be cast to one.

    Attributes:
        name: Its name.
        type: Its DuckDB type.
        values: The kind of its type.
        number: SQL of its value as DOUBLE, or None if it has no such value.
        known: Rows with a value; in a column of numbers NaN is missing.
        distinct: Distinct values: exact where there are at most about `FEW`, or from about 40 % of
            the known rows on; else an estimate.
        exact: Whether `distinct` is exact.
        numbers: Rows with a number, which may be infinite.
        wholes: Rows with a whole number.
        lowest: The least finite number, if there is one.
        highest: The greatest finite number, if there is one.
        booleans: Rows with the texts true or false.
        words: Mean words of a text, where not all are numbers.
    """

    name: str
    type: str
    values: TypeKind
    number: str | None = None
    known: int = 0
    distinct: int = 0
    exact: bool = False
    numbers: int = 0
    wholes: int = 0
    lowest: float | None = None
    highest: float | None = None
    booleans: int = 0
    words: float = 0.0


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
    connection: duckdb.DuckDBPyConnection, source: str, types: dict[str, str], *, text: bool
) -> Table:
    """Return the table with the statistics of each of its columns.

    Args:
        connection: Any connection.
        source: SQL of the table.
        types: DuckDB type by column.
        text: Whether it comes from text files.
    """
    table = Table(connection=connection, source=source, text=text, rows=0, columns={})
    table = replace(table, rows=table.ask(f"SELECT count(*) FROM {source}")[0])
    columns: dict[str, Column] = {}
    for part, names in _parts(table, list(types)):
        counted = _counted(part, {name: types[name] for name in names})
        read = [_read(part, column) for column in counted]
        columns |= {column.name: column for column in _with_distinct(part, read)}
    return replace(table, columns=columns)


def _parts(table: Table, names: list[str]) -> Iterator[tuple[Table, list[str]]]:
    """Yield the table and its columns; where they are many, copies of some of them at a time.

    Each column takes several queries, and to DuckDB each takes the longer the more columns there
    are, whichever of them it reads.
    """
    if len(names) <= NARROW:
        yield table, names
        return
    for start in range(0, len(names), NARROW):
        some = names[start : start + NARROW]
        copied = ", ".join(map(quote, some))
        table.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE part AS SELECT {copied} FROM {table.source}"
        ).fetchall()
        yield replace(table, source="part"), some
    table.connection.execute("DROP TABLE part").fetchall()


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


def _read(table: Table, column: Column) -> Column:
    """Return a column with the rows that have a value, and with statistics of its texts."""
    if column.values in ("number", "duration"):
        return replace(column, known=column.numbers)
    if column.values == "text" and column.numbers < column.known:
        return _with_texts(table, column)
    return column


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


def _with_texts(table: Table, column: Column) -> Column:
    """Return the column with statistics of its texts; numbers with commas are read as numbers."""
    text = f"CAST({quote(column.name)} AS VARCHAR)"
    booleans, commas, words = table.ask(
        f"SELECT count(CASE WHEN length({text}) < 6 AND lower({text}) IN ('true', 'false') "
        f"THEN 1 END), count(CASE WHEN contains({text}, ',') THEN 1 END), "
        f"1 + avg(length({text}) - length(replace({text}, ' ', ''))) FROM {table.source}"
    )
    column = replace(column, booleans=booleans, words=words)
    if not commas or column.numbers >= MOSTLY * column.known:
        return column
    (thousands,) = table.ask(
        f"SELECT count(*) FROM {table.source} WHERE contains({text}, ',') "
        f"AND regexp_full_match({text}, {THOUSANDS})"
    )
    for_comma = "''" if thousands >= MOSTLY * commas else "'.'"
    number = f"TRY_CAST(replace({quote(column.name)}, ',', {for_comma}) AS DOUBLE)"
    (read,) = _with_numbers(table, [replace(column, number=number)])
    return read if read.numbers >= MOSTLY * column.known else column
