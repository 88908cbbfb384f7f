"""Raw files, read as one table by DuckDB: Parquet, CSV and JSON lines.

Names and missing values are read as pandas reads them, because a served model is given the frame
that `pandas.read_csv` or `pandas.read_parquet` makes of such a file.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sql_features.duckdb_types import kind_of
from sql_features.errors import WorkflowError
from sql_features.expressions import cast, connect, literal, quote
from workflow.data.csv_format import dialect, narrowest, version
from workflow.data.parquet import column_types, path_literal, scan_parquet
from workflow.errors import unknown
from workflow.plain_values import one_line

FileKind = Literal["parquet", "csv", "json"]
SUFFIXES: dict[FileKind, tuple[str, ...]] = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    "json": (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"),
}
READ = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
MISSING = (  # what pandas.read_csv takes for a missing value
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
Versions = tuple[tuple[Path, int, int], ...]  # files, with what `version` returns of each
TYPE = re.compile(r"[A-Za-z]\w*( \w+)*(\( *\d+ *(, *\d+ *)?\))?")


def kind(paths: list[Path]) -> FileKind:
    """Return the kind of the files.

    Raises:
        WorkflowError: No file, a kind that is not read, or files of several kinds.
    """
    if not paths:
        raise WorkflowError("data: no file is given.")
    found = {_kind(path): path for path in paths}
    if len(found) > 1:
        one, other, *_ = (path.name for path in found.values())
        raise WorkflowError(f"data files '{one}' and '{other}' are of two kinds: give one kind.")
    return next(iter(found))


def scan(paths: list[Path], types: Mapping[str, str] | None = None) -> str:
    """Return the SQL that reads files of one kind as one table, united by column name.

    Without `types` the columns of text files get the narrowest type that fits every row.

    Args:
        paths: The files.
        types: DuckDB type by column, for the columns whose type is given.

    Raises:
        WorkflowError: A file cannot be read or is of an unsupported kind, a name in `types` is no
            column, or a value in it is no type.
    """
    types = types or {}
    for type in types.values():
        if not TYPE.fullmatch(type):
            raise unknown("type", type, ["DOUBLE", "BIGINT", "VARCHAR", "or another of DuckDB's"])
    match kind(paths):
        case "parquet":
            table = scan_parquet(paths)
            if not types:
                return table
            with connect() as connection:
                found = columns(connection, table)
            casts = ", ".join(cast(name, type) for name, type in _spelled(types, found).items())
            return f"(SELECT * REPLACE ({casts}) FROM {table})"
        case "csv":
            names = {name.casefold(): name for path in paths for name in dialect(path).names}
            given = _spelled(types, names.values())
            untyped = tuple(name for name in names.values() if name not in given)
            found = given | (_csv_columns(_versions(paths), untyped) if untyped else {})
            folded = {name.casefold(): type for name, type in found.items()}
            tables = (f"SELECT * FROM {_read_csv(path, folded)}" for path in paths)
            return f"({' UNION ALL BY NAME '.join(tables)})"
        case "json":
            found = _json_columns(_versions(paths))
            return _read_json(paths, found | _spelled(types, found))


def scan_text(paths: list[Path]) -> str:
    """Return the SQL that reads CSV or JSON lines with every column that is not nested as text."""
    if kind(paths) == "csv":
        return scan(paths, {name: "VARCHAR" for path in paths for name in dialect(path).names})
    found = _json_columns(_versions(paths))
    return scan(paths, {n: "VARCHAR" for n, type in found.items() if kind_of(type) != "nested"})


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
            schema = _parquet_schema(path)
            with connect() as connection:
                own, names = schema.names, list(columns(connection, scan([path])))
            misread = _misread(schema)
        for place, (name, sql) in enumerate(zip(own, names, strict=True), start=1):
            if name in misread:
                reasons[sql] = misread[name]
            elif not name.strip():
                reasons[sql] = f"column {place} of {path.name} has no name"
            elif name != sql:
                reasons[sql] = f"name '{name}' of column {place} of {path.name} is taken already"
    return reasons


def failed(scan: str, error: Exception) -> WorkflowError:
    """Return a one-line error that names the files of a scan and says what DuckDB said."""
    # `path_literal` has put pattern characters of the path in brackets.
    paths = re.findall(r"read_\w+\(\[?'((?:[^']|'')*)'", scan)
    names = ", ".join(Path(re.sub(r"\[([*?\[])\]", r"\1", path)).name for path in paths[:3])
    more = ", ..." if len(paths) > 3 else ""
    return WorkflowError(f"data {names}{more}: {reason(error)}")


def reason(error: Exception) -> str:
    """Return what a DuckDB error says, without its hints, in one line."""
    hints = r"\n\n|Possible (?:fixes|solution)|\n *file *=|\nLINE"
    return one_line(re.split(hints, str(error), flags=re.IGNORECASE)[0])


def _kind(path: Path) -> FileKind:
    for one, suffixes in SUFFIXES.items():
        if path.name.casefold().endswith(suffixes):
            return one
    raise WorkflowError(f"data file '{path.name}': give one of {', '.join(READ)}.")


def _mapping(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{quote(n)}: {literal(t)}" for n, t in types.items()) + "}"


def _spelled(types: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the types by the files' own names: to SQL, case makes no difference."""
    own = {name.casefold(): name for name in names}
    for name in types:
        if name.casefold() not in own:
            raise unknown("column", name, own.values())
    return {own[name.casefold()]: type for name, type in types.items()}


def _read_csv(path: Path, types: dict[str, str]) -> str:
    file = dialect(path)
    known = {name: types[name.casefold()] for name in file.names}
    missing = ", ".join(map(literal, MISSING))
    # The filter is always true. It keeps DuckDB from moving a TRY_CAST of an outer query into the
    # reader, where a text that cannot be cast fails instead of becoming NULL
    # (duckdb/duckdb#23818).
    return (
        f"(SELECT * FROM read_csv({path_literal(path)}, "
        f"auto_detect = false, columns = {_mapping(known)}, "
        f"encoding = '{file.encoding}', "
        f"delim = {literal(file.delimiter)}, quote = '\"', escape = '\"', comment = '', "
        f"header = true, skip = {file.skip}, new_line = '{file.newline}', nullstr = [{missing}]) "
        "WHERE random() >= 0)"
    )


def _read_json(paths: list[Path], types: Mapping[str, str] | None = None) -> str:
    # A .json file may hold one array of records instead of a record a line.
    files = ", ".join(map(path_literal, paths))
    lines = not any(".json" in path.suffixes for path in paths)
    options = [f"format = '{'newline_delimited' if lines else 'auto'}', union_by_name = true"]
    options += ["hive_partitioning = false, records = 'true'"]
    if types is None:
        options += ["sample_size = -1, map_inference_threshold = -1"]
    else:
        options += [f"columns = {_mapping(types)}"]
    return f"read_json([{files}], {', '.join(options)})"


def _versions(paths: list[Path]) -> Versions:
    return tuple((path, *version(path)) for path in paths)


@lru_cache(maxsize=16)  # a call reads all rows; callers must not change what is returned
def _json_columns(versions: Versions) -> dict[str, str]:
    for path, _, size in versions:
        if not size:
            raise WorkflowError(f"data file '{path.name}' is empty.")
    with connect() as connection:
        found = columns(connection, _read_json([path for path, *_ in versions]))
    return {name: "VARCHAR" if type == '"NULL"' else type for name, type in found.items()}


@lru_cache(maxsize=16)  # a call reads all rows; callers must not change what is returned
def _csv_columns(versions: Versions, names: tuple[str, ...]) -> dict[str, str]:
    text = scan_text([path for path, *_ in versions])
    with connect() as connection:
        try:
            return narrowest(connection, text, list(names))
        except duckdb.Error as error:
            raise failed(text, error) from error


def _parquet_schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise WorkflowError(f"data file '{path.name}' cannot be read: {error}.") from error


def _misread(schema: pa.Schema) -> dict[str, str]:
    """Return the columns of a Parquet file that pandas and DuckDB read differently, and how."""
    durations = [field.name for field in schema if pa.types.is_duration(field.type)]
    misread = dict.fromkeys(durations, "a duration, which SQL reads as a whole number")
    for name in (schema.pandas_metadata or {}).get("index_columns", []):
        if isinstance(name, str):  # an index that only counts rows is not written as a column
            misread[name] = "the index of the pandas frame, which is no column when it is read"
    return misread
