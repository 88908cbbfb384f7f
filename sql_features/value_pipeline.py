"""The pipeline of a regression: it predicts a value a row."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline


class ValuePipeline(Pipeline):
    """A pipeline whose estimator predicts values; of no rows it predicts none."""

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the (n_rows,) predictions for a frame with the raw columns."""
        if not len(X):  # estimators refuse no rows
            self[0].transform(X)  # refuses a frame without the columns
            return np.empty(0)
        return np.asarray(super().predict(X))
