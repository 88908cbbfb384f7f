"""Intervals and sets of classes that hold the truth in a given share of rows: split conformal.

Papadopoulos, Proedrou, Vovk, Gammerman, 2002, "Inductive confidence machines for regression": of
rows that the model was not fitted on, it is known how far the truth was from the prediction; new
truths are as far in the same shares. For classes Sadinle, Lei, Wasserman, 2019, "Least ambiguous
set-valued classifiers with bounded error levels": the set holds every class whose probability is at
least that which the truth had in such a share of rows. A set may be empty: no class is likely then.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sql_features.errors import WorkflowError

ROWS = 10_000  # that residuals are taken of, where there are more
KEPT = 2_000  # residuals that are kept: more tell the same
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # whose coverage on test is told
LEVEL = 0.9  # that of the metrics


def residuals(actual: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return (n_rows,) how far each prediction is from the truth.

    Args:
        actual: (n_rows,) values, or codes of classes.
        predictions: (n_rows,) values: the absolute difference is returned; or (n_rows, n_classes)
            probabilities: 1 less that of the truth. A code beyond them has the probability 0.
    """
    if predictions.ndim == 1:
        distances: np.ndarray = np.abs(actual - predictions)
        return distances
    known = actual < predictions.shape[1]
    column = np.where(known, actual, 0).astype(int)
    return 1 - np.where(known, predictions[np.arange(len(actual)), column], 0.0)


def drawn(count: int, seed: int) -> np.ndarray:
    """Return the positions of at most `ROWS` of some rows, ascending."""
    if count <= ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, ROWS, replace=False))


@dataclass(frozen=True)
class Residuals:
    """The residuals of rows that a model was not fitted on.

    Attributes:
        count: How many rows there were.
        kept: The residuals of some, ascending: of those at `ranks`.
    """

    count: int
    kept: list[float]

    @classmethod
    def of(cls, values: np.ndarray) -> "Residuals":
        """Return residuals, thinned to `KEPT`."""
        return cls(len(values), np.sort(values)[_ranks(len(values)) - 1].tolist())

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> "Residuals":
        """Return what `dataclasses.asdict` has written."""
        return cls(given["count"], given["kept"])

    def within(self, level: float) -> float:
        """Return how far from the prediction the truth of a new row is at most, in so many rows.

        Args:
            level: The share of rows, between 0 and 1.

        Raises:
            WorkflowError: There are too few rows to say.
        """
        rank = math.ceil((self.count + 1) * level - 1e-9)
        if rank > self.count:
            needed = math.ceil(round(level / (1 - level), 3))
            raise WorkflowError(
                f"interval='{level:g}': the model has the residuals of {self.count:,} rows, and "
                f"{needed:,} are needed for that share: give a smaller one."
            )
        return self.kept[int(np.searchsorted(_ranks(self.count), rank))]


def _ranks(count: int) -> np.ndarray:
    """Return the ranks, from 1, of those of so many residuals that are kept."""
    return np.unique(np.ceil(np.arange(1, KEPT + 1) * count / KEPT).astype(int))


def coverage(
    actual: np.ndarray, predictions: np.ndarray, known: Residuals
) -> list[dict[str, float]]:
    """Return how often intervals or sets of each of `LEVELS` hold the truth, and how wide they are.

    Args:
        actual: As `residuals` takes it, of rows that no residual is of.
        predictions: As well.
        known: The residuals.

    Returns:
        By level a mapping with "level", "coverage" and "width": of intervals in the target's unit,
        of sets the mean number of classes. Levels that need more rows are left out.
    """
    found, table = residuals(actual, predictions), []
    for level in LEVELS:
        try:
            most = known.within(level)
        except WorkflowError:
            continue
        inside = float(np.mean(found <= most))
        classes = predictions.ndim == 2
        width = float(holds(predictions, most).sum(axis=1).mean()) if classes else 2 * most
        table.append({"level": level, "coverage": inside, "width": width})
    return table


def holds(probabilities: np.ndarray, most: float) -> np.ndarray:
    """Return (n_rows, n_classes) whether a class is in the row's set.

    Args:
        probabilities: (n_rows, n_classes).
        most: What `Residuals.within` has returned.
    """
    return 1 - probabilities <= most
