"""JSON files, a record a line or an array of them: their columns, and the SQL that reads them."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from sql_features.duckdb_types import is_integer, kind_of
from sql_features.errors import WorkflowError
from sql_features.expressions import connect
from sql_features.text_reading import NUMBER_KEYS, of_other, of_text
from workflow.data.csv_format import Versions
from workflow.data.parquet import column_types, columns_literal, path_literal
from workflow.data.scan_errors import failed


def scan_json(paths: list[Path], types: Mapping[str, str] | None = None) -> str:
    """Return the SQL that reads JSON files as one table, with these types by column if given."""
    # A .json file may hold one array of records instead of a record a line.
    files = ", ".join(map(path_literal, paths))
    lines = not any(".json" in path.suffixes for path in paths)
    options = [f"format = '{'newline_delimited' if lines else 'auto'}', union_by_name = true"]
    options += ["hive_partitioning = false, records = 'true'"]
    if types is None:
        options += ["sample_size = -1, map_inference_threshold = -1"]
    else:
        options += [f"columns = {columns_literal(types)}"]
    return f"read_json([{files}], {', '.join(options)})"


@lru_cache(maxsize=16)  # a call reads all rows; callers must not change what is returned
def json_columns(versions: Versions) -> dict[str, str]:
    """Return the DuckDB type by column of JSON files.

    Args:
        versions: The files, with what `version` returns of each.

    Raises:
        WorkflowError: A file is empty, cannot be read, or holds a whole table in one record.
    """
    for path, _, size in versions:
        if not size:
            raise WorkflowError(f"data file '{path.name}' is empty.")
    with connect() as connection:
        scan = scan_json([path for path, *_ in versions])
        try:
            found = column_types(connection, scan)
        except duckdb.Error as error:
            raise failed(scan, error) from error
        if any(kind_of(type) == "nested" for type in found.values()):
            _refuse_one_record(connection, scan, [path for path, *_ in versions], found)
    return {name: "VARCHAR" if type == '"NULL"' else type for name, type in found.items()}


def of_json(column: str, name: str, reading: Mapping[str, Any], missing: Sequence[str]) -> str:
    """Return the SQL of a value in JSON: a number is that number, whatever its text would mean.

    Args:
        column: SQL of the value, of DuckDB's type JSON.
        name: The column's name, for errors.
        reading: How its texts are read.
        missing: Texts that mean missing in every column.
    """
    text = f"({column} ->> '$')"
    value = of_text(text, name, reading, missing)
    if kind_of(reading["type"]) not in ("number", "text", "boolean"):
        return value
    number = of_other(f"CAST({text} AS DOUBLE)", name, reading)
    if is_integer(reading["type"]) or reading["type"].startswith(
        "DECIMAL"
    ):  # a double does not hold all digits
        number = of_text(text, name, {k: v for k, v in reading.items() if k not in NUMBER_KEYS})
    return (
        f"CASE WHEN json_type({column}) IN ('BIGINT', 'UBIGINT', 'DOUBLE') "
        f"THEN {number} ELSE {value} END"
    )


def _refuse_one_record(
    connection: duckdb.DuckDBPyConnection, scan: str, paths: list[Path], types: dict[str, str]
) -> None:
    """Refuse files that hold a record each, whose lists or records are a whole table.

    Raises:
        WorkflowError: They do.
    """
    try:
        rows = connection.execute(f"SELECT 1 FROM {scan} LIMIT {len(paths) + 1}").fetchall()
    except duckdb.Error as error:
        raise failed(scan, error) from error
    if len(rows) > len(paths):
        return
    file, stem = paths[0].name, paths[0].name.partition(".")[0]
    records = [name for name, type in types.items() if re.fullmatch(r"STRUCT\(.*\)\[\]", type)]
    if {"columns", "data"} <= types.keys():
        read = f"pandas.read_json('{file}', orient='split')"
    elif records:
        read = f"pandas.DataFrame(json.load(open('{file}'))['{records[0]}'])"
    else:
        read = f"pandas.read_json('{file}')"
    raise WorkflowError(
        f"data file '{file}' holds a whole table in one record: write a record a line, by "
        f"{read}.to_json('{stem}.jsonl', orient='records', lines=True)."
    )
