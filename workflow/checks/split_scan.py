"""What the checks know of a split, from one pass over its file.

Rows, missing values and classes are counted in all rows. All else is measured on two samples of
bounded size, so that a longer table takes no more memory:

- The sample for distributions is drawn by a hash of the row's number, since every n-th row might
  follow a rhythm of the data.
- The sample for copies is drawn by a hash of the row's values, so that rows that are alike are
  drawn together, from every split.

Neither depends on the number of threads. A split that is no larger than a sample is all in it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from sql_features.duckdb_types import FLOATS, kind_of
from sql_features.expressions import TARGET, feature_columns, quote
from workflow.data.parquet import column_types, row_number, scan_parquet
from workflow.data.splits import POSITION

SAMPLED = 50_000  # most rows for distributions: a share of one half is off by 0.2 % (one sigma)
CELLS = 2_000_000  # most values in them, 16 MB of numbers: with many columns there are fewer rows
HASHED = 250_000  # most rows for copies, 2 MB: where 1 % of the rows are alike, 2,500 are found
MOST_CLASSES = 10_000
LONG = 100  # characters by which texts are compared


@dataclass(kw_only=True)
class Split:
    """A split on disk, and what is known of it.

    Attributes:
        name: "train", "validation" or "test".
        types: DuckDB type by raw column, and of the target.
        features: The raw columns that features read, spelled as in the file.
        rows: How many there are.
        missing: Rows without a value, by column that features read.
        ends: Least and greatest target of a regression.
        classes: Rows by class, the most frequent first; empty of a regression, and if there are
            more than `MOST_CLASSES` of them.
        hashes: (n,) hashes of the rows in the sample for copies.
        sample: The SQL of the sample for distributions, in no order. A text of more than `LONG`
            characters is cut there and its hash follows. Of a value that is no number, text or
            time there is only the hash.
    """

    name: str
    types: dict[str, str]
    features: list[str]
    rows: int
    missing: dict[str, int]
    ends: tuple[float, float]
    classes: dict[str, int]
    hashes: np.ndarray
    sample: str


def scan_splits(
    connection: duckdb.DuckDBPyConnection,
    splits: Mapping[str, Path],
    task: str,
    features: dict[str, str],
) -> tuple[list[Split], int]:
    """Read each split once.

    Args:
        connection: To a database that nothing else uses; it keeps the samples.
        splits: Parquet file by split, with the same columns in each.
        task: "regression", or one whose target is a class.
        features: SQL expression by feature name.

    Returns:
        The splits; and of how many rows one is in the sample for copies, 1 if all are.
    """
    scans = {name: scan_parquet([path]) for name, path in splits.items()}
    # DuckDB reads it from the file's footer.
    count = "SELECT count(*) FROM"
    rows = {name: _one(connection, f"{count} {scan}")[0] for name, scan in scans.items()}
    step = _step(max(rows.values()), HASHED)
    wanted = {column.casefold() for column in feature_columns(features)}
    return [
        _scan_split(connection, name, scan, rows[name], step, task, wanted)
        for name, scan in scans.items()
    ], step


def _scan_split(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    scan: str,
    rows: int,
    step: int,
    task: str,
    wanted: set[str],
) -> Split:
    types = column_types(connection, scan)
    types.pop(POSITION, None)
    # It needs a buffer for each column of each thread; without a limit DuckDB takes most of the
    # machine's memory.
    connection.execute(f"SET memory_limit = '{max(200, 20 * len(types))}MB'").fetchall()
    used = [column for column in types if column.casefold() in wanted]
    inner = [
        *(f"{quote(column)} AS v{n}" for n, column in enumerate(used)),
        f"hash({', '.join(map(quote, types))}) AS alike",
        f"{TARGET} AS goal",
    ]
    counts = ", ".join(
        f"count(CASE WHEN isfinite(v{n}) THEN 1 END)" if types[column] in FLOATS else f"count(v{n})"
        for n, column in enumerate(used)
    )
    about = "[min(goal), max(goal)]" if task == "regression" else "approx_count_distinct(goal)"
    one_of, number = _step(rows, SAMPLED, len(types)), row_number(types)
    scanned, sample = quote(f"{name} scanned"), quote(f"{name} sample")
    connection.execute(
        f"CREATE TEMP TABLE {scanned} AS SELECT "
        f"[{counts}] AS counts, {about} AS about, "
        f"list(alike) FILTER (WHERE alike % {step} = 0) AS hashes "
        f"FROM (SELECT {', '.join(inner)} FROM {scan})"
    ).fetchall()
    # To gather the sample in the same pass, as records, takes ten times as long where a table is
    # wide, and saves hardly anything where it is long.
    kept = ", ".join(f"{_kept(column, type)} AS {quote(column)}" for column, type in types.items())
    connection.execute(
        f"CREATE TEMP TABLE {sample} AS SELECT {kept} FROM {scan} "
        f"{'QUALIFY' if 'OVER' in number else 'WHERE'} hash({number}) % {one_of} = 0"
    ).fetchall()
    known, about_target = _one(connection, f"SELECT counts, about FROM {scanned}")
    regression = task == "regression"
    counted = not regression and about_target <= MOST_CLASSES
    hashes = connection.execute(f"SELECT unnest(hashes) AS hash FROM {scanned}").fetchnumpy()
    return Split(
        name=name,
        types=types,
        features=used,
        rows=rows,
        missing={column: rows - count for column, count in zip(used, known, strict=True)},
        ends=tuple(about_target) if regression else (math.nan, math.nan),
        classes=_classes(connection, scan) if counted else {},
        hashes=np.ma.getdata(hashes["hash"]),
        sample=sample,
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...]
    (row,) = connection.execute(query).fetchall()
    return row


def _step(rows: int, wanted: int, columns: int = 1) -> int:
    """Return the n for which one of n rows is drawn, so that there are no more than are wanted."""
    return max(math.ceil(rows / max(min(wanted, CELLS // columns), 1)), 1)


def _kept(column: str, type: str) -> str:
    """Return the SQL of a value in the sample: of bounded size, different if the value is."""
    name = quote(column)
    if type == "VARCHAR":
        cut = f"left({name}, {LONG}) || hash({name})"
        return f"CASE WHEN length({name}) > {LONG} THEN {cut} ELSE {name} END"
    return f"hash({name})" if kind_of(type) in ("duration", "nested", "other") else name


def _classes(connection: duckdb.DuckDBPyConnection, scan: str) -> dict[str, int]:
    query = f"SELECT CAST({TARGET} AS VARCHAR), count(*) FROM {scan} GROUP BY 1 ORDER BY 2 DESC, 1"
    return dict(connection.execute(query).fetchall())
