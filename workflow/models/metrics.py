"""The names of the metrics: which there are for a task, and which way is better."""

from dataclasses import dataclass

from workflow.errors import unknown


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is known of a metric without computing it; evaluate.py computes.

    Attributes:
        greater_is_better: Whether a larger value is a better one.
        default: Whether `auto` stands for it.
        counts_classes_alike: Whether a rare class counts as much as a frequent one, so
            that weights may help; elsewhere they bend probabilities.
    """

    greater_is_better: bool = False
    default: bool = False
    counts_classes_alike: bool = False


CLASSES = {
    "log_loss": Metric(default=True),
    "accuracy": Metric(greater_is_better=True),
    "balanced_accuracy": Metric(greater_is_better=True, counts_classes_alike=True),
    "f1": Metric(greater_is_better=True, counts_classes_alike=True),
    "roc_auc": Metric(greater_is_better=True),
}

METRICS = {  # by task
    "regression": {
        "rmse": Metric(default=True),
        "mae": Metric(),
        "mape": Metric(),
        "r2": Metric(greater_is_better=True),
    },
    "binary": CLASSES,
    "multiclass": CLASSES,
}
TASKS = tuple(METRICS)


def loss(task: str, metric: str, value: float) -> float:
    """Return a metric's value as a loss: smaller is better."""
    return -value if METRICS[task][metric].greater_is_better else value


def check(name: str) -> None:
    """Check a metric's name while the task is not known yet.

    Raises:
        WorkflowError: No task has such a metric.
    """
    known = ["auto", *dict.fromkeys(one for metrics in METRICS.values() for one in metrics)]
    if name not in known:
        raise unknown("metric", name, known)


def resolve(name: str, task: str, preferred: str = "auto") -> str:
    """Return the name of the metric asked for.

    Args:
        name: A metric, or `auto`.
        task: The dataset's task.
        preferred: What `auto` stands for; itself `auto` for the task's own.

    Raises:
        WorkflowError: The task has no such metric.
    """
    known = METRICS[task]
    asked = preferred if name == "auto" else name
    if asked == "auto":
        (asked,) = [one for one, metric in known.items() if metric.default]
    if asked not in known:
        raise unknown(f"metric for {task}:", asked, ["auto", *known])
    return asked
