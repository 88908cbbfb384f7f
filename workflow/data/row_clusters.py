"""The rows of a split in clusters: rows that may resemble each other, and no other rows."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

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
        return of_keys(positions)
    moments = splits.moments(split)
    if moments is None:
        return each(len(splits.read(split, [])[1]))
    return of_moments(moments)


def each(rows: int) -> RowClusters:
    """Return the clusters of rows of which each is its own."""
    return RowClusters(np.arange(rows), "rows")


def of_keys(keys: np.ndarray) -> RowClusters:
    """Return the clusters of rows by (n_rows,) keys."""
    found = RowClusters(pd.factorize(keys)[0], "groups of one key")
    return replace(found, kind="rows") if found.count == len(keys) else found


def of_moments(moments: pd.Series) -> RowClusters:
    """Return the clusters of rows by (n_rows,) times or numbers, in ascending order."""
    if is_datetime64_any_dtype(moments):
        days = RowClusters(pd.factorize(moments.dt.floor("D"))[0], "days")
        if days.count >= LEAST_CLUSTERS:
            return days
    rows = len(moments)
    if rows >= 2 * LEAST_CLUSTERS:
        return RowClusters(np.arange(rows) * LEAST_CLUSTERS // rows, "stretches of time")
    return each(rows)
