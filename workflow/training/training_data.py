"""The train and validation splits as features and targets, read and computed once."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from sql_features.errors import WorkflowError
from sql_features.transformer import SqlFeatures
from workflow.data.splits import Splits
from workflow.models.metrics import METRICS, Metric
from workflow.training.cross_validation import (
    ValidationPlan,
    encode_targets,
    validation_plan,
    without_value,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """All that models are fitted and judged on; it is never changed, so fits can share it.

    Rows are those of train, then those of validation. Positions in `plan` are positions in `x`
    and `y`.

    Attributes:
        splits: The splits of a preprocess run.
        seed: Of everything random in folds, encoding and fitting.
        sql: Computes the features from raw columns.
        example: The first five raw rows of train.
        x: (n_rows, n_features) features.
        y: (n_rows,) targets; for classes, their codes.
        labels: The label of each code, those that the final model knows first; none for regression.
        plan: Which rows models are fitted on, and which they are judged on.
    """

    splits: Splits
    seed: int
    sql: SqlFeatures
    example: pd.DataFrame
    x: pd.DataFrame
    y: np.ndarray
    labels: list[Any]
    plan: ValidationPlan

    @classmethod
    def read(
        cls, splits: Splits, features: dict[str, str], *, seed: int, validation: str
    ) -> "TrainingData":
        """Read the splits and compute the features.

        Args:
            features: SQL expression by feature name.
            validation: `holdout` or `cv:<folds>`.

        Raises:
            WorkflowError: A feature cannot be computed on some row, or there are fewer rows than
                folds.
        """
        columns = splits.columns_for(features)
        raw, y_train = splits.read("train", columns)
        example = raw.head(5)
        optional = [name for name in raw if raw[name].isna().any()]
        sql = SqlFeatures(features, columns, optional, **splits.texts_for(columns)).fit(raw)
        x_train = _features(sql, "train", raw)
        raw, y_validation = splits.read("validation", columns)
        x_validation = _features(sql, "validation", raw)
        y, labels = encode_targets(splits.dataset.task, y_train, y_validation, validation)
        return cls(
            splits=splits,
            seed=seed,
            sql=sql,
            example=example,
            x=pd.concat([x_train, x_validation], ignore_index=True),
            y=y,
            labels=labels,
            plan=validation_plan(splits, y, len(y_train), seed, validation),
        )

    def using(self, features: dict[str, str]) -> "TrainingData":
        """Return the same rows with some of the features."""
        if features == self.sql.features:
            return self
        columns = self.splits.columns_for(features)
        optional = [name for name in self.sql.optional or [] if name in columns]
        example = self.example[list(columns)]
        return replace(
            self,
            sql=SqlFeatures(features, columns, optional, **self.splits.texts_for(columns)).fit(
                example
            ),
            example=example,
            x=self.x[list(features)],
        )

    @property
    def task(self) -> str:
        """The dataset's task."""
        return self.splits.dataset.task

    @cached_property
    def y_judged(self) -> np.ndarray:
        """(n_judged,) targets of the rows that models are judged on, fold after fold."""
        return np.concatenate([self.y[fold.judged] for fold in self.plan.folds])

    @cached_property
    def without_value(self) -> dict[str, str]:
        """Why a metric has no mean over the folds, by the name of each that has none."""
        return without_value(self.plan, self.task, self.y)

    def check_defined(self, metric: Metric) -> None:
        """Check that a metric has a mean over the folds.

        Raises:
            WorkflowError: It has none.
        """
        if reason := self.without_value.get(metric.name):
            known = METRICS[self.task]
            allowed = ", ".join(name for name in known if name not in self.without_value)
            raise WorkflowError(
                f"{metric.name} has no mean over the folds: {reason}. Allowed with these folds: "
                f"{allowed}; or give fewer folds, or validation='holdout'."
            )

    @cached_property
    def cardinality(self) -> dict[str, int]:
        """Distinct values of each categorical feature, in the rows of the final model.

        It decides how a category is encoded, so that it is encoded alike in every fold.
        """
        return {
            name: self.x[name].iloc[self.plan.final].nunique()
            for name, kind in self.sql.kinds_.items()
            if kind == "category"
        }


def _features(sql: SqlFeatures, split: str, raw: pd.DataFrame) -> pd.DataFrame:
    try:
        return sql.transform(raw)
    except ValueError as error:
        raise WorkflowError(f"{split} split: {error}") from error
