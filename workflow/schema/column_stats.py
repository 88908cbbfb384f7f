"""Statistics of a table's columns, counted by DuckDB over all rows."""

from dataclasses import dataclass, replace
from typing import Any

import duckdb

from sql_features.duckdb_types import TypeKind, kind_of
from sql_features.expressions import quote

FEW = 2_000  # distinct values, up to which they are counted exactly at little cost
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
    (rows,) = table.ask(f"SELECT count(*) FROM {source}")
    columns = {name: _column(table, name, type) for name, type in types.items()}
    return replace(table, rows=rows, columns=columns)


def _column(table: Table, name: str, type: str) -> Column:
    column, value = Column(name=name, type=type, values=kind_of(type)), quote(name)
    distinct = "0" if column.values == "other" else f"approx_count_distinct({value})"
    known, about = table.ask(f"SELECT count({value}), {distinct} FROM {table.source}")
    column = replace(column, known=known, distinct=about)
    if number := _number(value, type):
        column = _with_numbers(table, column, number)
    if column.values in ("number", "duration"):
        column = replace(column, known=column.numbers)
    elif column.values == "text" and column.numbers < known:
        column = _with_texts(table, column)
    if about and (about <= FEW or about >= 0.4 * known):
        # Texts such as 1 and 1.0 are one number, so numbers are counted, not their texts.
        number = column.number if column.numbers == column.known else None
        alike = _no_nan(number) if number else value
        (exact,) = table.ask(f"SELECT count(DISTINCT {alike}) FROM {table.source}")
        column = replace(column, distinct=exact, exact=True)
    return column


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


def _with_numbers(table: Table, column: Column, number: str) -> Column:
    """Return the column with the counts of its numbers."""
    numbers, wholes, lowest, highest = table.ask(
        # Nested, so that each row is read once.
        "SELECT count(n), count(CASE WHEN f = trunc(f) THEN 1 END), min(f), max(f) FROM "
        "(SELECT n, CASE WHEN isfinite(n) THEN n END AS f FROM "
        f"(SELECT {_no_nan(number)} AS n FROM {table.source}))"
    )
    return replace(
        column, number=number, numbers=numbers, wholes=wholes, lowest=lowest, highest=highest
    )


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
    read = _with_numbers(table, column, number)
    return read if read.numbers >= MOSTLY * column.known else column
