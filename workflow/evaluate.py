"""How good a model is: metrics by name, and their values for a split."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from workflow.errors import unknown

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A score of predictions against the truth.

    Attributes:
        function: Its name in sklearn.metrics, imported when it is used.
        greater_is_better: Whether a larger value is a better one.
        default: Whether `auto` stands for it.
    """

    function: str
    greater_is_better: bool = False
    default: bool = False

    def __call__(self, y_true: "np.ndarray", y_pred: "np.ndarray") -> float:
        """Return the score of (n_rows,) predictions."""
        return float(getattr(import_module("sklearn.metrics"), self.function)(y_true, y_pred))


# By task; each in the unit of the target, but for mape and r2, which are fractions.
METRICS = {
    "regression": {
        "rmse": Metric(function="root_mean_squared_error", default=True),
        "mae": Metric(function="mean_absolute_error"),
        "mape": Metric(function="mean_absolute_percentage_error"),
        "r2": Metric(function="r2_score", greater_is_better=True),
    }
}


def loss(task: str, metric: str, value: float) -> float:
    """Return a metric's value as a loss: smaller is better."""
    return -value if METRICS[task][metric].greater_is_better else value


def resolve_metric(name: str, task: str) -> str:
    """Return the name of the metric asked for; `auto` is the task's own.

    Raises:
        WorkflowError: The task has no such metric.
    """
    known = METRICS[task]
    if name == "auto":
        (name,) = [one for one, metric in known.items() if metric.default]
    if name not in known:
        raise unknown(f"metric for {task}:", name, ["auto", *known])
    return name


def score(task: str, split: str, y_true: "np.ndarray", y_pred: "np.ndarray") -> dict[str, float]:
    """Return every metric of the task, named `<split>_<metric>`.

    Args:
        task: The dataset's task.
        split: "train", "val" or "test".
        y_true: (n_rows,) true values.
        y_pred: (n_rows,) predictions.
    """
    return {f"{split}_{name}": metric(y_true, y_pred) for name, metric in METRICS[task].items()}
