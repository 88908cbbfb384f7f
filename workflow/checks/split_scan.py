"""What the checks know of a split, from one pass over its file.

What is counted is exact. What needs rows is measured on samples of bounded size, so that it takes
no more memory of a longer table:

- Rows for distributions are drawn by a hash of the row's number: unlike every n-th row they have no
  rhythm in common with the data.
- Rows for copies are drawn by a hash of all that is in them: rows that are alike are drawn
  together, from every split.

Neither depends on the number of threads, and a split that is no larger than a sample is all in it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from sql_features.duckdb_types import kind_of
from sql_features.expressions import TARGET, columns_of, quote
from workflow.checks.finding import value_of
from workflow.data.parquet import column_types, scan_parquet
from workflow.data.splits import POSITION

SAMPLED = 50_000  # rows for distributions: a share of one half is off by 0.2 % (one sigma), ...
CELLS = 2_000_000  # ... if they are no more values than this, 16 MB of numbers
HASHED = 250_000  # rows for copies, 2 MB: with 1 % alike they are 2,500
MOST_CLASSES = 10_000
LONG = 100  # characters of a text by which it is compared


@dataclass(kw_only=True)
class Split:
    """A split on disk, and what is known of it.

    Attributes:
        name: "train", "validation" or "test".
        types: DuckDB type by raw column, and of the target.
        features: The raw columns that features read, spelled as in the file.
        rows: How many there are.
        missing: Rows without a value, by column that features read.
        target: Least and greatest target, or rows by class, the most frequent first; None if there
            are more than `MOST_CLASSES` of them.
        hashes: (n,) hashes of the rows that are drawn for copies.
        sample: The SQL of the rows that are drawn for distributions, in no order. A text is cut
            after `LONG` characters, then its hash follows; what is no number, text or time is its
            hash.
    """

    name: str
    types: dict[str, str]
    features: list[str]
    rows: int
    missing: dict[str, int]
    target: tuple[float, float] | dict[str, int] | None
    hashes: np.ndarray
    sample: str


def look_at(
    connection: duckdb.DuckDBPyConnection,
    splits: Mapping[str, Path],
    task: str,
    features: Mapping[str, str],
) -> tuple[list[Split], int]:
    """Read each split once.

    Args:
        connection: A database of its own; the samples lie there.
        splits: Parquet file by split, with the same columns in each.
        task: "regression", or one whose target is a class.
        features: SQL expression by feature name.

    Returns:
        The splits, and of how many rows one is drawn for copies: 1 if all are.
    """
    scans = {name: scan_parquet([path]) for name, path in splits.items()}
    # The file's footer knows it.
    rows = {name: _one(connection, f"SELECT count(*) FROM {scan}") for name, scan in scans.items()}
    step = _step(max(count for (count,) in rows.values()), HASHED)
    read = (columns_of(sql, f"feature '{feature}'") for feature, sql in features.items())
    wanted = {column.casefold() for column in frozenset().union(*read)}
    return [
        _look_at(connection, name, scan, rows[name][0], step, task, wanted)
        for name, scan in scans.items()
    ], step


def _look_at(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    scan: str,
    rows: int,
    step: int,
    task: str,
    wanted: set[str],
) -> Split:
    types = {
        column: type
        for column, type in column_types(connection, scan).items()
        if column != POSITION
    }
    # Like a buffer for each column of each thread; DuckDB would take what the machine has.
    connection.execute(f"SET memory_limit = '{max(200, 20 * len(types))}MB'").fetchall()
    used = [column for column in types if column.casefold() in wanted]
    # A window is one thread's work, but a column may have the name of the file's own number.
    counted = "file_row_number" in map(str.casefold, types)
    number = "row_number() OVER ()" if counted else "file_row_number + 1"
    inner = [
        *(f"{value_of(column, types[column])} AS v{n}" for n, column in enumerate(used)),
        *(f"{_kept(column, type)} AS c{n}" for n, (column, type) in enumerate(types.items())),
        f"hash({', '.join(map(quote, types))}) AS alike",
        f"hash({number}) AS place",
        f"{TARGET} AS goal",
    ]
    about = "[min(goal), max(goal)]" if task == "regression" else "approx_count_distinct(goal)"
    drawn = ", ".join(f"'c{n}': c{n}" for n in range(len(types)))
    one_of = _step(rows, SAMPLED, len(types))
    looked_at = quote(f"{name} looked at")
    connection.execute(
        f"CREATE TEMP TABLE {looked_at} AS SELECT "
        f"[{', '.join(['count(*)', *(f'count(v{n})' for n in range(len(used)))])}] AS counts, "
        f"{about} AS about, "
        f"list(alike) FILTER (WHERE alike % {step} = 0) AS hashes, "
        f"list({{{drawn}}}) FILTER (WHERE place % {one_of} = 0) AS drawn "
        f"FROM (SELECT {', '.join(inner)} FROM {scan})"
    ).fetchall()
    (_, *known), target = _one(connection, f"SELECT counts, about FROM {looked_at}")
    if task == "regression":
        target = tuple(target)
    else:
        target = _classes(connection, scan) if target <= MOST_CLASSES else None
    hashes = connection.execute(f"SELECT unnest(hashes) AS hash FROM {looked_at}").fetchnumpy()
    named = ", ".join(f"row.c{n} AS {quote(column)}" for n, column in enumerate(types))
    return Split(
        name=name,
        types=types,
        features=used,
        rows=rows,
        missing={column: rows - count for column, count in zip(used, known, strict=True)},
        target=target,
        hashes=np.ma.getdata(hashes["hash"]),
        sample=f"(SELECT {named} FROM (SELECT unnest(drawn) AS row FROM {looked_at}))",
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    (row,) = connection.execute(query).fetchall()
    return row


def _step(rows: int, wanted: int, columns: int = 1) -> int:
    """Return of how many rows one is drawn, to get no more than are wanted."""
    return max(math.ceil(rows / max(min(wanted, CELLS // columns), 1)), 1)


def _kept(column: str, type: str) -> str:
    """Return the SQL of what is kept of a value: of bounded size, and different for others."""
    name = quote(column)
    if type == "VARCHAR":
        cut = f"left({name}, {LONG}) || hash({name})"
        return f"CASE WHEN length({name}) > {LONG} THEN {cut} ELSE {name} END"
    return f"hash({name})" if kind_of(type) in ("duration", "nested", "other") else name


def _classes(connection: duckdb.DuckDBPyConnection, scan: str) -> dict[str, int]:
    query = f"SELECT CAST({TARGET} AS VARCHAR), count(*) FROM {scan} GROUP BY 1 ORDER BY 2 DESC, 1"
    return dict(connection.execute(query).fetchall())
