"""Fitting families on the same rows, and judging them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import LabelledPipeline
from sql_features.value_pipeline import ValuePipeline
from workflow.errors import unknown
from workflow.evaluation.scores import score
from workflow.models.families import Family
from workflow.training.cross_validation import Rows, val_metrics
from workflow.training.encoded_data import EncodedData, encode
from workflow.training.model import Model, fit_model
from workflow.training.training_data import TrainingData

FINAL = -1  # in place of a fold's number: the rows of the final model


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A family fitted with some hyperparameters, and how it was judged.

    Attributes:
        hyperparameters: All of the estimator's, defaults included.
        seconds: Wall time of a fit, in the mean over the folds; the first of a family also encodes
            the features.
        predictions: For the rows judged, fold after fold: (n_judged,) values or
            (n_judged, n_labels) probabilities.
        metrics: `val_<metric>` by name; with folds their mean, and `val_<metric>_std`.
        last: The model of the last fold, and the rows that it was judged on.
        finish: Returns the final model.
    """

    hyperparameters: dict[str, Any]
    seconds: float
    predictions: np.ndarray
    metrics: dict[str, float]
    last: tuple[Model, Rows]
    finish: Callable[[], Model]

    @cached_property
    def model(self) -> Model:
        """The final model; of a holdout the one judged, with folds fitted now on all rows."""
        return self.finish()


class Trainer:
    """Fits families and judges them, encoding the features once a family and fold."""

    def __init__(self, data: TrainingData) -> None:
        self.data = data
        self._encoded: dict[tuple[str, int], EncodedData] = {}

    def fit(self, family: Family, hyperparameters: dict[str, Any]) -> Fitted:
        """Fit a family's estimator on each fold, and judge it on the rows left out.

        Args:
            family: Of `models.families.FAMILIES`, or the baseline.
            hyperparameters: Where they differ from the family's defaults.

        Raises:
            WorkflowError: The estimator has no such hyperparameter, refuses a value, or predicts
                something else than numbers.
        """
        plan, settings = self.data.plan, _all_hyperparameters(family, hyperparameters, self.data)
        models, seconds, predictions = [], [], []
        for number, fold in enumerate(plan.folds):
            start = time.perf_counter()
            encoded = self._encode(family, number, fold.fitted, fold.judged)
            models.append(fit_model(family, hyperparameters, self.data, fold.fitted, encoded))
            seconds.append(time.perf_counter() - start)
            predictions.append(_predict(models[-1], encoded.judged, family, hyperparameters))
        return Fitted(
            hyperparameters=settings,
            seconds=float(np.mean(seconds)),
            predictions=np.concatenate([self._padded(part) for part in predictions]),
            metrics=val_metrics(plan, self.data.task, self.data.y, predictions),
            last=(models[-1], plan.folds[-1].judged),
            finish=lambda: models[0] if plan.is_holdout else self.refit(family, hyperparameters),
        )

    def refit(self, family: Family, hyperparameters: dict[str, Any]) -> Model:
        """Fit the final model without judging it; the same as `fit(...).model`."""
        plan = self.data.plan
        # With a holdout, the rows of the only fold are encoded already.
        number, judged = (0, plan.folds[0].judged) if plan.is_holdout else (FINAL, None)
        encoded = self._encode(family, number, plan.final, judged)
        return fit_model(family, hyperparameters, self.data, plan.final, encoded)

    def pipeline(self, model: Model) -> Pipeline:
        """Return the pipeline of a final model, from raw rows to values or labels."""
        steps = [
            ("features", self.data.sql),
            ("encode", model.encoder),
            ("estimator", model.estimator),
        ]
        if model.codes is None:
            return ValuePipeline(steps)
        return LabelledPipeline(steps, labels=[self.data.labels[code] for code in model.codes])

    def train_metrics(self, fitted: Fitted) -> dict[str, float]:
        """Return `train_<metric>` of a final model, on the rows that it was fitted on."""
        rows = self.data.plan.final
        predictions = fitted.model.predict(self.data.x.iloc[rows])
        return score(self.data.task, "train", self.data.y[rows], predictions)

    def _encode(
        self, family: Family, number: int, fitted: Rows, judged: Rows | None
    ) -> EncodedData:
        key = (family.name, number)
        if key not in self._encoded:
            self._encoded[key] = encode(self.data, family, fitted, judged)
        return self._encoded[key]

    def _padded(self, predictions: np.ndarray) -> np.ndarray:
        """Return probabilities with a column for every label: a fold may know fewer."""
        if predictions.ndim == 1:
            return predictions
        missing = len(self.data.labels) - predictions.shape[1]
        return np.pad(predictions, ((0, 0), (0, missing)))


def _all_hyperparameters(
    family: Family, given: dict[str, Any], data: TrainingData
) -> dict[str, Any]:
    """Return every hyperparameter of the estimator, and check that it has those given."""
    known = family.hyperparameters(data.task, data.seed)
    for name in given:
        if name not in known:
            raise unknown(f"hyperparameter of {family.name}:", name, known)
    return known | given


def _predict(
    model: Model, encoded: Any, family: Family, hyperparameters: dict[str, Any]
) -> np.ndarray:
    """Return the predictions of a model, or say in one line why it has none."""
    settings = f"{family.name} fitted with {hyperparameters or 'defaults'}"
    try:
        predictions = model.predict_encoded(encoded)
    # Each library has its own exceptions, for too many neighbours or too little memory.
    except Exception as error:
        raise WorkflowError(f"{settings} cannot predict: {error}.") from error
    if not np.isfinite(predictions).all():
        raise WorkflowError(
            f"{settings} predicts no number for some rows: look for huge values in the "
            "target and the features."
        )
    return predictions
