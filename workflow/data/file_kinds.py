"""The kinds of raw files that are read, told by their suffixes."""

from pathlib import Path
from typing import Literal

from sql_features.errors import WorkflowError

FileKind = Literal["parquet", "csv", "json"]
SUFFIXES: dict[FileKind, tuple[str, ...]] = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    "json": (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"),
}
READ = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def kind(paths: list[Path]) -> FileKind:
    """Return the kind of the files.

    Raises:
        WorkflowError: No file, a kind that is not read, or files of several kinds.
    """
    if not paths:
        raise WorkflowError("data: no file is given.")
    found = {kind_of_file(path): path for path in paths}
    if len(found) > 1:
        one, other, *_ = (path.name for path in found.values())
        raise WorkflowError(f"data files '{one}' and '{other}' are of two kinds: give one kind.")
    return next(iter(found))


def is_csv(path: Path) -> bool:
    """Tell whether a file is a CSV file, by its name."""
    return path.name.casefold().endswith(SUFFIXES["csv"])


def kind_of_file(path: Path) -> FileKind:
    """Return the kind of one file.

    Raises:
        WorkflowError: A kind that is not read.
    """
    for one, suffixes in SUFFIXES.items():
        if path.name.casefold().endswith(suffixes):
            return one
    if path.suffix.casefold() in WORKBOOKS:
        raise WorkflowError(
            f"data file '{path.name}' is a workbook, which is not read: save its sheet as CSV, or "
            f"convert it by pandas.read_excel('{path.name}').to_parquet('{path.stem}.parquet')."
        )
    raise WorkflowError(f"data file '{path.name}': give one of {', '.join(READ)}.")
