"""The pipeline of a classifier: it predicts a label and the probability of every label."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

PREDICTION, PROBABILITY = "prediction", "probability_"  # a column, and what begins the others


class LabelledPipeline(Pipeline):
    """A pipeline whose estimator predicts codes of classes, 0 to k - 1, and which returns labels.

    Args:
        steps: As in `Pipeline`.
        labels: (k,) the label of each code.
        transform_input: As in `Pipeline`.
        memory: As in `Pipeline`.
        verbose: As in `Pipeline`.
    """

    def __init__(
        self,
        steps: list[tuple[str, Any]],
        *,
        labels: Sequence[Any] = (),
        transform_input: list[str] | None = None,
        memory: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(steps, transform_input=transform_input, memory=memory, verbose=verbose)
        self.labels = labels

    @property
    def classes_(self) -> np.ndarray:
        """The (k,) labels, in the order of the columns that `predict_proba` returns."""
        return np.asarray(self.labels)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the most probable label of each row, and the probability of every label.

        `predict` is the only method that an MLflow server calls, so it returns both.

        Args:
            X: (n_rows, any) frame with the raw columns.

        Returns:
            (n_rows, 1 + k) frame with the columns "prediction" and "probability_<label>".
        """
        if len(X):
            probabilities = self.predict_proba(X)
        else:  # estimators refuse no rows
            self[0].transform(X)  # refuses a frame without the columns
            probabilities = np.empty((0, len(self.labels)))
        columns = [f"{PROBABILITY}{label}" for label in self.labels]
        frame = pd.DataFrame(probabilities, columns=columns, index=X.index)
        frame.insert(0, PREDICTION, self.classes_[probabilities.argmax(axis=1)])
        return frame
