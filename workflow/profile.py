"""What the columns of a table hold, counted by DuckDB over all of its rows."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import duckdb

from workflow.binding import is_number
from workflow.sql import quote

Values = Literal["number", "boolean", "text", "date", "time", "duration", "other"]
AT_ONCE = 100  # columns a query
FEW = 2_000  # as many distinct values can be counted exactly in no time
MOSTLY = 0.9  # of the texts of a column: then it is one of numbers
THOUSANDS = "'[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\\.[0-9]*)?'"


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one column holds. Of a text the numbers are those that its texts spell.

    Attributes:
        name: Its name.
        type: Its DuckDB type.
        values: What kind of values it holds by its type.
        number: SQL of its value as DOUBLE.
        known: Rows with a value; NaN is none.
        distinct: Distinct values; exact where they are few, or about half of the known or more.
        numbers: Rows with a number, which may be infinite.
        wholes: Rows with a whole number.
        digits: Rows with at most 18 digits and a sign, and nothing else.
        booleans: Rows with true or false.
        lowest: The least finite number, if there is one.
        highest: The greatest finite number, if there is one.
        length: Mean characters of a text.
        words: Mean words of a text.
    """

    name: str
    type: str
    values: Values
    number: str
    known: int
    distinct: int
    numbers: int = 0
    wholes: int = 0
    digits: int = 0
    booleans: int = 0
    lowest: float | None = None
    highest: float | None = None
    length: float = 0.0
    words: float = 0.0


def values_of(type: str) -> Values:
    """Return what kind of values a DuckDB type has."""
    if type == "BOOLEAN":
        return "boolean"
    if is_number(type):
        return "number"
    if type in ("VARCHAR", "UUID") or type.startswith("ENUM"):
        return "text"
    if type == "DATE" or type.startswith("TIMESTAMP"):
        return "date"
    if type.startswith("TIME"):
        return "time"
    return "duration" if type == "INTERVAL" else "other"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that is being looked at.

    Attributes:
        connection: Where.
        source: SQL of its columns as they are read: of a text file, as texts.
        text: Whether it comes from text files.
        rows: How many it has.
        columns: What each column holds, by name.
    """

    connection: duckdb.DuckDBPyConnection
    source: str
    text: bool
    rows: int
    columns: dict[str, Column]


def profile(
    connection: duckdb.DuckDBPyConnection, source: str, types: dict[str, str], *, text: bool
) -> Table:
    """Return the table with what each of its columns holds.

    Args:
        connection: Any.
        source: SQL of the table.
        types: DuckDB type by column.
        text: Whether it comes from text files.
    """
    names = list(types)
    columns = {}
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        counts = ", ".join(_counts(quote(name), types[name]) for name in some)
        ((rows, *found),) = connection.execute(
            f"SELECT count(*), {counts} FROM {source}"
        ).fetchall()
        for name, counted in zip(some, found, strict=True):
            columns[name] = _column(connection, source, name, types[name], counted)
    return Table(connection=connection, source=source, text=text, rows=rows, columns=columns)


def distinct(connection: duckdb.DuckDBPyConnection, source: str, value: str) -> int:
    """Return how many distinct values a SQL expression has."""
    ((count,),) = connection.execute(f"SELECT count(DISTINCT {value}) FROM {source}").fetchall()
    return count


def _counts(column: str, type: str) -> str:
    """Return the SQL of a struct of counts; all the same value are computed once."""
    values = values_of(type)
    number = _number(column, type)
    known = f"count(*) FILTER (NOT isnan({number}))" if values == "number" else f"count({column})"
    counts = {"known": known}
    if values != "other":
        counts["distinct"] = f"approx_count_distinct({column})"
    if values in ("number", "boolean", "text", "duration"):
        counts["numbers"] = f"count(*) FILTER (NOT isnan({number}))"
        counts["wholes"] = f"count(*) FILTER (isfinite({number}) AND {number} = trunc({number}))"
        counts["lowest"] = f"min({number}) FILTER (isfinite({number}))"
        counts["highest"] = f"max({number}) FILTER (isfinite({number}))"
    if values == "text":
        text = f"CAST({column} AS VARCHAR)"
        counts["digits"] = f"count(*) FILTER (regexp_full_match({text}, '[+-]?[0-9]{{1,18}}'))"
        counts["booleans"] = f"count(*) FILTER (lower({text}) IN ('true', 'false'))"
        counts["commas"] = f"count(*) FILTER (contains({text}, ','))"
        counts["length"] = f"avg(length({text}))"
        counts["words"] = f"avg(length({text}) - length(replace({text}, ' ', ''))) + 1"
    return "{" + ", ".join(f"{quote(name)}: {count}" for name, count in counts.items()) + "}"


def _number(column: str, type: str) -> str:
    match values_of(type):
        case "number" | "boolean":
            return column if type == "DOUBLE" else f"CAST({column} AS DOUBLE)"
        case "text" if type == "VARCHAR":
            return f"TRY_CAST({column} AS DOUBLE)"
        case "duration":
            return f"epoch({column})"
        case _:
            return "CAST(NULL AS DOUBLE)"


def _column(
    connection: duckdb.DuckDBPyConnection, source: str, name: str, type: str, counts: dict[str, Any]
) -> Column:
    number, values = _number(quote(name), type), values_of(type)
    given = {key: count for key, count in counts.items() if key != "commas" and count is not None}
    about = given.pop("distinct", 0)
    column = Column(name=name, type=type, values=values, number=number, distinct=about, **given)
    if counts.get("commas") and column.numbers < MOSTLY * column.known:
        column = _with_commas(connection, source, column)
    if about and (about <= FEW or about >= 0.4 * column.known):
        spelled = values == "number" or (values == "text" and column.numbers == column.known)
        # A number may be written in several ways, and NaN is no value.
        value = f"CASE WHEN NOT isnan({number}) THEN {number} END" if spelled else quote(name)
        column = replace(column, distinct=distinct(connection, source, value))
    return column


def _with_commas(connection: duckdb.DuckDBPyConnection, source: str, column: Column) -> Column:
    """Return the column with its numbers read by their commas: 1,234.5 or 1,5."""
    text = quote(column.name)
    ((commas, thousands),) = connection.execute(
        f"SELECT count(*), count(*) FILTER (regexp_full_match({text}, {THOUSANDS})) "
        f"FROM {source} WHERE contains({text}, ',')"
    ).fetchall()
    by = "''" if thousands >= MOSTLY * commas else "'.'"
    number = f"TRY_CAST(replace({text}, ',', {by}) AS DOUBLE)"
    ((numbers, wholes, lowest, highest),) = connection.execute(
        f"SELECT count(*) FILTER (NOT isnan({number})), "
        f"count(*) FILTER (isfinite({number}) AND {number} = trunc({number})), "
        f"min({number}) FILTER (isfinite({number})), max({number}) FILTER (isfinite({number})) "
        f"FROM {source}"
    ).fetchall()
    if numbers < MOSTLY * column.known:
        return column
    return replace(
        column, number=number, numbers=numbers, wholes=wholes, lowest=lowest, highest=highest
    )
