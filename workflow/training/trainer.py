"""Fitting: features once, encoding once a family, then any number of estimators."""

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import LabelledPipeline
from sql_features.transformer import SqlFeatures
from workflow.data.splits import Splits
from workflow.errors import unknown
from workflow.evaluation.scores import score
from workflow.models.encoding import build, native_columns
from workflow.models.families import BASELINE, WEIGHT, Family
from workflow.training.cross_validation import Rows, coded, validation_plan


@dataclass(frozen=True, kw_only=True)
class Model:
    """A fitted encoder and estimator: features to predictions.

    Attributes:
        encoder: Of the features.
        estimator: Fitted on `codes` renumbered from 0.
        codes: The codes of the classes that it was fitted on, ascending; None for regression.
    """

    encoder: ColumnTransformer | None
    estimator: BaseEstimator
    codes: np.ndarray | None

    def predict(self, x: pd.DataFrame) -> np.ndarray:
        """Return predictions: (n_rows,) values, or (n_rows, highest code + 1) probabilities."""
        return self.predict_encoded(self.encoder.transform(x))

    def predict_encoded(self, encoded: Any) -> np.ndarray:
        """Return what `predict` does, of features that are encoded already."""
        if self.codes is None:
            return self.estimator.predict(encoded)
        found = self.estimator.predict_proba(encoded)
        probabilities = np.zeros((len(found), self.codes[-1] + 1))
        probabilities[:, self.codes] = found
        return probabilities


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A family's model with some hyperparameters, and how it did.

    Attributes:
        hyperparameters: All of the estimator's, defaults included.
        seconds: Wall time of the estimator's fit; of folds, of one of them.
        predictions: Of the rows judged, as `Model.predict`, in the order of `Trainer.actual`.
        metrics: `val_<metric>` of the rows judged; of folds the mean, and `val_<metric>_std`.
        last: The model of the last part, and the rows that it was judged on.
        kept: The model that is kept, if it was fitted to be judged: the one of a holdout.
        finish: Fits the model that is kept, if it is not there yet.
    """

    hyperparameters: dict[str, Any]
    seconds: float
    predictions: np.ndarray
    metrics: dict[str, float]
    last: tuple[Model, Rows]
    kept: Model | None
    finish: Callable[[], Model]

    @cached_property
    def model(self) -> Model:
        """The model that is kept: on train alone, or with folds on train and validation."""
        return self.kept or self.finish()


class Trainer:
    """The train and validation splits as features, and what families make of them.

    Args:
        splits: The splits of a preprocess run.
        features: SQL expression by feature name.
        seed: Of everything random in folds, encoding and fitting.
        validation: `holdout` or `cv:<folds>`.

    Attributes:
        task: The dataset's.
        labels: Of classes, the label of each code; first those that the kept model knows.
        x: (n_rows, n_features) features of train, then of validation.
        y: (n_rows,) targets; of classes their codes.
        actual: (n_judged,) targets of the rows that a model is judged on.
    """

    def __init__(
        self, splits: Splits, features: dict[str, str], seed: int, validation: str
    ) -> None:
        self.splits, self.task, self.seed = splits, splits.dataset.task, seed
        columns = splits.columns_for(features)
        raw, y_train = splits.read("train", columns)
        self.example = raw.head(5)
        optional = [name for name in raw if raw[name].isna().any()]
        self.sql = SqlFeatures(features, columns, optional).fit(raw)
        parts = [self._features("train", raw)]
        raw, y_validation = splits.read("validation", columns)
        parts.append(self._features("validation", raw))
        self.x = pd.concat(parts, ignore_index=True)
        self.y, self.labels = coded(self.task, y_train, y_validation, validation)
        self.plan = validation_plan(splits, self.y, len(y_train), seed, validation)
        self._encoded: dict[tuple[str, int], _Encoded] = {}

    def using(self, features: dict[str, str]) -> "Trainer":
        """Return a trainer of the same rows with some of the features."""
        if features == self.sql.features:
            return self
        columns = self.splits.columns_for(features)
        optional = [name for name in self.sql.optional if name in columns]
        narrow = copy(self)
        narrow.example = self.example[list(columns)]
        narrow.sql = SqlFeatures(features, columns, optional).fit(narrow.example)
        narrow.x, narrow._encoded = self.x[list(features)], {}
        return narrow

    def fit(self, family: Family, hyperparameters: dict[str, Any]) -> Fitted:
        """Fit a family's estimator where it is to be fitted, and judge it where it is to be judged.

        Args:
            family: One of models.FAMILIES, or the baseline.
            hyperparameters: Where they differ from the family's defaults.

        Raises:
            WorkflowError: The estimator has no such hyperparameter, or refuses a value.
        """
        every = self._settings(family, hyperparameters)
        models, metrics, predictions, seconds = [], [], [], []
        for number, (_, judged) in enumerate(self.plan.parts):
            start = time.perf_counter()
            models.append(self._fit(family, hyperparameters, number))
            seconds.append(time.perf_counter() - start)
            encoded = self._encode(family, number)
            settings = f"{family.name} fitted with {hyperparameters or 'defaults'}"
            try:
                predictions.append(models[-1].predict_encoded(encoded.judged))
            # Each library has errors of its own: too many neighbours, too little memory.
            except Exception as error:
                raise WorkflowError(f"{settings} cannot predict: {error}.") from error
            if not np.isfinite(predictions[-1]).all():
                raise WorkflowError(
                    f"{settings} predicts no number for some rows: look for huge values in the "
                    "target and the features."
                )
            metrics.append(score(self.task, "val", self.y[judged], predictions[-1]))
        one = len(models) == 1
        return Fitted(
            hyperparameters=every,
            seconds=float(np.mean(seconds)),
            predictions=np.concatenate([self._padded(part) for part in predictions]),
            metrics=metrics[0] if one else mean_and_std(metrics),
            last=(models[-1], self.plan.parts[-1][1]),
            kept=models[0] if one else None,
            finish=lambda: self.refit(family, hyperparameters),
        )

    def refit(self, family: Family, hyperparameters: dict[str, Any]) -> Model:
        """Fit the model that is kept, as `fit` does: on train, or with folds on validation too."""
        one = len(self.plan.parts) == 1
        return self._fit(family, hyperparameters, 0 if one else KEPT)

    def pipeline(self, model: Model) -> Pipeline:
        """Return the whole of a kept model: raw rows to predictions."""
        steps = [
            ("features", self.sql),
            ("encode", model.encoder),
            ("estimator", model.estimator),
        ]
        if model.codes is None:
            return Pipeline(steps)
        return LabelledPipeline(steps, labels=[self.labels[code] for code in model.codes])

    def train_metrics(self, fitted: Fitted) -> dict[str, float]:
        """Return `train_<metric>` of a kept model, on the rows that it was fitted on."""
        final = self.plan.final
        return score(self.task, "train", self.y[final], fitted.model.predict(self.x.iloc[final]))

    @cached_property
    def actual(self) -> np.ndarray:
        """The targets of the rows judged, part after part."""
        return np.concatenate([self.y[judged] for _, judged in self.plan.parts])

    @property
    def cardinality(self) -> dict[str, int]:
        """Distinct values of each categorical feature where the kept model is fitted."""
        return {
            name: self.x[name].iloc[self.plan.final].nunique()
            for name, kind in self.sql.kinds_.items()
            if kind == "category"
        }

    def _features(self, split: str, raw: pd.DataFrame) -> pd.DataFrame:
        try:
            return self.sql.transform(raw)
        except ValueError as error:
            raise WorkflowError(f"{split} split: {error}") from error

    def _settings(self, family: Family, hyperparameters: dict[str, Any]) -> dict[str, Any]:
        """Return every hyperparameter of the estimator, those given checked."""
        known = family.hyperparameters(self.task, self.seed)
        for name in hyperparameters:
            if name not in known:
                raise unknown(f"hyperparameter of {family.name}:", name, known)
        return known | hyperparameters

    def _fit(self, family: Family, hyperparameters: dict[str, Any], number: int) -> Model:
        """Fit on the rows of a part, or of the kept model (`KEPT`)."""
        encoded = self._encode(family, number)
        estimator = family.estimator(self.task, self.seed)
        given, options = dict(hyperparameters), {}
        y, known = renumbered(self.task, self.y[self._fitted_rows(number)])
        if known is not None and len(known) == 1 and family is not BASELINE:
            raise WorkflowError(
                f"{family.name} cannot be fitted: all {len(y):,} rows that it would learn from are "
                f"of the class {self.labels[known[0]]!r}. Give rows of other classes, or another "
                "`split` or `validation`."
            )
        try:
            if known is not None and family.weighs == "sample_weight":
                weight = {**family.of(self.task).defaults, **given}.get(WEIGHT)
                given.pop(WEIGHT, None)
                options = {"sample_weight": compute_sample_weight(weight, y)}
            if family.native in estimator.get_params():
                estimator.set_params(**encoded.native)
            else:
                options |= encoded.native
            estimator.set_params(**given).fit(encoded.fitted, y, **options)
        # Each library has errors of its own; a value that it refuses is what they mean.
        except Exception as error:
            reason = str(error).partition("Stack trace")[0]  # XGBoost's own
            raise WorkflowError(
                f"{family.name} cannot be fitted with {hyperparameters or 'defaults'}: {reason}"
            ) from error
        if family.predicts_alone:
            estimator.set_params(n_jobs=1)
        return Model(encoder=encoded.encoder, estimator=estimator, codes=known)

    def _fitted_rows(self, number: int) -> Rows:
        return self.plan.final if number == KEPT else self.plan.parts[number][0]

    def _encode(self, family: Family, number: int) -> "_Encoded":
        key = (family.name, number)
        if key not in self._encoded:
            rows = self._fitted_rows(number)
            x, y = self.x.iloc[rows], self.y[rows]
            # A feature that is missing in all of the rows has nothing to tell, and breaks trees.
            known = x.notna().any()
            encoder = build(
                family.encoding,
                {name: kind for name, kind in self.sql.kinds_.items() if known[name]},
                self.cardinality,
                self.seed,
                rows=len(y),
                classes=self.task != "regression",
            )
            try:
                fitted = encoder.fit_transform(x, y)
            except ValueError as error:
                raise WorkflowError(
                    f"{family.name}: {len(y):,} rows are too few, or too few of "
                    f"a class, to encode features by ({error})."
                ) from error
            judged = None
            if number != KEPT:
                judged = encoder.transform(self.x.iloc[self.plan.parts[number][1]])
            native = {family.native: native_columns(encoder)} if family.native else {}
            self._encoded[key] = _Encoded(encoder, fitted, judged, native)
        return self._encoded[key]

    def _padded(self, predictions: np.ndarray) -> np.ndarray:
        """Folds may know fewer classes than there are."""
        if predictions.ndim == 1:
            return predictions
        return np.pad(predictions, ((0, 0), (0, len(self.labels) - predictions.shape[1])))


KEPT = -1  # instead of a part's number


@dataclass(frozen=True)
class _Encoded:
    encoder: ColumnTransformer
    fitted: np.ndarray | pd.DataFrame
    judged: np.ndarray | pd.DataFrame | None
    native: dict[str, list[int]]  # what `fit` is told of native categories


def renumbered(task: str, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return classes' codes from 0 without a gap, as XGBoost wants them, and what they were."""
    if task == "regression":
        return y, None
    known, codes = np.unique(y, return_inverse=True)
    return codes, known


def mean_and_std(metrics: list[dict[str, float]]) -> dict[str, float]:
    table = pd.DataFrame(metrics)
    return table.mean().to_dict() | table.std().add_suffix("_std").to_dict()
