"""How much a model leans on each feature."""

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from workflow.evaluate import value
from workflow.fitting import Bench, Fitted
from workflow.metrics import loss

ROWS = 5_000  # of those judged; more would not change the picture
REPEATS = 3


def permutation(bench: Bench, fitted: Fitted, metric: str) -> pd.DataFrame:
    """Return how much worse the metric gets when a feature's values are shuffled.

    It is measured on features, before they are encoded, so that families can be compared
    (Breiman, Random Forests, 2001; scikit-learn's `permutation_importance`).

    Returns:
        A row a feature: "feature", "importance" (in the metric's unit) and its "std".
    """
    model, judged = fitted.last
    x, y = bench.x.iloc[judged], bench.y[judged]

    def scorer(_: object, x: pd.DataFrame, y: np.ndarray) -> float:
        return -loss(bench.task, metric, value(bench.task, metric, y, model.predict(x)))

    some = np.random.default_rng(bench.seed).permutation(len(x))[:ROWS]
    result = permutation_importance(
        model.estimator,  # is asked for nothing: the scorer predicts
        x.iloc[some],
        y[some],
        scoring=scorer,
        n_repeats=REPEATS,
        random_state=bench.seed,
    )
    return pd.DataFrame(
        {
            "feature": list(x),
            "importance": result.importances_mean,
            "std": result.importances_std,
        }
    )
