"""On which rows a model is fitted, and on which it is judged."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from sql_features.errors import WorkflowError
from workflow import parameters
from workflow.data.split_rules import SPLITS, ByTime
from workflow.data.splits import Splits
from workflow.evaluation.scores import codes

Rows = slice | np.ndarray


@dataclass(frozen=True, kw_only=True)
class ValidationPlan:
    """Positions of rows in train and validation together, train first.

    Attributes:
        parts: Where to fit and where to judge; one pair for a holdout, one a fold.
        final: Where the model that is kept is fitted.
    """

    parts: list[tuple[Rows, Rows]]
    final: Rows


def holdout(train: int, rows: int) -> ValidationPlan:
    """Fit on the first `train` rows, and judge on the rest of the `rows`."""
    first = slice(0, train)
    return ValidationPlan(parts=[(first, slice(train, rows))], final=first)


def cross_validation(
    folds: int,
    y: np.ndarray,
    *,
    classes: bool,
    ordered: bool,
    groups: np.ndarray | None,
    seed: int,
) -> ValidationPlan:
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
    return ValidationPlan(parts=parts, final=slice(0, len(y)))


def coded(
    task: str, train: pd.Series, validation: pd.Series, how: str
) -> tuple[np.ndarray, list[Any]]:
    """Return the targets of train, then of validation; of classes their codes, and the labels.

    Args:
        task: The dataset's.
        train: (n_train,) targets.
        validation: (n_validation,) targets.
        how: `holdout` or `cv:<folds>`. A label of validation alone is known to the model that folds
            keep; with a holdout it comes after those of train.
    """
    both = pd.concat([train, validation], ignore_index=True)
    if task == "regression":
        return both.to_numpy(), []
    known = sorted((train if parameters.folds(how) is None else both).unique().tolist())
    new = sorted(set(validation.unique().tolist()) - set(known))
    return codes(both, known), [*known, *new]


def validation_plan(
    splits: Splits, y: np.ndarray, train: int, seed: int, how: str
) -> ValidationPlan:
    """Return where models are fitted and judged.

    Args:
        splits: The splits of a preprocess run.
        y: (n_rows,) targets of train, then of validation, as `coded` returns them.
        train: How many of them are train's.
        seed: Of the folds' shuffling.
        how: `holdout` or `cv:<folds>`.

    Raises:
        WorkflowError: There are fewer rows than folds.
    """
    folds = parameters.folds(how)
    if folds is None:
        return holdout(train, len(y))
    return cross_validation(
        folds,
        y,
        classes=splits.dataset.task != "regression",
        ordered=isinstance(splits.dataset.split, ByTime),
        groups=splits.positions("train", "validation"),
        seed=seed,
    )


def judged_on(how: str) -> tuple[str, ...]:
    """Return the splits that models are compared on, by `holdout` or `cv:<folds>`."""
    return SPLITS[1:2] if parameters.folds(how) is None else SPLITS[:2]
