"""How predictions are distributed beside those on the test split."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from workflow.formatting import number

PARTS = 10  # of the predictions on test, with equally many rows each


class PredictionShares:
    """Counts new predictions by the parts that those on test are split into.

    Args:
        test: (n_test,) predictions on test: numbers, or labels of classes.
        labels: Of the classes; none for numbers.
    """

    def __init__(self, test: pd.Series, labels: list[Any]) -> None:
        self._labels, self.rows, self._sum = [str(one) for one in labels], 0, 0.0
        self._edges = np.empty(0)
        if not labels:
            shares = np.arange(1, PARTS) / PARTS
            self._edges = np.unique(np.quantile(test, shares, method="inverted_cdf"))
            self._test_mean = float(test.mean())
        self._test = self._counted(test)
        self._new = np.zeros_like(self._test)

    def add(self, predictions: pd.Series) -> None:
        """Count more predictions; missing ones are left out."""
        known = predictions.dropna()
        self.rows += len(known)
        self._new += self._counted(known)
        if not self._labels:
            self._sum += float(known.sum())

    @property
    def means(self) -> tuple[float, float] | None:
        """The mean of the new predictions and of those on test; None for classes or no rows."""
        if self._labels or not self.rows:
            return None
        return self._sum / self.rows, self._test_mean

    @property
    def table(self) -> list[tuple[str, float, float]]:
        """Of each part its name, and which share of the new and of the test predictions it has."""
        new, test = (one / max(1, one.sum()) for one in (self._new, self._test))
        return list(zip(self._names(), new.tolist(), test.tolist(), strict=True))

    def _counted(self, predictions: pd.Series) -> np.ndarray:
        """Return how many predictions each part has."""
        if self._labels:
            counted = predictions.astype(str).value_counts()
            return np.array([counted.get(label, 0) for label in self._labels])
        place = np.searchsorted(self._edges, predictions.to_numpy(dtype=float), side="left")
        return np.bincount(place, minlength=len(self._edges) + 1)

    def _names(self) -> list[str]:
        if self._labels:
            return self._labels
        edges = [number(edge, 4) for edge in self._edges]
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        return [f"up to {edges[0]}", *between, f"above {edges[-1]}"]
