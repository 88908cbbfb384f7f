"""Raw files, read as one table by DuckDB: Parquet, CSV and JSON lines.

Names and missing values are read as pandas reads them, because a served model is given the frame
that `pandas.read_csv` or `pandas.read_parquet` makes of such a file.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sql_features.duckdb_types import kind_of
from sql_features.errors import WorkflowError
from sql_features.expressions import connect, literal, quote
from sql_features.text_reading import of_other, of_text
from workflow.data import partitions
from workflow.data.column_reading import Reading, type_of
from workflow.data.csv_format import dialect, narrowest, version
from workflow.data.csv_header import BLANKS, is_value
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
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
MISSING = (  # what pandas.read_csv takes for a missing value
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
Given = TypeVar("Given")
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
    given = given or {}
    for type in map(type_of, given.values()):
        if not TYPE.fullmatch(type):
            raise unknown("type", type, ["DOUBLE", "BIGINT", "VARCHAR", "or another of DuckDB's"])
    missing = missing_texts(paths, missing)
    match kind(paths):
        case "parquet":
            table = _read_parquet(_versions(paths))
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
            tables = {path: _read_csv(path, folded, missing or ()) for path in paths}
            return _replaced(partitions.united(tables, folders, found), found, read, ())
        case "json":
            found = _json_columns(_versions(paths)) | partitions.types_of(_folders(paths))
            read, plain = _apart(_spelled(given, found))
            types = found | plain | dict.fromkeys(read, "JSON")
            folders = _folders(paths)
            if not folders:
                return _replaced(_read_json(paths, types), types, read, missing or ())
            types |= {name: "VARCHAR" for name in folders if name in read}
            inside = {name: type for name, type in types.items() if name not in folders}
            table = partitions.united({p: _read_json([p], inside) for p in paths}, folders, types)
            return _replaced(table, types, read, missing or ())


def scan_text(paths: list[Path], missing: Sequence[str] | None = None) -> str:
    """Return the SQL that reads CSV or JSON lines with every column that is not nested as text."""
    if kind(paths) == "csv":
        return scan(paths, dict.fromkeys(_csv_names(paths), "VARCHAR"), missing)
    found = _json_columns(_versions(paths)) | partitions.types_of(_folders(paths))
    plain = [name for name, type in found.items() if kind_of(type) != "nested"]
    return scan(paths, dict.fromkeys(plain, "VARCHAR"), missing)


def typed_columns(paths: list[Path]) -> frozenset[str]:
    """Return the columns of JSON lines whose values are no texts; in a CSV file all are."""
    if kind(paths) != "json":
        return frozenset()
    found = _json_columns(_versions(paths))
    return frozenset(name for name, type in found.items() if type != "VARCHAR")


def missing_texts(paths: Iterable[Path], given: Sequence[str] | None) -> list[str] | None:
    """Return the texts that mean missing in every column of files, or None where there are none.

    They are those that are given; else those of pandas where there is a CSV file.
    """
    if given is None and any(_kind(path) == "csv" for path in paths):
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


def absent_columns(paths: list[Path], target: str) -> dict[str, str]:
    """Return a sentence for each column that some files lack; keys of records may be left out.

    Raises:
        WorkflowError: A file is of another table.
    """
    if len(paths) < 2 or kind(paths) == "json":
        return {}
    return partitions.absent_columns({path: _own_names(path) for path in paths}, target)


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
        header = dialect(path).header if _kind(path) == "csv" else ()
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
    said = one_line(re.split(hints, str(error), flags=re.IGNORECASE)[0])
    if "quote" in said and "CSV Error" in said:
        said += ' A quote inside a quoted value must be doubled: "the ""old"" town".'
    return said


def _kind(path: Path) -> FileKind:
    for one, suffixes in SUFFIXES.items():
        if path.name.casefold().endswith(suffixes):
            return one
    if path.suffix.casefold() in WORKBOOKS:
        raise WorkflowError(
            f"data file '{path.name}' is a workbook, which is not read: save its sheet as CSV, or "
            f"convert it by pandas.read_excel('{path.name}').to_parquet('{path.stem}.parquet')."
        )
    raise WorkflowError(f"data file '{path.name}': give one of {', '.join(READ)}.")


def _mapping(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{quote(n)}: {literal(t)}" for n, t in types.items()) + "}"


def _spelled(given: Mapping[str, Given], names: Iterable[str]) -> dict[str, Given]:
    """Return what is given by the files' own names: to SQL, case makes no difference."""
    own = {name.casefold(): name for name in names}
    for name in given:
        if name.casefold() not in own:
            raise unknown("column", name, own.values())
    return {own[name.casefold()]: one for name, one in given.items()}


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
            values[name] = _of_json(column, name, reading, missing)
        elif kind_of(type) == "text" and (missing or isinstance(one, Reading)):
            values[name] = of_text(f"CAST({column} AS VARCHAR)", name, reading, missing)
        elif name in given:
            values[name] = of_other(column, name, reading)
    if not values:
        return table
    casts = ", ".join(f"{value} AS {quote(name)}" for name, value in values.items())
    return f"(SELECT * REPLACE ({casts}) FROM {table})"


def _of_json(column: str, name: str, reading: Mapping[str, Any], missing: Sequence[str]) -> str:
    """Return the SQL of a value in JSON: a number is that number, whatever its text would mean."""
    value = of_text(f"({column} ->> '$')", name, reading, missing)
    if kind_of(reading["type"]) not in ("number", "text"):
        return value
    number = of_other(f"CAST({column} ->> '$' AS DOUBLE)", name, reading)
    return (
        f"CASE WHEN json_type({column}) IN ('BIGINT', 'UBIGINT', 'DOUBLE') "
        f"THEN {number} ELSE {value} END"
    )


@lru_cache(maxsize=16)  # a call may read all rows
def _read_parquet(versions: Versions) -> str:
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
        return partitions.values_of(paths, _json_columns(_versions(paths)))
    return partitions.values_of(paths, [name for path in paths for name in _own_names(path)])


def _own_names(path: Path) -> Sequence[str]:
    """Return the columns of a CSV or Parquet file itself."""
    return dialect(path).names if _kind(path) == "csv" else _parquet_schema(path).names


def _csv_names(paths: list[Path]) -> list[str]:
    return [name for path in paths for name in dialect(path).names] + list(_folders(paths))


def _read_csv(path: Path, types: dict[str, str], missing: Sequence[str]) -> str:
    file = dialect(path)
    known = {name: types[name.casefold()] for name in file.names}
    nothing = ", ".join(map(literal, {"": None, **dict.fromkeys(missing)}))
    if file.delimiter == BLANKS:
        return _read_aligned(path, known, nothing)
    # The filter is always true. It keeps DuckDB from moving a TRY_CAST of an outer query into the
    # reader, where a text that cannot be cast fails instead of becoming NULL
    # (duckdb/duckdb#23818).
    return (
        f"(SELECT * FROM read_csv({path_literal(path)}, "
        f"auto_detect = false, hive_partitioning = false, columns = {_mapping(known)}, "
        f"encoding = '{file.encoding}', "
        f"delim = {literal(file.delimiter)}, quote = '\"', escape = {literal(file.escape)}, "
        f"comment = '', header = true, skip = {file.skip}, new_line = '{file.newline}', "
        f"nullstr = [{nothing}]) "
        "WHERE random() >= 0)"
    )


def _read_aligned(path: Path, types: Mapping[str, str], nothing: str) -> str:
    """Return the SQL that reads a table whose columns are set apart by any number of blanks."""
    file = dialect(path)
    # To DuckDB each line is one value: no text file has the character that stands for a delimiter.
    lines = (
        f"SELECT regexp_split_to_array(trim(line, ' \t'), '[ \t]+') AS parts FROM read_csv("
        f"{path_literal(path)}, auto_detect = false, hive_partitioning = false, "
        "columns = {'line': 'VARCHAR'}, "
        f"encoding = '{file.encoding}', delim = '\x1f', quote = '', escape = '', comment = '', "
        f"header = true, skip = {file.skip}, new_line = '{file.newline}') "
        "WHERE trim(line, ' \t') <> ''"
    )
    known = ", ".join(
        f"CAST(CASE WHEN parts[{n}] NOT IN ({nothing}) THEN parts[{n}] END AS {type}) "
        f"AS {quote(name)}"
        for n, (name, type) in enumerate(types.items(), start=1)
    )
    wrong = literal(f"a line has not {len(types)} values, set apart by blanks: ")
    checked = (
        f"SELECT CASE WHEN len(parts) = {len(types)} THEN parts "
        f"ELSE error({wrong} || array_to_string(parts, ' ')) END AS parts FROM ({lines})"
    )
    return f"(SELECT {known} FROM ({checked}) WHERE random() >= 0)"


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
        scan = _read_json([path for path, *_ in versions])
        found = columns(connection, scan)
        if any(kind_of(type) == "nested" for type in found.values()):
            _refuse_one_record(connection, scan, [path for path, *_ in versions], found)
    return {name: "VARCHAR" if type == '"NULL"' else type for name, type in found.items()}


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
