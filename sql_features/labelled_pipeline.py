"""The model of a classification: raw rows to labels, with the probability of each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

PREDICTION, PROBABILITY = "prediction", "probability_"  # columns of what is served


class LabelledPipeline(Pipeline):
    """A pipeline whose estimator knows classes by codes, 0 to k - 1, and whose user by labels.

    Args:
        steps: As of a Pipeline.
        labels: (k,) the label of each code.
        memory: As of a Pipeline.
        transform_input: As of a Pipeline.
        verbose: As of a Pipeline.
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
        """The (k,) labels, in the order of the columns of predict_proba."""
        return np.asarray(self.labels)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the most probable label of each row, and the probability of every label.

        Both, because a served model has no other method to be asked by.

        Returns:
            (n_rows, 1 + k) frame with the columns "prediction" and "probability_<label>".
        """
        probabilities = self.predict_proba(X)
        columns = [f"{PROBABILITY}{label}" for label in self.labels]
        frame = pd.DataFrame(probabilities, columns=columns, index=X.index)
        frame.insert(0, PREDICTION, self.classes_[probabilities.argmax(axis=1)])
        return frame
