"""Fitting: features once, encoding once a family, then any number of estimators."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from workflow.encoding import build, native_columns
from workflow.errors import WorkflowError, unknown
from workflow.evaluate import score
from workflow.features import SqlFeatures
from workflow.models import Family
from workflow.runs import Splits


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted model and how it did.

    Attributes:
        pipeline: SqlFeatures, encoding, estimator: raw rows to predictions.
        hyperparameters: All of the estimator's, defaults included.
        seconds: Wall time of the estimator's fit.
        predictions: (n_rows,) of the validation split.
        metrics: `val_<metric>` of the validation split.
    """

    pipeline: Pipeline
    hyperparameters: dict[str, Any]
    seconds: float
    predictions: np.ndarray
    metrics: dict[str, float]


class Bench:
    """The train and validation splits as features, and what families make of them.

    Args:
        splits: The splits of a preprocess run.
        features: SQL expression by feature name.
        seed: Of everything random in encoding and fitting.
    """

    def __init__(self, splits: Splits, features: dict[str, str], seed: int) -> None:
        self.task = splits.dataset.task
        self.seed = seed
        columns = splits.columns_for(features)
        raw, self.y_train = splits.read("train", columns)
        self.example = raw.head(5)
        optional = [name for name in raw if raw[name].isna().any()]
        self.sql = SqlFeatures(features, columns, optional).fit(raw)
        self.x_train = self._features("train", raw)
        raw, self.y_validation = splits.read("validation", columns)
        self.x_validation = self._features("validation", raw)
        self._encoded: dict[str, _Encoded] = {}

    def _features(self, split: str, raw: pd.DataFrame) -> pd.DataFrame:
        try:
            return self.sql.transform(raw)
        except ValueError as error:
            raise WorkflowError(f"{split} split: {error}") from error

    @cached_property
    def cardinality(self) -> dict[str, int]:
        """Distinct values of each categorical feature in train."""
        return {
            name: self.x_train[name].nunique()
            for name, kind in self.sql.kinds_.items()
            if kind == "category"
        }

    def fit(self, family: Family, hyperparameters: dict[str, Any]) -> Fitted:
        """Fit a family's estimator and score it on the validation split.

        Args:
            family: One of models.FAMILIES, or the baseline.
            hyperparameters: Where they differ from the family's defaults.

        Raises:
            WorkflowError: The estimator has no such hyperparameter, or refuses a value.
        """
        estimator = family.estimator(self.task, self.seed)
        for name in hyperparameters:
            if name not in estimator.get_params():
                raise unknown(f"hyperparameter of {family.name}:", name, estimator.get_params())
        encoded = self._encode(family)
        start = time.perf_counter()
        try:
            estimator.set_params(**hyperparameters)
            if family.native in estimator.get_params():
                estimator.set_params(**encoded.native).fit(encoded.train, self.y_train)
            else:
                estimator.fit(encoded.train, self.y_train, **encoded.native)
        # Each library has errors of its own; a value that it refuses is what they mean.
        except Exception as error:
            raise WorkflowError(
                f"{family.name} cannot be fitted with {hyperparameters or 'defaults'}: {error}"
            ) from error
        seconds = time.perf_counter() - start
        given = estimator.get_params()
        if family.predicts_alone:
            estimator.set_params(n_jobs=1)
        predictions = estimator.predict(encoded.validation)
        steps = [("features", self.sql), ("encode", encoded.encoder), ("estimator", estimator)]
        return Fitted(
            pipeline=Pipeline(steps),
            hyperparameters=given,
            seconds=seconds,
            predictions=predictions,
            metrics=score(self.task, "val", self.y_validation, predictions),
        )

    def train_metrics(self, family: Family, fitted: Fitted) -> dict[str, float]:
        """Return `train_<metric>` of a fitted model."""
        predictions = fitted.pipeline[-1].predict(self._encode(family).train)
        return score(self.task, "train", self.y_train, predictions)

    def _encode(self, family: Family) -> "_Encoded":
        if family.name not in self._encoded:
            encoder = build(family.encoding, self.sql.kinds_, self.cardinality, self.seed)
            train = encoder.fit_transform(self.x_train, self.y_train)
            validation = encoder.transform(self.x_validation)
            native = {family.native: native_columns(encoder)} if family.native else {}
            self._encoded[family.name] = _Encoded(encoder, train, validation, native)
        return self._encoded[family.name]


@dataclass(frozen=True)
class _Encoded:
    encoder: ColumnTransformer
    train: np.ndarray | pd.DataFrame
    validation: np.ndarray | pd.DataFrame
    native: dict[str, list[int]]  # what `fit` is told of native categories
