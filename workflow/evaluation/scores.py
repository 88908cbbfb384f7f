"""How good predictions are: the values of metrics.py's metrics."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from workflow.models.metrics import METRICS


def score(task: str, split: str, y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    """Return every metric of the task, named `<split>_<metric>`.

    Args:
        task: The dataset's task.
        split: "train", "val" or "test".
        y_true: (n_rows,) true values; of classes their codes. A code beyond the columns of `y_pred`
            is a label that was not seen in train: its probability is 0.
        y_pred: (n_rows,) predictions; of classes their (n_rows, n_classes) probabilities.
    """
    return {f"{split}_{name}": value(task, name, y_true, y_pred) for name in METRICS[task]}


def codes(values: pd.Series, labels: Sequence[Any]) -> np.ndarray:
    """Return the (n_rows,) codes of classes: positions in `labels`, and beyond it for new labels.

    >>> codes(pd.Series(["b", "a", "new"]), ["a", "b"])
    array([1, 0, 2])
    """
    new = sorted(set(values.unique().tolist()) - set(labels))
    return values.map({one: code for code, one in enumerate([*labels, *new])}).to_numpy("int64")


def value(task: str, metric: str, y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return one metric's value; see `score`.

    Of two classes, `f1` and `roc_auc` are about the second in order (1, true, "yes"); of more, they
    are the mean over the classes that occur, each against the rest.
    """
    y_true = np.asarray(y_true)
    if task == "regression":
        return float(REGRESSION[metric](y_true, y_pred))
    known, classes = y_pred.shape[1], max(int(y_true.max()) + 1, 2)
    probabilities = np.pad(np.asarray(y_pred, "float64"), ((0, 0), (0, max(classes - known, 0))))
    probabilities /= probabilities.sum(axis=1, keepdims=True)  # XGBoost's are of single precision
    return float(CLASSIFICATION[metric](y_true, probabilities, task == "binary"))


def undefined(metric: str, y_true: np.ndarray) -> str | None:
    """Return why a metric has no value (nan) on rows with these targets, if so."""
    if metric == "mape" and not np.all(y_true):
        return "some targets are 0"
    if metric == "roc_auc" and len(np.unique(y_true)) < 2:
        return "all rows are of one class"
    return None


def _mape(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    if undefined("mape", y_true):
        return np.nan  # scikit-learn divides by the smallest number that there is
    return metrics.mean_absolute_percentage_error(y_true, y_pred)


REGRESSION = {
    "rmse": metrics.root_mean_squared_error,
    "mae": metrics.mean_absolute_error,
    "mape": _mape,
    "r2": metrics.r2_score,
}


def _log_loss(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    return metrics.log_loss(y_true, probabilities, labels=range(probabilities.shape[1]))


def _accuracy(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    return metrics.accuracy_score(y_true, probabilities.argmax(axis=1))


def _balanced_accuracy(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    # Not balanced_accuracy_score, which warns of a predicted label that does not occur.
    return metrics.recall_score(
        y_true,
        probabilities.argmax(axis=1),
        labels=np.unique(y_true),
        average="macro",
        zero_division=0,
    )


def _f1(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    predicted, labels = probabilities.argmax(axis=1), [1] if binary else np.unique(y_true)
    return metrics.f1_score(y_true, predicted, labels=labels, average="macro", zero_division=0)


def _roc_auc(y_true: np.ndarray, probabilities: np.ndarray, binary: bool) -> float:
    classes = [1] if binary else np.unique(y_true)
    if any(len(np.unique(y_true == one)) == 1 for one in classes):
        return np.nan  # there is no rest; roc_auc_score says the same with a warning
    areas = [metrics.roc_auc_score(y_true == one, probabilities[:, one]) for one in classes]
    return np.mean(areas)


CLASSIFICATION = {
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "roc_auc": _roc_auc,
}
