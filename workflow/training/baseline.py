"""The baseline: a model without features, which every other model must beat."""

from collections.abc import Collection, Iterable

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from sql_features.errors import WorkflowError
from workflow.data.split_rules import SPLITS
from workflow.data.splits import Splits
from workflow.evaluation.scores import codes, score, undefined
from workflow.models.families import BASELINE
from workflow.models.metrics import METRICS, Metric
from workflow.training.cross_validation import Rows, encode_targets, val_metrics, validation_plan
from workflow.training.model import Model, renumber


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


def baseline_scores(splits: Splits, validation: str, seed: int) -> dict[str, float]:
    """Return the scores of a model without features: `val_<metric>` and `test_<metric>`.

    Args:
        splits: What it is fitted, validated and tested on.
        validation: `holdout` or `cv:<folds>`.
        seed: Of the folds' shuffling.
    """
    task = splits.dataset.task
    y_train, y_validation, y_test = (splits.read(split, [])[1] for split in SPLITS)
    y, labels = encode_targets(task, y_train, y_validation, validation)
    plan = validation_plan(splits, y, len(y_train), seed, validation)

    def fit_and_predict(fitted: Rows, rows: int) -> np.ndarray:
        numbers, known = renumber(task, y[fitted])
        estimator = BASELINE.estimator(task, seed).fit(np.zeros((len(numbers), 1)), numbers)
        model = Model(encoder=FunctionTransformer(), estimator=estimator, codes=known)
        return model.predict_encoded(np.zeros((rows, 1)))

    judged = [fit_and_predict(fold.fitted, len(y[fold.judged])) for fold in plan.folds]
    actual = y_test.to_numpy() if task == "regression" else codes(y_test, labels)
    tested = fit_and_predict(plan.final, len(actual))
    return val_metrics(plan, task, y, judged) | score(task, "test", actual, tested)
