"""Clean, split Parquet: the raw columns that a dataset's SQL names, and the target.

DuckDB writes the rows in the order of the raw files, or of time, without holding a split in memory.
"""

from dataclasses import replace
from pathlib import Path

import duckdb

from sql_features.duckdb_types import is_numeric, kind_of
from sql_features.errors import WorkflowError
from sql_features.expressions import (
    TARGET,
    connect,
    feature_columns,
    kinds,
    literal,
    quote,
    type_of,
)
from workflow.data import readers, split_key
from workflow.data.clean_rows import (
    ORDER,
    RawRows,
    SplitReport,
    conditions,
    in_one_line,
    position_of,
    target_type,
    widens,
    with_target,
    write,
)
from workflow.data.dataset import Dataset
from workflow.data.parquet import row_number, scan_parquet
from workflow.data.split_rules import SPLITS, ByFiles, ByHash, ByTime
from workflow.data.splits import POSITION, WHOLE
from workflow.errors import unknown

# Types that Parquet does not have, for which DuckDB writes doubles, with one that holds the digits.
EXACT = {"HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)"}


def read_raw(dataset: Dataset, files: dict[str, list[Path]]) -> dict[str, RawRows]:
    """Check the files and the dataset's SQL against each other, before a row is written.

    Args:
        dataset: The definition.
        files: Raw files by split, or by `WHOLE` where a rule splits one table.

    Raises:
        WorkflowError: A file cannot be read, lacks a column, or does not fit the SQL.
    """
    found = {}
    spelling: dict[str, str] = {}
    with connect() as connection:
        for part, paths in files.items():
            name = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
            scan = readers.scan(paths, dataset.columns, dataset.missing)
            needed = _needed(dataset, part, name, readers.columns(connection, scan))
            columns = {spelling.setdefault(n.casefold(), n): type for n, type in needed.items()}
            found[part] = RawRows(name=name, scan=scan, columns=columns)
    _check(dataset, next(iter(found.values())).columns)
    return found


def with_key(dataset: Dataset, raw: dict[str, RawRows]) -> Dataset:
    """Return the definition with the key of its split by hash, where its file leaves that open.

    Args:
        dataset: The definition.
        raw: What `read_raw` has found.

    Raises:
        WorkflowError: The rows cannot be read.
    """
    if not isinstance(dataset.split, ByHash):
        return dataset
    table = raw[WHOLE]
    with in_one_line(table.name):
        rule = split_key.decided(dataset.split, dataset.features, table.scan, table.columns)
    return replace(dataset, split=rule)


def write_splits(dataset: Dataset, raw: dict[str, RawRows], folder: Path) -> dict[str, SplitReport]:
    """Write train.parquet, validation.parquet and test.parquet.

    Args:
        dataset: The definition; its `where` decides which rows count.
        raw: What `read_raw` has found.
        folder: An existing folder for the splits; temporary files go to its parent.

    Returns:
        A report by split.

    Raises:
        WorkflowError: The SQL fails on a row, or a split has no row that counts.
    """
    dataset = with_key(dataset, raw)
    types = next(iter(raw.values())).columns
    reports = {}
    with connect() as connection:
        connection.execute(
            f"SET temp_directory = {literal(str(folder.parent / 'spill'))}"
        ).fetchall()
        # Without a limit DuckDB buffers the more row groups, to keep their order, the longer the
        # file is. Sorting by time, or by what rows have in common, needs more memory.
        rule = dataset.split
        sorts = isinstance(rule, ByTime) or (isinstance(rule, ByHash) and rule.repeats)
        limit = 2_000 if sorts else max(200, 20 * len(types))
        connection.execute(f"SET memory_limit = '{limit}MB'").fetchall()
        if isinstance(dataset.split, ByFiles):
            rows = {split: with_target(dataset, one, types) for split, one in raw.items()}
        else:
            rows = _by_rule(connection, dataset, raw[WHOLE], folder.parent)
        for split in SPLITS:
            name = raw[split if split in raw else WHOLE].name
            path = folder / f"{split}.parquet"
            # Pushed down, the filter computes the target again at each mention. But where a cast
            # can fail the filter has to come first, so that it fails only in rows that count.
            cast_is_safe = split in raw and all(
                widens(raw[split].columns[column], type) for column, type in types.items()
            )
            disabled = "filter_pushdown" if cast_is_safe else ""
            connection.execute(f"SET disabled_optimizers = '{disabled}'").fetchall()
            with in_one_line(f"{split} split, {name}"):
                reports[split] = write(connection, dataset, rows[split], path)
            _refuse_empty(split, name, reports[split])
    return reports


def _refuse_empty(split: str, name: str, report: SplitReport) -> None:
    if report.rows:
        return
    if not report.rows_read:
        raise WorkflowError(
            f"the {split} split is empty: no row of {name} falls into it. There are too few rows, "
            "or too many that are alike: give more, or another `split`."
        )
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in report.dropped.items())
    raise WorkflowError(
        f"the {split} split is empty: of {report.rows_read:,} rows in {name} none is left "
        f"({dropped}). Change `where`, `target`, `split` or the data."
    )


def _needed(dataset: Dataset, part: str, file: str, columns: dict[str, str]) -> dict[str, str]:
    """Return the type of each column that the dataset names, under the name in the file."""
    # To SQL, names that differ only in case are the same.
    there = {name.casefold() for name in columns}
    where = "" if part == WHOLE else f"the {part} file "
    for name in sorted(dataset.raw_columns):
        if name.casefold() not in there:
            raise unknown(f"column in {where}{file}:", name, columns)
    named = {name.casefold() for name in dataset.raw_columns}
    return {
        name: EXACT.get(type, type) for name, type in columns.items() if name.casefold() in named
    }


def _check(dataset: Dataset, types: dict[str, str]) -> None:
    """Bind every expression before a row is read."""
    is_target = dataset.target.strip('" ').casefold() == TARGET
    for name in types:
        own = (POSITION, ORDER)
        if name.casefold() in own or (name.casefold() == TARGET and not is_target):
            raise WorkflowError(
                f"a raw column named '{name}' is used by the dataset's SQL, where that name means "
                f"{'the target' if name.casefold() == TARGET else 'the split'}: rename the column."
            )
    if is_target and TARGET in {name.casefold() for name in feature_columns(dataset.features)}:
        raise WorkflowError("a feature uses the target: take it out of `features`.")
    target = type_of(dataset.target, types, "target")
    if dataset.task == "regression" and not is_numeric(target):
        raise WorkflowError(f"target is of type {target}; a regression needs a number.")
    if not is_numeric(target) and target != "VARCHAR":
        raise WorkflowError(
            f"target is of type {target}; a class is a text, a number or a boolean: make one of "
            "it, for example CAST(x AS VARCHAR)."
        )
    where = type_of(dataset.where, types | {TARGET: target_type(dataset, target)}, "where")
    if where != "BOOLEAN":
        raise WorkflowError(f"where is of type {where}; it must be true or false.")
    kinds(dataset.features, types)
    if isinstance(dataset.split, ByTime):
        time = type_of(dataset.split.column, types, "split.column")
        if kind_of(time) not in ("number", "boolean", "date"):
            raise WorkflowError(
                f"split.column is of type {time}; rows are split by a time or a number: parse a "
                "text, for example strptime(x, '%d.%m.%Y')."
            )


def _by_rule(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, raw: RawRows, folder: Path
) -> dict[str, str]:
    """Copy the table with the position that decides each row's split; return each split's SQL.

    Args:
        folder: Where the copies are written.
    """
    rule, position, order = dataset.split, quote(POSITION), quote(ORDER)
    staged = scan_parquet([folder / "table.parquet"])
    rows = f"(FROM {staged})"
    # Threads bring rows of one moment, or alike in the key, in any order: their number decides.
    numbered = f"(SELECT *, {row_number(raw.columns)} AS {order} FROM {staged})"
    if isinstance(rule, ByTime):
        in_order = f"ORDER BY {position}, {order}"
        rows = numbered
        parts = {
            # Rows without a time are counted here, and dropped by `conditions`.
            "train": f"coalesce({position} <= (SELECT first FROM cuts), true) {in_order}",
            "validation": f"{position} > (SELECT first FROM cuts) "
            f"AND {position} <= (SELECT second FROM cuts) {in_order}",
            "test": f"{position} > (SELECT second FROM cuts) {in_order}",
        }
    else:
        assert isinstance(rule, ByHash)
        # The test rows come first, so that they stay the same when validation's share is changed.
        first, second = rule.test, rule.test + rule.validation
        parts = {
            "train": f"{position} >= {second}",
            "validation": f"{position} >= {first} AND {position} < {second}",
            "test": f"{position} < {first}",
        }
    value = position_of(rule, raw.columns)
    table = with_target(dataset, raw, raw.columns, f"{value} AS {position}")
    with in_one_line(raw.name):
        _copy(connection, table, folder / "table.parquet")
        if isinstance(rule, ByTime):  # quantiles are values: rows of one moment stay together
            connection.execute(
                f"CREATE TEMP TABLE cuts AS SELECT "
                f"quantile_disc({position}, {1 - rule.validation - rule.test}) AS first, "
                f"quantile_disc({position}, {1 - rule.test}) AS second "
                f"FROM {rows} WHERE {' AND '.join(conditions(dataset).values())}"
            ).fetchall()
        elif rule.repeats:
            counted = f"row_number() OVER (PARTITION BY {position} ORDER BY {order})"
            own = split_key.hash_of_occurrence(position, counted)
            each = f"SELECT * REPLACE ({own} AS {position}) FROM {numbered}"
            path = folder / "repeats.parquet"
            _copy(connection, f"SELECT * EXCLUDE ({order}) FROM ({each}) ORDER BY {order}", path)
            rows = f"(FROM {scan_parquet([path])})"
    return {split: f"SELECT * FROM {rows} WHERE {part}" for split, part in parts.items()}


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    connection.execute(f"COPY ({rows}) TO {literal(str(path))}").fetchall()
