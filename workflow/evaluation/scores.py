"""The values of the metrics that workflow/models/metrics.py names."""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from sql_features.errors import WorkflowError
from workflow.data.splits import Splits
from workflow.models.metrics import METRICS, Metric

Judged = tuple[np.ndarray, np.ndarray]  # y_true and y_pred, as `score` takes them


def score(task: str, split: str, y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    """Return every metric of the task, named `<split>_<metric>`.

    Args:
        task: The dataset's task.
        split: "train", "val" or "test".
        y_true: (n_rows,) true values; for classes, their codes. A code beyond the columns of
            `y_pred` is a label that training has not seen: its probability is 0.
        y_pred: (n_rows,) predictions; for classes, (n_rows, n_classes) probabilities.

    Raises:
        WorkflowError: A prediction is infinite or missing.
    """
    finite = np.isfinite(y_pred) if y_pred.ndim == 1 else np.isfinite(y_pred).all(axis=1)
    if wrong := int(np.count_nonzero(~finite)):
        raise WorkflowError(
            f"the model predicts no finite value for {wrong:,} of {len(finite):,} rows of "
            f"{split}: look for features with huge values, or give other models or hyperparameters."
        )
    return {
        f"{split}_{metric.name}": value(metric, y_true, y_pred) for metric in METRICS[task].values()
    }


def codes(values: pd.Series, labels: Sequence[Any]) -> np.ndarray:
    """Return the (n_rows,) codes of class labels: their positions in `labels`.

    Labels that are not among them are numbered on from there, in sorted order.

    >>> codes(pd.Series(["b", "a", "new"]), ["a", "b"])
    array([1, 0, 2])
    """
    codes = {one: code for code, one in enumerate([*labels, *new_labels(values, labels)])}
    coded: np.ndarray = values.map(codes).to_numpy("int64")
    return coded


def new_labels(values: pd.Series, labels: Sequence[Any]) -> list[Any]:
    """Return the values that are not among `labels`, each once, in sorted order."""
    return sorted(set(values.unique().tolist()) - set(labels))


def value(metric: Metric, y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return one metric's value, NaN where it is undefined; the arrays are those of `score`.

    With two classes, `f1` and `roc_auc` measure the second in sorted order (1, true, "yes"). With
    more, they are the mean over the classes that occur, each against the rest.
    """
    y_true = np.asarray(y_true)
    if undefined(metric, y_true):
        return math.nan
    if metric.task == "regression":
        return float(REGRESSION[metric.name](y_true, y_pred))
    probabilities = probabilities_of(y_true, y_pred)
    return float(CLASSIFICATION[metric.name](y_true, probabilities, metric.task == "binary"))


def probabilities_of(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return (n_rows, n_classes) probabilities that sum to 1, with a column for every code.

    Args:
        y_true: (n_rows,) codes, of which some may be beyond the columns of `y_pred`.
        y_pred: (n_rows, n_known) probabilities.
    """
    known, classes = y_pred.shape[1], max(int(y_true.max()) + 1, 2)
    probabilities = np.pad(np.asarray(y_pred, "float64"), ((0, 0), (0, max(classes - known, 0))))
    # XGBoost's single-precision probabilities do not sum to 1 exactly.
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def undefined(metric: Metric, y_true: np.ndarray) -> str | None:
    """Return why a metric has no value on rows with these targets, or None where it has one."""
    # scikit-learn would divide by the smallest positive number instead.
    if metric.name == "mape" and not np.all(y_true):
        return "some targets are 0"
    if metric.name == "r2" and len(y_true) < 2:
        return "there is a single row"
    if metric.name == "roc_auc" and len(np.unique(y_true)) < 2:
        return "all rows are of one class"
    return None


def check_defined(splits: Splits, names: Iterable[str], metrics: Collection[Metric]) -> None:
    """Check that metrics of the dataset's task have a value on the splits of these names.

    Raises:
        WorkflowError: A metric has no value on a split.
    """
    for split in names:
        targets = splits.read(split, [])[1].to_numpy()
        for metric in metrics:
            if reason := undefined(metric, targets):
                known = METRICS[metric.task].values()
                allowed = ", ".join(one.name for one in known if not undefined(one, targets))
                raise WorkflowError(
                    f"{metric.name} has no value on the {split} split, where {reason}. Allowed "
                    f"there: {allowed}."
                )


REGRESSION = {
    "rmse": metrics.root_mean_squared_error,
    "mae": metrics.mean_absolute_error,
    "mape": metrics.mean_absolute_percentage_error,
    "r2": metrics.r2_score,
}


def _log_loss(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    return float(metrics.log_loss(y_true, probabilities, labels=range(probabilities.shape[1])))


def _accuracy(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    return float(metrics.accuracy_score(y_true, probabilities.argmax(axis=1)))


def _balanced_accuracy(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    # balanced_accuracy_score would warn of a predicted label that does not occur.
    predicted, labels = probabilities.argmax(axis=1), np.unique(y_true)
    score = metrics.recall_score(y_true, predicted, labels=labels, average="macro", zero_division=0)
    return float(score)


def _f1(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    predicted, labels = probabilities.argmax(axis=1), [1] if binary else np.unique(y_true)
    score = metrics.f1_score(y_true, predicted, labels=labels, average="macro", zero_division=0)
    return float(score)


def _roc_auc(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    classes = [1] if binary else np.unique(y_true)
    if not np.isin(classes, y_true).all():
        return math.nan  # class 1 does not occur; roc_auc_score returns the same with a warning
    areas = [metrics.roc_auc_score(y_true == code, probabilities[:, code]) for code in classes]
    return float(np.mean(areas))


CLASSIFICATION = {
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "roc_auc": _roc_auc,
}
