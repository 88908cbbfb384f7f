"""Raw files, read as one table by DuckDB: Parquet, CSV and JSON lines.

Names and missing values are read as pandas reads them, because a served model is given the frame
that `pandas.read_csv` or `pandas.read_parquet` makes of such a file.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar

import duckdb

from sql_features.duckdb_types import is_integer, kind_of
from sql_features.errors import WorkflowError
from sql_features.expressions import connect, isolated, quote
from sql_features.text_reading import of_other, of_text
from workflow.data import partitions
from workflow.data.column_reading import Reading, type_of
from workflow.data.csv_format import Versions, dialect, narrowest, version
from workflow.data.csv_header import is_value
from workflow.data.csv_scan import scan_csv
from workflow.data.file_kinds import kind, kind_of_file
from workflow.data.json_files import json_columns, of_json, scan_json
from workflow.data.parquet import column_types, scan_parquet
from workflow.data.parquet_schema import misread_columns, parquet_schema
from workflow.data.scan_errors import failed
from workflow.errors import unknown
from workflow.plain_values import one_line

MISSING = (  # what pandas.read_csv takes for a missing value
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
Given = TypeVar("Given")
TYPE = re.compile(r"[A-Za-z]\w*( \w+)*(\( *\d+ *(, *\d+ *)?\))?")


def scan(
    paths: list[Path],
    given: Mapping[str, str | Reading] | None = None,
    missing: Sequence[str] | None = None,
) -> str:
    """Return the SQL that reads files of one kind as one table, united by column name.

    Columns of text files that are not given get the narrowest type that fits every row.

    Args:
        paths: The files.
        given: By column, its DuckDB type or how its texts are read, for columns for which that is
            given.
        missing: Texts that mean missing in every column; see `missing_texts`.

    Raises:
        WorkflowError: A file cannot be read or is of an unsupported kind, a name in `given` is no
            column, or a value in it is no type.
    """
    given = {name: _exact(one, kind(paths)) for name, one in (given or {}).items()}
    missing = missing_texts(paths, missing)
    match kind(paths):
        case "parquet":
            table = _scan_raw_parquet(_versions(paths))
            if not given and not missing:
                return table
            with connect() as connection:
                found = columns(connection, table)
            return _replaced(table, found, _spelled(given, found), missing or ())
        case "csv":
            folders = _folders(paths)
            names = {name.casefold(): name for name in _csv_names(paths)}
            own = _spelled(given, names.values())
            read, plain = _apart(own)
            untyped = tuple(name for name in names.values() if name not in own)
            found = plain | dict.fromkeys(read, "VARCHAR")
            if untyped:
                found |= _csv_columns(_versions(paths), untyped, tuple(missing or ()))
            folded = {name.casefold(): type for name, type in found.items()}
            tables = {path: scan_csv(path, folded, missing or ()) for path in paths}
            return _replaced(partitions.united(tables, folders, found), found, read, ())
        case "json":
            folders = _folders(paths)
            found = json_columns(_versions(paths)) | partitions.types_of(folders)
            read, plain = _apart(_spelled(given, found))
            types = found | plain | dict.fromkeys(read, "JSON")
            if not folders:
                return _replaced(scan_json(paths, types), types, read, missing or ())
            types |= {name: "VARCHAR" for name in folders if name in read}
            inside = {name: type for name, type in types.items() if name not in folders}
            table = partitions.united({p: scan_json([p], inside) for p in paths}, folders, types)
            return _replaced(table, types, read, missing or ())


def scan_text(paths: list[Path], missing: Sequence[str] | None = None) -> str:
    """Return the SQL that reads CSV or JSON lines with every column that is not nested as text."""
    if kind(paths) == "csv":
        return scan(paths, dict.fromkeys(_csv_names(paths), "VARCHAR"), missing)
    found = json_columns(_versions(paths)) | partitions.types_of(_folders(paths))
    plain = [name for name, type in found.items() if kind_of(type) != "nested"]
    return scan(paths, dict.fromkeys(plain, "VARCHAR"), missing)


def typed_columns(paths: list[Path]) -> frozenset[str]:
    """Return the columns of JSON lines whose values are no texts; in a CSV file all are."""
    if kind(paths) != "json":
        return frozenset()
    found = json_columns(_versions(paths))
    return frozenset(name for name, type in found.items() if type != "VARCHAR")


def missing_texts(paths: Iterable[Path], given: Sequence[str] | None) -> list[str] | None:
    """Return the texts that mean missing in every column of files, or None where there are none.

    They are those that are given; else those of pandas where there is a CSV file.
    """
    if given is None and any(kind_of_file(path) == "csv" for path in paths):
        return list(MISSING)
    return None if given is None else list(given)


def columns(connection: duckdb.DuckDBPyConnection, scan: str) -> dict[str, str]:
    """Return the DuckDB type of each column.

    Args:
        connection: Any connection.
        scan: What `scan` or `scan_text` returned.

    Raises:
        WorkflowError: A file cannot be read.
    """
    try:
        return column_types(connection, scan)
    except duckdb.Error as error:
        raise failed(scan, error) from error


def absent_columns(
    paths: list[Path], target: Collection[str] = (), used: Collection[str] | None = None
) -> dict[str, str]:
    """Return a sentence for each column that some files lack; keys of records may be left out.

    Args:
        paths: The files of one table.
        target: The columns that the target is computed from, of which none may lack all.
        used: The columns that are looked at; None for all.

    Raises:
        WorkflowError: A file is of another table.
    """
    if len(paths) < 2 or kind(paths) == "json":
        return {}
    own = {path: _own_names(path) for path in paths}
    if used is not None:
        folded = {name.strip().casefold() for name in used}
        own = {path: [n for n in names if n.strip().casefold() in folded]
               for path, names in own.items()}  # fmt: skip
    return partitions.absent_columns(own, target)


def target_named(name: str, paths: list[Path], names: Iterable[str]) -> str:
    """Return the column of the target; blanks around a name in the file cannot be seen.

    Args:
        name: What the user calls it.
        paths: The files.
        names: The files' columns.

    Raises:
        WorkflowError: There is no such column.
    """
    names = list(names)
    alike = [one for one in names if one.strip() == name.strip()]
    if name in names or len(alike) == 1:
        return name if name in names else alike[0]
    for path in paths:
        header = dialect(path).header if kind_of_file(path) == "csv" else ()
        if any(map(is_value, header)):
            shown = ", ".join(header[:4]) + (", ..." if len(header) > 4 else "")
            raise WorkflowError(
                f"target='{name}': the first line of {path.name} looks like values "
                f"({one_line(shown, 80)}), not like the columns' names: put a line with their "
                "names above it."
            )
    raise unknown("target", name, names)


def unlike_pandas(paths: list[Path]) -> dict[str, str]:
    """Return the columns that a served model could not find in a pandas frame, with the reason.

    Where a file gives no name or one that is taken (to SQL `a` and `A` are the same), SQL makes one
    up that pandas does not know. The index of a pandas frame that was written with it is a column
    to SQL, but not to pandas. A duration has another value in SQL than in pandas.

    Raises:
        WorkflowError: A file cannot be read.
    """
    reasons: dict[str, str] = {}
    if kind(paths) == "json":
        return reasons
    for path in paths:
        own: Sequence[str]
        names: Sequence[str]
        if kind(paths) == "csv":
            own, names, misread = dialect(path).header, dialect(path).names, {}
        else:
            schema = parquet_schema(path)
            with connect() as connection:
                own, names = schema.names, list(columns(connection, scan([path])))
            misread = misread_columns(schema)
        for place, (name, sql) in enumerate(zip(own, names, strict=True), start=1):
            if name in misread:
                reasons[sql] = misread[name]
            elif not name.strip():
                reasons[sql] = f"column {place} of {path.name} has no name"
            elif name != sql:
                reasons[sql] = f"name '{name}' of column {place} of {path.name} is taken already"
    return reasons


def _spelled(given: Mapping[str, Given], names: Iterable[str]) -> dict[str, Given]:
    """Return what is given by the files' own names: to SQL, case makes no difference."""
    own = {name.casefold(): name for name in names}
    for name in given:
        if name.casefold() not in own:
            raise unknown("column", name, own.values())
    return {own[name.casefold()]: one for name, one in given.items()}


def _exact(column: str | Reading, files: str) -> str | Reading:
    """Return how a column is read, of DuckDB's own name of the type.

    Whole numbers and decimals are read of texts, because DuckDB's readers would make 2, or 1.6, of
    1.57; so are truth values of JSON, where that would be true.

    Raises:
        WorkflowError: There is no such type.
    """
    type = _type_named(type_of(column))
    if isinstance(column, Reading):
        return replace(column, type=type)
    is_read = is_integer(type) or type.startswith("DECIMAL")
    return Reading(type=type) if is_read or (type, files) == ("BOOLEAN", "json") else type


@cache
def _type_named(name: str) -> str:
    if not TYPE.fullmatch(name):
        raise _unknown_type(name)
    try:
        found = isolated().cursor().execute(f"SELECT typeof(CAST(NULL AS {name}))").fetchall()
    except duckdb.Error as error:
        raise _unknown_type(name) from error
    return str(found[0][0])


def _unknown_type(name: str) -> WorkflowError:
    return unknown("type", name, ["DOUBLE", "BIGINT", "VARCHAR", "or another of DuckDB's"])


def _apart(
    given: Mapping[str, str | Reading],
) -> tuple[dict[str, Reading], dict[str, str]]:
    """Return the columns whose texts are read in some way, and those that have a type alone."""
    read = {name: one for name, one in given.items() if isinstance(one, Reading)}
    return read, {name: one for name, one in given.items() if isinstance(one, str)}


def _replaced(
    table: str,
    types: Mapping[str, str],
    given: Mapping[str, str | Reading],
    missing: Sequence[str],
) -> str:
    """Return the SQL of a table whose columns are read or cast as is given.

    Args:
        table: SQL of the table.
        types: DuckDB type by column in it; `JSON` for a column that may hold any value.
        given: The type or the reading, by column.
        missing: Texts that mean missing in the columns of texts.
    """
    values = {}
    for name, type in types.items():
        column, one = quote(name), given.get(name, type)
        reading = one.given if isinstance(one, Reading) else {"type": one}
        if type == "JSON":
            values[name] = of_json(column, name, reading, missing)
        elif kind_of(type) == "text" and (missing or isinstance(one, Reading)):
            values[name] = of_text(f"CAST({column} AS VARCHAR)", name, reading, missing)
        elif name in given:
            values[name] = of_other(column, name, reading)
    if not values:
        return table
    casts = ", ".join(f"{value} AS {quote(name)}" for name, value in values.items())
    return f"(SELECT * REPLACE ({casts}) FROM {table})"


@lru_cache(maxsize=16)  # a call may read all rows
def _scan_raw_parquet(versions: Versions) -> str:
    """Return the SQL that reads Parquet files; bytes that are all UTF-8 are texts.

    Files that are written without saying that their bytes are texts are common.
    """
    paths = [path for path, *_ in versions]
    table = scan_parquet(paths)
    if folders := _folders(paths):
        own = {path: scan_parquet([path]) for path in paths}
        table = partitions.united(own, folders, partitions.types_of(folders))
    with connect() as connection:
        found = columns(connection, table)
        bytes_ = [name for name, type in found.items() if type == "BLOB"]
        if not bytes_:
            return table
        decoded = {name: f"TRY(decode({quote(name)}))" for name in bytes_}
        lost = [f"count({quote(name)}) - count({sql})" for name, sql in decoded.items()]
        try:
            (counts,) = connection.execute(f"SELECT {', '.join(lost)} FROM {table}").fetchall()
        except duckdb.Error as error:
            raise failed(table, error) from error
    texts = [name for name, count in zip(bytes_, counts, strict=True) if not count]
    if not texts:
        return table
    replaced = ", ".join(f"decode({quote(name)}) AS {quote(name)}" for name in texts)
    return f"(SELECT * REPLACE ({replaced}) FROM {table})"


def _folders(paths: list[Path]) -> partitions.Values:
    """Return the columns that the files' folders hold."""
    if not any(partitions.is_partition(folder) for folder in paths[0].parts[:-1]):
        return {}
    if kind(paths) == "json":
        return partitions.values_of(paths, json_columns(_versions(paths)))
    return partitions.values_of(paths, [name for path in paths for name in _own_names(path)])


def _own_names(path: Path) -> Sequence[str]:
    """Return the columns of a CSV or Parquet file itself."""
    return dialect(path).names if kind_of_file(path) == "csv" else parquet_schema(path).names


def _csv_names(paths: list[Path]) -> list[str]:
    return [name for path in paths for name in dialect(path).names] + list(_folders(paths))


def _versions(paths: list[Path]) -> Versions:
    return tuple((path, *version(path)) for path in paths)


@lru_cache(maxsize=16)  # a call reads all rows; callers must not change what is returned
def _csv_columns(
    versions: Versions, names: tuple[str, ...], missing: tuple[str, ...]
) -> dict[str, str]:
    text = scan_text([path for path, *_ in versions], missing)
    with connect() as connection:
        try:
            return narrowest(connection, text, list(names))
        except duckdb.Error as error:
            raise failed(text, error) from error
