"""What the schema of a raw Parquet file says beside the types that SQL sees."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sql_features.errors import WorkflowError


def parquet_schema(path: Path) -> pa.Schema:
    """Return the schema of a Parquet file.

    Raises:
        WorkflowError: It cannot be read.
    """
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise WorkflowError(f"data file '{path.name}' cannot be read: {error}.") from error


def misread_columns(schema: pa.Schema) -> dict[str, str]:
    """Return the columns of a Parquet file that pandas and DuckDB read differently, and how."""
    durations = [field.name for field in schema if pa.types.is_duration(field.type)]
    misread = dict.fromkeys(durations, "a duration, which SQL reads as a whole number")
    for name in (schema.pandas_metadata or {}).get("index_columns", []):
        if isinstance(name, str):  # an index that only counts rows is not written as a column
            misread[name] = "the index of the pandas frame, which is no column when it is read"
    return misread
