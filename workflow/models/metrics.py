"""The metrics of each task: their names, and which direction is better.

Their values are computed by workflow/evaluation/scores.py.
"""

from dataclasses import dataclass

from workflow.errors import unknown

VAL, TEST = "val_", "test_"  # begin the names under which scores of a split are logged


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of a task.

    Attributes:
        name: As in the parameter `metric`.
        task: One of `TASKS`.
        greater_is_better: Whether a larger value is a better one.
        default: Whether `auto` stands for it.
        counts_classes_alike: Whether a rare class counts as much as a frequent one. Class weights
            can improve such a metric; they worsen those that judge probabilities.
    """

    name: str
    task: str
    greater_is_better: bool = False
    default: bool = False
    counts_classes_alike: bool = False

    @property
    def val_name(self) -> str:
        """The name under which it is logged for the validation split (or for folds)."""
        return f"{VAL}{self.name}"

    @property
    def test_name(self) -> str:
        """The name under which it is logged for the test split."""
        return f"{TEST}{self.name}"

    def loss(self, value: float) -> float:
        """Return a value of this metric as a loss: smaller is better."""
        return -value if self.greater_is_better else value

    def is_better(self, one: float, other: float) -> bool:
        """Return whether one value is better than another; never if either is NaN."""
        return self.loss(one) < self.loss(other)


def _of_classes(task: str) -> list[Metric]:
    return [
        Metric(name="log_loss", task=task, default=True),
        Metric(name="accuracy", task=task, greater_is_better=True),
        Metric(
            name="balanced_accuracy",
            task=task,
            greater_is_better=True,
            counts_classes_alike=True,
        ),
        Metric(name="f1", task=task, greater_is_better=True, counts_classes_alike=True),
        Metric(name="roc_auc", task=task, greater_is_better=True),
    ]


def _of_values(task: str) -> list[Metric]:
    return [
        Metric(name="rmse", task=task, default=True),
        Metric(name="mae", task=task),
        Metric(name="mape", task=task),
        Metric(name="r2", task=task, greater_is_better=True),
    ]


METRICS = {  # by task and name
    task: {metric.name: metric for metric in metrics(task)}
    for task, metrics in (
        ("regression", _of_values),
        ("binary", _of_classes),
        ("multiclass", _of_classes),
    )
}
TASKS = tuple(METRICS)


def check(name: str) -> None:
    """Check a metric's name while the task is not known yet.

    Raises:
        WorkflowError: No task has such a metric.
    """
    known = ["auto", *dict.fromkeys(one for metrics in METRICS.values() for one in metrics)]
    if name not in known:
        raise unknown("metric", name, known)


def resolve(name: str, task: str, preferred: str = "auto") -> Metric:
    """Return the metric that a parameter names.

    Args:
        name: A metric's name, or `auto`.
        preferred: What `auto` stands for; `auto` again is the task's own default.

    Raises:
        WorkflowError: The task has no such metric.
    """
    known = METRICS[task]
    wanted = preferred if name == "auto" else name
    if wanted == "auto":
        return next(metric for metric in known.values() if metric.default)
    if wanted not in known:
        raise unknown(f"metric for {task}:", wanted, ["auto", *known])
    return known[wanted]
