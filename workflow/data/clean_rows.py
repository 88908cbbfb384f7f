"""Clean rows in SQL: raw columns with the types of training, the target, and what a row must meet.

The splits are written of it, and new rows are made comparable with them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import duckdb

from sql_features.duckdb_types import FLOATS, INTEGERS
from sql_features.errors import WorkflowError
from sql_features.expressions import TARGET, cast, literal, quote, type_of
from workflow.data import scan_errors, split_key
from workflow.data.dataset import Dataset
from workflow.data.split_rules import ByHash, ByTime
from workflow.data.splits import POSITION
from workflow.runtime import infrastructure_errors

ORDER = "split order"  # a row's number in the table, to keep rows of one moment in one order


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """How many raw rows of one split were kept, and dropped.

    Attributes:
        rows_read: Raw rows.
        rows: Rows in the split.
        dropped: Rows dropped, by the first reason that holds.
    """

    rows_read: int
    rows: int
    dropped: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class RawRows:
    """The raw rows of one split, or of a table that a rule splits.

    Attributes:
        name: The file, or how many there are, for errors.
        scan: The SQL that reads them.
        columns: DuckDB type by column that the dataset names, as the first file spells it.
    """

    name: str
    scan: str
    columns: dict[str, str]


def with_target(dataset: Dataset, raw: RawRows, types: dict[str, str], *more: str) -> str:
    """Return the SQL of raw rows with the target.

    Args:
        dataset: The definition.
        raw: The rows.
        types: Type by column in train, which holds in every split.
        more: SQL of more columns, each with its name.
    """
    columns = ", ".join(_as_in_train(name, raw.columns[name], type) for name, type in types.items())
    type = target_type(dataset, type_of(dataset.target, types, "target"))
    target = number_or_null(f"CAST((\n{dataset.target}\n) AS {type})", type)
    # A raw column named `target` is left out: it is the target, and has to be there once.
    kept = ", ".join(quote(name) for name in types if name.casefold() != TARGET)
    parts = [kept, f"{target} AS {TARGET}", *more]
    return f"SELECT {', '.join(filter(None, parts))} FROM (SELECT {columns} FROM {raw.scan})"


def _as_in_train(name: str, found: str, type: str) -> str:
    """Return the SQL of a column with the type and the spelling that it has in train."""
    if widens(found, type):  # spares the search for fractions, which takes long
        return f"CAST({quote(name)} AS {type}) AS {quote(name)}"
    return cast(name, type)


def widens(type: str, to: str) -> bool:
    """Tell whether every value of a type can be cast to another."""
    if type not in INTEGERS:
        return type == to
    return to in (*INTEGERS[INTEGERS.index(type) :], *FLOATS)


def number_or_null(expression: str, type: str) -> str:
    """Return the SQL of a value, with NULL for NaN."""
    return f"nullif({expression}, 'nan'::{type})" if type in FLOATS else expression


def position_of(rule: ByHash | ByTime, types: dict[str, str]) -> str:
    """Return the SQL of the position that decides a row's split: its time, or its key's hash.

    Args:
        rule: The rule; of a hash, with its key.
        types: DuckDB type by raw column.
    """
    if isinstance(rule, ByHash):
        return split_key.hash_of(rule.key, types)
    return number_or_null(f"(\n{rule.column}\n)", type_of(rule.column, types, "split.column"))


def target_type(dataset: Dataset, type: str) -> str:
    """Return the type that targets are written in, by that of their expression."""
    return "DOUBLE" if dataset.task == "regression" or type.startswith("DECIMAL") else type


def conditions(dataset: Dataset) -> dict[str, str]:
    """Return the conditions that a row must meet, by the reason for which it is dropped if not."""
    # isfinite() is NULL, so not true, for a missing target: one mention, as each computes it again.
    known = f"isfinite({TARGET})" if dataset.task == "regression" else f"({TARGET} IS NOT NULL)"
    reasons = {"target missing": known, f"not where {dataset.where}": f"(\n{dataset.where}\n)"}
    if isinstance(dataset.split, ByTime):
        reasons["time missing"] = f"({quote(POSITION)} IS NOT NULL)"
    return reasons


def write(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, rows: str, path: Path
) -> SplitReport:
    """Write one split, and count what is left out of it."""
    reasons = conditions(dataset)
    *some, every = accumulate(reasons.values(), lambda met, one: f"{met} AND {one}")
    own = f"{quote(POSITION)}, {quote(ORDER)}"
    unwritten = f" EXCLUDE ({own})" if isinstance(dataset.split, ByTime) else ""
    ((written,),) = connection.execute(
        f"COPY (SELECT *{unwritten} FROM ({rows}) WHERE {every}) "
        f"TO {literal(str(path))} (FORMAT parquet)"
    ).fetchall()
    left = ", ".join(f"count(*) FILTER (WHERE {met})" for met in some)
    (counts,) = connection.execute(f"SELECT count(*), {left} FROM ({rows})").fetchall()
    counted = zip(reasons, pairwise([*counts, written]), strict=True)
    dropped = {reason: before - after for reason, (before, after) in counted}
    return SplitReport(rows_read=counts[0], rows=written, dropped=dropped)


@contextmanager
def in_one_line(what: str) -> Iterator[None]:
    """Turn an error of DuckDB into a WorkflowError, unless it is the machine's: a full disk."""
    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException) and infrastructure_errors.explain(error):
            raise
        raise WorkflowError(f"{what}: {scan_errors.reason(error)}") from error
