"""Columns that the names of folders hold, such as year=2022, and columns that some files lack."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

from sql_features.errors import WorkflowError
from sql_features.expressions import literal, quote
from workflow.plain_values import QUOTED, one_line, quoted

KEY_AND_VALUE = re.compile(r"([^=]+)=(.*)")
NOTHING = "__HIVE_DEFAULT_PARTITION__"  # what Hive and Spark write for a missing value
WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
FEW = 0.5  # a file with a smaller share of the columns is none of the same table
SHOWN = 3  # names in a sentence

Values = dict[str, dict[Path, str | None]]  # by column and file


def is_partition(folder: str) -> bool:
    """Tell whether a folder's name is a column and its value."""
    return bool(KEY_AND_VALUE.fullmatch(folder))


def values_of(paths: list[Path], own: Iterable[str]) -> Values:
    """Return the columns that the folders of files tell apart, and each file's value.

    A column that the files have themselves is theirs.

    Args:
        paths: The files of one table.
        own: The names of their columns.
    """
    found = [
        {match[1]: _value(match[2]) for folder in path.parts[:-1] if (match := _match(folder))}
        for path in paths
    ]
    taken = {name.casefold() for name in own}
    shared = set(found[0]).intersection(*found) if found else set()
    columns = [name for name in found[0] if name in shared and name.casefold() not in taken]
    return {
        name: dict(zip(paths, values, strict=True))
        for name in columns
        if len(set(values := [one[name] for one in found])) > 1
    }


def types_of(values: Values) -> dict[str, str]:
    """Return the DuckDB type of each column: whole numbers without leading zeros, or texts."""
    return {
        name: "BIGINT"
        if all(WHOLE.fullmatch(one) for one in by_file.values() if one)
        else "VARCHAR"
        for name, by_file in values.items()
    }


def united(scans: Mapping[Path, str], values: Values, types: Mapping[str, str]) -> str:
    """Return the SQL of files as one table, with the columns of their folders.

    Args:
        scans: SQL of each file.
        values: What `values_of` has found.
        types: DuckDB type of each of these columns.
    """
    tables = []
    for path, scan in scans.items():
        more = "".join(
            f", CAST({'NULL' if by_file[path] is None else literal(str(by_file[path]))} "
            f"AS {types[name]}) AS {quote(name)}"
            for name, by_file in values.items()
        )
        tables.append(f"SELECT *{more} FROM {scan}")
    return f"({' UNION ALL BY NAME '.join(tables)})"


def absent_columns(
    columns: Mapping[Path, Iterable[str]], target: Collection[str] = ()
) -> dict[str, str]:
    """Return a sentence for each column that some files of a table lack.

    Args:
        columns: The names of the columns of each file.
        target: The columns that the target is computed from, of which each file must have one;
            none where it need not be there.

    Raises:
        WorkflowError: A file lacks these or most of the columns: it is of another table.
    """
    folded = {path: {name.strip().casefold() for name in names} for path, names in columns.items()}
    names = {name.strip().casefold(): name for some in columns.values() for name in some}
    goals = {name.strip().casefold() for name in target}
    having = [path for path, own in folded.items() if not goals or goals & own]
    if not having:
        return {}  # the target is no column, which is refused elsewhere
    whole = max(having, key=lambda path: len(folded[path]))
    for path, own in folded.items():
        lacks_target = path not in having
        if lacks_target or len(own) < FEW * len(names):
            lacks = [name for one, name in names.items() if one not in own]
            what = f"most columns ({_some(lacks)})"
            if lacks_target:
                what = f"the target '{_some(sorted(target))}'"
            raise WorkflowError(
                f"data file '{path.name}' lacks {what}, so it is no part of the table of "
                f"'{whole.name}': give that file alone (data=.../{whole.name}), or a pattern of "
                "the files that belong together."
            )
    sentences = {}
    for one, name in names.items():
        without = [path.name for path, own in folded.items() if one not in own]
        if without:
            sentences[name] = (
                f"column {quoted(name)} is in {len(folded) - len(without):,} of "
                f"{len(folded):,} files, not in {_some(without)}: its values are missing there; "
                "look whether all files are of one table."
            )
    return sentences


def _match(folder: str) -> re.Match[str] | None:
    return KEY_AND_VALUE.fullmatch(folder)


def _value(text: str) -> str | None:
    return None if text in ("", NOTHING) else unquote(text)


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > SHOWN else ""
    return ", ".join(one_line(name, QUOTED) for name in names[:SHOWN]) + more
