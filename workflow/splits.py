"""Clean, split Parquet: the raw columns that a dataset's SQL names, and the target.

The files are written and read by DuckDB, row by row in the order of the raw files, without ever
holding a split in memory.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from workflow.binding import is_number, kinds, type_of
from workflow.dataset import SPLITS, Dataset
from workflow.errors import WorkflowError, unknown
from workflow.sql import TARGET, cast, connect, literal, quote

READERS = {
    ".parquet": "read_parquet({})",
    ".csv": "read_csv({})",
    ".csv.gz": "read_csv({})",
    ".jsonl": "read_json({}, format = 'newline_delimited')",
    ".ndjson": "read_json({}, format = 'newline_delimited')",
}


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """What became of one raw file.

    Attributes:
        rows_read: Rows in the raw file.
        rows: Rows in the split.
        dropped: Rows dropped, by reason.
    """

    rows_read: int
    rows: int
    dropped: dict[str, int]


def write_splits(dataset: Dataset, files: dict[str, Path], folder: Path) -> dict[str, SplitReport]:
    """Write train.parquet, validation.parquet and test.parquet.

    Everything that can be wrong with the files is looked for before the first row is written.

    Args:
        dataset: The definition; its `where` decides which rows count.
        files: Raw file by split.
        folder: An existing folder for the splits.

    Returns:
        A report by split.

    Raises:
        WorkflowError: A file cannot be read, lacks a column, does not fit the SQL, or has no row
            that counts.
    """
    connection = connect()
    scans = {split: scan(path) for split, path in files.items()}
    columns = {
        split: _needed(dataset, split, files[split], _columns(connection, scans[split]))
        for split in SPLITS
    }
    types = columns["train"]
    # Without a limit DuckDB buffers row groups to keep their order, the more the longer the file.
    connection.execute(f"SET memory_limit = '{max(200, 20 * len(types))}MB'").fetchall()
    _check(dataset, types)
    reports = {}
    for split in SPLITS:
        # The types of train hold in every split, whatever a month's file says.
        raw = ", ".join(_as_in_train(name, types, columns[split]) for name in types)
        rows = f"SELECT *, {_target(dataset)} FROM (SELECT {raw} FROM {scans[split]})"
        try:
            reports[split] = _write(connection, dataset, rows, folder / f"{split}.parquet")
        except duckdb.Error as error:
            reason = " ".join(str(error).partition("\n\n")[0].split())
            raise WorkflowError(f"{split} split, {files[split].name}: {reason}") from error
        if not reports[split].rows:
            raise WorkflowError(
                f"the {split} split is empty: of {reports[split].rows_read:,} rows in "
                f"{files[split].name} none is left ({_sentence(reports[split])}). "
                "Change `where`, `target` or the data."
            )
    connection.close()
    return reports


def read_split(path: Path, columns: list[str]) -> tuple[pd.DataFrame, pd.Series]:
    """Return a split's raw columns and its target.

    Args:
        path: The split's Parquet file.
        columns: The raw columns wanted, as SQL spells them.
    """
    wanted = ", ".join(quote(name) for name in [*columns, TARGET])
    with connect() as connection:
        frame = connection.execute(f"SELECT {wanted} FROM {scan(path)}").df()
    return frame.drop(columns=TARGET), frame[TARGET]


def split_columns(path: Path) -> dict[str, str]:
    """Return the DuckDB type of each raw column of a split."""
    with connect() as connection:
        columns = _columns(connection, scan(path))
    return {name: type for name, type in columns.items() if name != TARGET}


def scan(path: Path) -> str:
    """Return the SQL that reads a raw file.

    Raises:
        WorkflowError: A kind of file that is not read.
    """
    for suffix, reader in READERS.items():
        if path.name.casefold().endswith(suffix):
            # To DuckDB a path is a pattern.
            plain = re.sub(r"([*?\[])", r"[\1]", str(path))
            return reader.format(literal(plain))
    raise WorkflowError(f"data file '{path.name}': give one of {', '.join(READERS)}.")


def digest(path: Path) -> str:
    """Return the first 32 hexadecimal digits of a file's SHA-256; MLflow takes up to 36."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _columns(connection: duckdb.DuckDBPyConnection, scan: str) -> dict[str, str]:
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    except duckdb.Error as error:
        raise WorkflowError(f"data: {scan} failed: {str(error).splitlines()[0]}") from error
    return {name: type for name, type, *_ in described}


def _needed(dataset: Dataset, split: str, path: Path, columns: dict[str, str]) -> dict[str, str]:
    """Return the columns the dataset names, spelled and typed as the file has them."""
    # SQL's names are not sensitive to case.
    there = {name.casefold() for name in columns}
    for name in sorted(dataset.raw_columns):
        if name.casefold() not in there:
            raise unknown(f"column in the {split} file {path.name}:", name, columns)
    asked = {name.casefold() for name in dataset.raw_columns}
    return {name: type for name, type in columns.items() if name.casefold() in asked}


def _as_in_train(name: str, types: dict[str, str], found: dict[str, str]) -> str:
    """Return the SQL of a column with the type that it has in train."""
    spelled = {one.casefold(): type for one, type in found.items()}
    if spelled[name.casefold()] == types[name]:
        return f"{quote(name)} AS {quote(name)}"  # in train's spelling
    return cast(name, types[name])


def _check(dataset: Dataset, types: dict[str, str]) -> None:
    """Bind every expression before a row is read."""
    if any(name.casefold() == TARGET for name in types):
        raise WorkflowError(
            f"a raw column named '{TARGET}' is used by the dataset's SQL, where that name means "
            "the target: rename the column."
        )
    target = type_of(dataset.target, types, "target")
    if not is_number(target):
        raise WorkflowError(f"target is of type {target}; a regression needs a number.")
    where = type_of(dataset.where, types | {TARGET: "DOUBLE"}, "where")
    if where != "BOOLEAN":
        raise WorkflowError(f"where is of type {where}; it must be true or false.")
    kinds(dataset.features, types)


def _target(dataset: Dataset) -> str:
    return f"CAST((\n{dataset.target}\n) AS DOUBLE) AS {TARGET}"


def _write(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, rows: str, path: Path
) -> SplitReport:
    """Write one split, and count what is left out of it."""
    known = f"({TARGET} IS NOT NULL AND isfinite({TARGET}))"
    counts = f"{known} AND (\n{dataset.where}\n)"
    connection.execute(
        f"COPY (SELECT * FROM ({rows}) WHERE {counts}) TO {literal(str(path))} (FORMAT parquet)"
    ).fetchall()
    ((read, with_target, kept),) = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {known}), count(*) FILTER (WHERE {counts}) "
        f"FROM ({rows})"
    ).fetchall()
    dropped = {
        "target missing": read - with_target,
        f"not where {dataset.where}": with_target - kept,
    }
    return SplitReport(rows_read=read, rows=kept, dropped=dropped)


def _sentence(report: SplitReport) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in report.dropped.items())
