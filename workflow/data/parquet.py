"""Parquet files as SQL reads them: the project's own splits, and raw ones."""

import re
from pathlib import Path

import duckdb

from sql_features.expressions import literal


def scan_parquet(paths: list[Path]) -> str:
    """Return the SQL that reads Parquet files as one table, united by column name."""
    files = ", ".join(map(path_literal, paths))
    return f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"


def path_literal(path: Path) -> str:
    """Return the SQL text of a file's path, in which DuckDB finds no pattern."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Return the DuckDB type by column of what a SQL expression reads."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {name: type for name, type, *_ in described}
