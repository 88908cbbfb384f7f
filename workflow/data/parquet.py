"""Parquet files as SQL reads them: the project's own splits, and raw ones."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from sql_features.expressions import literal, quote


def scan_parquet(paths: list[Path]) -> str:
    """Return the SQL that reads Parquet files as one table, united by column name."""
    files = ", ".join(map(path_literal, paths))
    return f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"


def path_literal(path: Path) -> str:
    """Return the SQL text of a file's path, in which DuckDB finds no pattern."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def columns_literal(types: Mapping[str, str]) -> str:
    """Return the SQL of types by column, as DuckDB's readers take them."""
    return "{" + ", ".join(f"{quote(n)}: {literal(t)}" for n, t in types.items()) + "}"


def row_number(columns: Iterable[str]) -> str:
    """Return the SQL of a row's number in a single Parquet file, from 1.

    All threads count DuckDB's own number of a row, one thread that of a window; but a column of the
    file may have its name.

    Args:
        columns: The file's.
    """
    taken = "file_row_number" in map(str.casefold, columns)
    return "row_number() OVER ()" if taken else "file_row_number + 1"


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Return the DuckDB type by column of what a SQL expression reads."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {name: type for name, type, *_ in described}
