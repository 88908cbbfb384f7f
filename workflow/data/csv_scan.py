"""The SQL that reads one CSV file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sql_features.expressions import literal, quote
from workflow.data.csv_format import Dialect, dialect
from workflow.data.csv_header import ALIGNED
from workflow.data.parquet import columns_literal, path_literal


def scan_csv(path: Path, types: Mapping[str, str], missing: Sequence[str]) -> str:
    """Return the SQL that reads a CSV file.

    Args:
        path: The file.
        types: DuckDB type by column, in lower case.
        missing: Texts that mean missing in every column; an empty one always does.

    Raises:
        WorkflowError: It cannot be read.
    """
    file = dialect(path)
    known = {name: types[name.casefold()] for name in file.names}
    nothing = ", ".join(map(literal, {"": None, **dict.fromkeys(missing)}))
    if file.delimiter == ALIGNED:
        return _scan_aligned(path, file, known, nothing)
    # The filter is always true. It keeps DuckDB from moving a TRY_CAST of an outer query into the
    # reader, where a text that cannot be cast fails instead of becoming NULL
    # (duckdb/duckdb#23818).
    return (
        f"(SELECT * FROM read_csv({path_literal(path)}, "
        f"auto_detect = false, hive_partitioning = false, columns = {columns_literal(known)}, "
        f"encoding = '{file.encoding}', "
        f"delim = {literal(file.delimiter)}, quote = '\"', escape = {literal(file.escape)}, "
        f"comment = '', header = true, skip = {file.skip}, new_line = '{file.newline}', "
        f"nullstr = [{nothing}]) "
        "WHERE random() >= 0)"
    )


def _scan_aligned(path: Path, file: Dialect, types: Mapping[str, str], nothing: str) -> str:
    """Return the SQL that reads a table whose columns are set apart by any number of blanks."""
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
