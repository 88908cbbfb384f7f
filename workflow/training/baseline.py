"""The baseline: a model without features, which every other model must beat."""

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from workflow.data.split_rules import SPLITS
from workflow.data.splits import Splits
from workflow.evaluation.scores import Judged, codes, score
from workflow.models.families import BASELINE
from workflow.training.cross_validation import Rows, encode_targets, val_metrics, validation_plan
from workflow.training.model import Model, renumber


def baseline_scores(splits: Splits, validation: str, seed: int) -> tuple[dict[str, float], Judged]:
    """Score a model without features.

    Args:
        splits: What it is fitted, validated and tested on.
        validation: `holdout` or `cv:<folds>`.
        seed: Of the folds' shuffling.

    Returns:
        `val_<metric>` and `test_<metric>`; and the true and the predicted values of the test split.
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
    scores = val_metrics(plan, task, y, judged) | score(task, "test", actual, tested)
    return scores, (actual, tested)
