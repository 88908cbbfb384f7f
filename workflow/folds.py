"""On which rows a model is fitted, and on which it is judged."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from sql_features.errors import WorkflowError

Rows = slice | np.ndarray


@dataclass(frozen=True, kw_only=True)
class Judging:
    """Positions of rows in train and validation together, train first.

    Attributes:
        parts: Where to fit and where to judge; one pair for a holdout, one a fold.
        final: Where the model that is kept is fitted.
    """

    parts: list[tuple[Rows, Rows]]
    final: Rows


def holdout(train: int, rows: int) -> Judging:
    """Fit on the first `train` rows, and judge on the rest of the `rows`."""
    first = slice(0, train)
    return Judging(parts=[(first, slice(train, rows))], final=first)


def cross_validation(
    folds: int,
    y: np.ndarray,
    *,
    classes: bool,
    ordered: bool,
    groups: np.ndarray | None,
    seed: int,
) -> Judging:
    """Judge every row by a model that was not fitted on it; keep one that was fitted on all.

    Args:
        folds: How many.
        y: (n_rows,) targets; of classes their codes.
        classes: Whether each fold is to have the same share of every class.
        ordered: Whether rows are in the order of time: then each fold is judged by the rows before
            it, and the first rows are only fitted on.
        groups: (n_rows,) rows alike in this stay in one fold, or None.
        seed: Of the shuffling.

    Raises:
        WorkflowError: There are fewer rows than folds.
    """
    shuffled = {"n_splits": folds, "shuffle": True, "random_state": seed}
    grouped = not ordered and groups is not None and len(np.unique(groups)) < len(groups)
    if ordered:
        splitter = TimeSeriesSplit(folds)
    elif grouped:
        splitter = StratifiedGroupKFold(**shuffled) if classes else GroupKFold(**shuffled)
    else:
        splitter = StratifiedKFold(**shuffled) if classes else KFold(**shuffled)
    try:
        parts = list(splitter.split(y, y, groups if grouped else None))
    except ValueError as error:
        raise WorkflowError(
            f"validation='cv:{folds}': {len(y):,} rows of train and validation cannot be split so "
            f"({error}). Give fewer folds, or 'holdout'."
        ) from error
    return Judging(parts=parts, final=slice(0, len(y)))
