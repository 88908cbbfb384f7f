"""Which rows a model is fitted on, and which it is judged on."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

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
from workflow.data.splits import Splits
from workflow.evaluation.scores import codes, new_labels, score, undefined
from workflow.models.metrics import METRICS

Rows = slice | np.ndarray  # positions of rows in train and validation together, train first


class Fold(NamedTuple):
    """The rows that one model is fitted on, and those that it is judged on."""

    fitted: Rows
    judged: Rows


@dataclass(frozen=True, kw_only=True)
class ValidationPlan:
    """How models are validated.

    Attributes:
        folds: A holdout has a single one.
        final: The rows that the final model, the one that is logged, is fitted on.
    """

    folds: list[Fold]
    final: Rows

    @property
    def is_holdout(self) -> bool:
        """Whether the model that is judged is the final one, fitted on train alone."""
        return len(self.folds) == 1


def holdout(train: int, rows: int) -> ValidationPlan:
    """Return a plan that fits on the first `train` rows and judges on the rest of the `rows`."""
    first = slice(0, train)
    return ValidationPlan(folds=[Fold(first, slice(train, rows))], final=first)


def cross_validation(
    folds: int,
    y: np.ndarray,
    *,
    classes: bool,
    moments: pd.Series | None,
    groups: np.ndarray | None,
    seed: int,
) -> ValidationPlan:
    """Return a plan whose folds never judge a model on a row that it was fitted on.

    The final model is fitted on all rows.

    Args:
        folds: How many, 2 or more.
        y: (n_rows,) targets; for classes, their codes.
        classes: Whether each fold is to have the same share of every class.
        moments: (n_rows,) ascending times, if rows are in order of time: then each fold is fitted
            on the rows before those that it judges, and the first rows are never judged. Rows of
            one moment stay together.
        groups: (n_rows,) rows with equal values stay in one fold; or None.
        seed: Of the shuffling.

    Raises:
        WorkflowError: There are fewer rows than folds, or fewer moments.
    """
    shuffled = {"n_splits": folds, "shuffle": True, "random_state": seed}
    grouped = moments is None and groups is not None and len(np.unique(groups)) < len(groups)
    if moments is not None:
        splitter = TimeSeriesSplit(folds)
    elif grouped:
        splitter = StratifiedGroupKFold(**shuffled) if classes else GroupKFold(**shuffled)
    else:
        splitter = StratifiedKFold(**shuffled) if classes else KFold(**shuffled)
    try:
        parts = list(splitter.split(y, y, groups if grouped else None))
        if moments is not None:
            parts = _between_moments(parts, moments)
    except ValueError as error:
        raise WorkflowError(
            f"validation='cv:{folds}': {len(y):,} rows of train and validation cannot be split so "
            f"({error}). Give fewer folds, or 'holdout'."
        ) from error
    return ValidationPlan(folds=[Fold(*part) for part in parts], final=slice(0, len(y)))


def _between_moments(
    parts: list[tuple[np.ndarray, np.ndarray]], moments: pd.Series
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Move the cuts of folds in order of time to where a moment begins, each fold keeping some.

    Args:
        parts: Of each fold the rows that are fitted on, and those after them that are judged.
        moments: (n_rows,) ascending times.

    Raises:
        ValueError: There are too few moments.
    """
    begins = np.flatnonzero(np.r_[True, moments.array[1:] != moments.array[:-1]])
    if len(begins) <= len(parts):
        raise ValueError(f"they are of {len(begins):,} moments")
    cuts, moment = [], 0
    for number, (_, judged) in enumerate(parts):
        # The moment that the cut would be in, unless a cut before it is there or too few are left.
        wanted = int(np.searchsorted(begins, judged[0], "right")) - 1
        moment = min(max(wanted, moment + 1), len(begins) - len(parts) + number)
        cuts.append(begins[moment])
    rows = np.arange(len(moments))
    return [(rows[:cut], rows[cut:end]) for cut, end in pairwise([*cuts, len(rows)])]


def encode_targets(
    task: str, y_train: pd.Series, y_validation: pd.Series, validation: str
) -> tuple[np.ndarray, list[Any]]:
    """Return the targets of train, then of validation; for classes, their codes and the labels.

    A label's code is its position in the labels. Those that the final model is fitted on come
    first: of train with a holdout, of both splits with folds.

    Args:
        y_train: (n_train,) targets.
        y_validation: (n_validation,) targets.
        validation: `holdout` or `cv:<folds>`.

    Returns:
        (n_train + n_validation,) targets or codes; and the labels, none for a regression.
    """
    both = pd.concat([y_train, y_validation], ignore_index=True)
    if task == "regression":
        return both.to_numpy(), []
    fitted = y_train if parameters.folds(validation) is None else both
    known = sorted(fitted.unique().tolist())
    return codes(both, known), [*known, *new_labels(y_validation, known)]


def validation_plan(
    splits: Splits, y: np.ndarray, train: int, seed: int, validation: str
) -> ValidationPlan:
    """Return the plan that a validation asks for.

    Rows that a hash split keeps together stay in one fold; a split by time gives folds in order of
    time, cut between moments.

    Args:
        y: (n_rows,) targets of train, then of validation, as `encode_targets` returns them.
        train: How many of them are train's.
        seed: Of the folds' shuffling.
        validation: `holdout` or `cv:<folds>`.

    Raises:
        WorkflowError: There are fewer rows than folds.
    """
    folds = parameters.folds(validation)
    if folds is None:
        return holdout(train, len(y))
    return cross_validation(
        folds,
        y,
        classes=splits.dataset.task != "regression",
        moments=splits.moments("train", "validation"),
        groups=splits.positions("train", "validation"),
        seed=seed,
    )


def judged_splits(validation: str) -> tuple[str, ...]:
    """Return the splits whose rows models are judged on, for `holdout` or `cv:<folds>`."""
    return ("validation",) if parameters.folds(validation) is None else ("train", "validation")


def without_value(plan: ValidationPlan, task: str, y: np.ndarray) -> dict[str, str]:
    """Return why metrics have no mean over the folds, by the name of each that has none.

    Args:
        plan: The folds; of a holdout nothing is said here.
        y: (n_rows,) targets of train, then of validation, as `encode_targets` returns them.
    """
    found: dict[str, str] = {}
    for number, fold in enumerate(plan.folds if not plan.is_holdout else [], start=1):
        for metric in METRICS[task].values():
            if reason := undefined(metric, y[fold.judged]):
                found.setdefault(metric.name, f"{reason} in fold {number} of {len(plan.folds)}")
    return found


def val_metrics(
    plan: ValidationPlan, task: str, y: np.ndarray, predictions: list[np.ndarray]
) -> dict[str, float]:
    """Return `val_<metric>` of predictions.

    Args:
        plan: Which rows they are for.
        y: (n_rows,) targets of train, then of validation, as `encode_targets` returns them.
        predictions: For the rows judged in each fold, as `scores.score` takes them.

    Returns:
        Of a holdout the metrics; of several folds their mean, and their standard deviation as
        `val_<metric>_std`. A metric without a value on some fold has none, it is NaN.
    """
    metrics = [
        score(task, "val", y[fold.judged], predicted)
        for fold, predicted in zip(plan.folds, predictions, strict=True)
    ]
    if plan.is_holdout:
        return metrics[0]
    table = pd.DataFrame(metrics)
    spread = table.std(skipna=False).add_suffix("_std")
    both = pd.concat([table.mean(skipna=False), spread])
    folded: dict[str, float] = both.to_dict()
    return folded
