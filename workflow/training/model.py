"""A fitted model: features to predictions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.class_weight import compute_sample_weight

from sql_features.errors import WorkflowError
from workflow.models.families import BASELINE, WEIGHT, Family
from workflow.training.cross_validation import Rows
from workflow.training.encoded_data import EncodedData
from workflow.training.training_data import TrainingData


@dataclass(frozen=True, kw_only=True)
class Model:
    """A fitted encoder and estimator.

    Attributes:
        encoder: Transforms features to what the estimator takes.
        estimator: Fitted on targets, or on classes as `renumber` returns them.
        codes: The code of each class that the estimator knows, ascending; None for regression.
    """

    encoder: TransformerMixin
    estimator: BaseEstimator
    codes: np.ndarray | None

    def predict(self, x: pd.DataFrame) -> np.ndarray:
        """Return the predictions for features.

        Returns:
            (n_rows,) values; for classes (n_rows, highest known code + 1) probabilities, which are
            0 for codes that the estimator has not been fitted on.
        """
        return self.predict_encoded(self.encoder.transform(x))

    def predict_encoded(self, encoded: Any) -> np.ndarray:
        """Return what `predict` does, for features that the encoder has transformed already."""
        if self.codes is None:
            return np.asarray(self.estimator.predict(encoded))
        known = self.estimator.predict_proba(encoded)
        probabilities = np.zeros((len(known), self.codes[-1] + 1))
        probabilities[:, self.codes] = known
        return probabilities


def fit_model(
    family: Family,
    hyperparameters: dict[str, Any],
    data: TrainingData,
    rows: Rows,
    encoded: EncodedData,
) -> Model:
    """Fit a family's estimator.

    Args:
        hyperparameters: Where they differ from the family's defaults.
        rows: Those to fit on.
        encoded: The features of these rows, for this family.

    Raises:
        WorkflowError: All rows are of one class, or the estimator refuses a value.
    """
    y, codes = renumber(data.task, data.y[rows])
    if codes is not None and len(codes) == 1 and family is not BASELINE:
        raise WorkflowError(
            f"{family.name} cannot be fitted: all {len(y):,} rows that it would learn from are "
            f"of the class {data.labels[codes[0]]!r}. Give rows of other classes, or another "
            "`split` or `validation`."
        )
    estimator = family.estimator(data.task, data.seed)
    settings, fit_arguments = dict(hyperparameters), {}
    try:
        if codes is not None and family.weighs == "sample_weight":
            weight = {**family.of(data.task).defaults, **settings}.get(WEIGHT)
            settings.pop(WEIGHT, None)
            fit_arguments["sample_weight"] = compute_sample_weight(weight, y)
        if family.native in estimator.get_params():
            estimator.set_params(**encoded.native)
        else:
            fit_arguments |= encoded.native
        estimator.set_params(**settings).fit(encoded.fitted, y, **fit_arguments)
    # Each library has its own exceptions; most often they refuse a hyperparameter's value.
    except Exception as error:
        reason = str(error).partition("Stack trace")[0]  # XGBoost appends one
        raise WorkflowError(
            f"{family.name} cannot be fitted with {hyperparameters or 'defaults'}: {reason}"
        ) from error
    if family.predicts_alone:
        estimator.set_params(n_jobs=1)
    return Model(encoder=encoded.encoder, estimator=estimator, codes=codes)


def renumber(task: str, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Number classes from 0 without a gap, as XGBoost wants them.

    Args:
        y: (n_rows,) targets; for classes, codes of which some may not occur.

    Returns:
        (n_rows,) numbers, and the (n_classes,) codes that they stand for; for a regression `y` as
        it is, and None.
    """
    if task == "regression":
        return y, None
    codes, numbers = np.unique(y, return_inverse=True)
    return numbers, codes
