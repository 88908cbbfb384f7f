"""The rows of a split in clusters: rows that may resemble each other, and no other rows."""

from dataclasses import dataclass

import numpy as np

from sql_features.duckdb_types import kind_of
from sql_features.expressions import connect, type_of
from workflow.data.parquet import scan_parquet
from workflow.data.split_rules import ByTime
from workflow.data.splits import Splits

LEAST_CLUSTERS = 20  # of fewer, nobody can tell how much they differ


@dataclass(frozen=True)
class RowClusters:
    """The cluster of each row of a split.

    Attributes:
        ids: (n_rows,) numbers from 0 on, of which each occurs.
        kind: What a cluster is, in the plural: "rows" where each row is its own.
    """

    ids: np.ndarray
    kind: str

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return int(self.ids.max(initial=-1)) + 1


def row_clusters(splits: Splits, split: str) -> RowClusters:
    """Return the clusters of a split's rows, by the rule that has split them.

    Rows with equal keys of a hash split are one cluster. Rows of a split by time are clustered by
    day; by stretches of equally many rows, if there are fewer than `LEAST_CLUSTERS` days or the
    time is a number. Without a rule, and where two rows a stretch cannot be had, each row is one.

    Args:
        splits: A preprocess run's.
        split: "train", "validation" or "test".
    """
    if (positions := splits.positions(split)) is not None:
        ids, rows = _numbered(positions), len(positions)
        return RowClusters(ids, "rows" if ids.max(initial=-1) + 1 == rows else "groups of one key")
    if isinstance(splits.dataset.split, ByTime):
        days = _days(splits, split, splits.dataset.split)
        if days is not None and days.max(initial=-1) + 1 >= LEAST_CLUSTERS:
            return RowClusters(days, "days")
        rows = _count(splits, split)
        if rows >= 2 * LEAST_CLUSTERS:
            return RowClusters(np.arange(rows) * LEAST_CLUSTERS // rows, "stretches of time")
        return RowClusters(np.arange(rows), "rows")
    return RowClusters(np.arange(_count(splits, split)), "rows")


def _numbered(values: np.ndarray) -> np.ndarray:
    ids: np.ndarray = np.unique(values, return_inverse=True)[1]
    return ids


def _days(splits: Splits, split: str, rule: ByTime) -> np.ndarray | None:
    """Return (n_rows,) the number of each row's day, or None where the time is no date."""
    if kind_of(type_of(rule.column, splits.columns, "split.column")) != "date":
        return None
    with connect() as connection:
        day, scan = f"CAST((\n{rule.column}\n) AS DATE)", scan_parquet([splits.path(split)])
        days = connection.execute(f"SELECT {day} AS day FROM {scan}").df()
    return _numbered(days["day"].to_numpy())


def _count(splits: Splits, split: str) -> int:
    return len(splits.read(split, [])[1])
