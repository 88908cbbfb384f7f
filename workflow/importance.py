"""How much a model leans on each feature."""

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from workflow.evaluate import METRICS, loss
from workflow.fitting import Bench, Fitted

ROWS = 5_000  # of validation; more would not change the picture
REPEATS = 3


def permutation(bench: Bench, fitted: Fitted, metric: str) -> pd.DataFrame:
    """Return how much worse the metric gets when a feature's values are shuffled.

    It is measured on features, before they are encoded, so that families can be compared
    (Breiman, Random Forests, 2001; scikit-learn's `permutation_importance`).

    Returns:
        A row a feature: "feature", "importance" (in the metric's unit) and its "std".
    """
    judged = METRICS[bench.task][metric]
    model = fitted.pipeline[1:]

    def scorer(_: object, x: pd.DataFrame, y: pd.Series) -> float:
        return -loss(bench.task, metric, judged(y, model.predict(x)))

    some = np.random.default_rng(bench.seed).permutation(len(bench.x_validation))[:ROWS]
    result = permutation_importance(
        model,
        bench.x_validation.iloc[some],
        bench.y_validation.iloc[some],
        scoring=scorer,
        n_repeats=REPEATS,
        random_state=bench.seed,
    )
    return pd.DataFrame(
        {
            "feature": list(bench.x_validation),
            "importance": result.importances_mean,
            "std": result.importances_std,
        }
    )
