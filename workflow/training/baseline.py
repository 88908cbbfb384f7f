"""A model that knows no feature: what any other must be better than."""

from collections.abc import Collection, Iterable

import numpy as np

from sql_features.errors import WorkflowError
from workflow.data.split_rules import SPLITS
from workflow.data.splits import Splits
from workflow.evaluation.scores import codes, score, undefined
from workflow.models.families import BASELINE
from workflow.models.metrics import METRICS, Metric
from workflow.training.cross_validation import Rows, coded, validation_plan
from workflow.training.trainer import Model, mean_and_std, renumbered


def check_defined(splits: Splits, names: Iterable[str], metrics: Collection[Metric]) -> None:
    """Check that metrics have a value on splits.

    Args:
        splits: The splits of a preprocess run.
        names: The splits to check; no other is read.
        metrics: Metrics of the dataset's task.

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


def baseline_scores(splits: Splits, how: str, seed: int) -> dict[str, float]:
    """Return what a model that knows no feature scores: `val_<metric>` and `test_<metric>`.

    Args:
        splits: The splits of a preprocess run.
        how: `holdout` or `cv:<folds>`.
        seed: Of the folds.
    """
    task = splits.dataset.task
    y_train, y_validation, y_test = (splits.read(split, [])[1] for split in SPLITS)
    y, labels = coded(task, y_train, y_validation, how)
    parts = validation_plan(splits, y, len(y_train), seed, how)

    def fit(rows: Rows) -> Model:
        fitted, known = renumbered(task, y[rows])
        estimator = BASELINE.estimator(task, seed).fit(np.zeros((len(fitted), 1)), fitted)
        return Model(encoder=None, estimator=estimator, codes=known)

    judged = [
        score(task, "val", y[on], fit(rows).predict_encoded(np.zeros((len(y[on]), 1))))
        for rows, on in parts.parts
    ]
    kept = fit(parts.final).predict_encoded(np.zeros((len(y_test), 1)))
    actual = y_test.to_numpy() if task == "regression" else codes(y_test, labels)
    return (judged[0] if len(judged) == 1 else mean_and_std(judged)) | score(
        task, "test", actual, kept
    )
