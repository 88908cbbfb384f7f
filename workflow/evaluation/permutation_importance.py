"""How much worse a model predicts when a feature's values are shuffled."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from workflow.evaluation.scores import value
from workflow.models.metrics import Metric

REPEATS = 3  # shuffles of each feature
PREDICTED = 30_000  # rows predicted in all, which takes nearly all of the time
# But no more rows than change the picture, and no fewer than tell importance from chance.
MOST_ROWS, FEWEST_ROWS = 5_000, 200
AT_ONCE = 20_000  # rows predicted in one call, as each call has a fixed cost


def drawn_rows(rows: int, features: int, seed: int) -> np.ndarray:
    """Return the positions of the rows that importance is measured on, in random order.

    Args:
        rows: How many there are.
        features: How many are shuffled: the more features, the fewer rows.
        seed: Of the random order.
    """
    most = np.clip(PREDICTED // (REPEATS * max(features, 1)), FEWEST_ROWS, MOST_ROWS)
    return np.random.default_rng(seed).permutation(rows)[:most]


def permutation(
    predict: Callable[[pd.DataFrame], np.ndarray],
    x: pd.DataFrame,
    y: np.ndarray,
    *,
    metric: Metric,
    seed: int,
) -> pd.DataFrame:
    """Return how much worse a metric gets when a feature's values are shuffled.

    It is measured on features, before they are encoded, so that families can be compared
    (Breiman, Random Forests, 2001). Unlike scikit-learn's `permutation_importance` it predicts
    many shuffles at once: one by one, 200 features take ten times as long.

    Args:
        predict: Returns for features the predictions that `scores.value` takes.
        x: (n_rows, n_features) features of the rows that `drawn_rows` chooses.
        y: (n_rows,) targets; of classes their codes.
        metric: What gets worse.
        seed: Of the shuffling.

    Returns:
        A row for each feature: "feature", "importance" (in the metric's unit) and its "std"; NaN
        where the metric is not defined.
    """
    rng = np.random.default_rng(seed)
    rows, block = np.arange(len(x)), max(AT_ONCE // len(x), 1)
    shuffled = [column for column in range(x.shape[1]) for _ in range(REPEATS)]
    whole = _loss(metric, y, predict(x))
    lost = []
    for start in range(0, len(shuffled), block):
        columns = shuffled[start : start + block]
        several = x.iloc[np.tile(rows, len(columns))].reset_index(drop=True)
        for place, column in enumerate(columns):
            part = slice(place * len(x), (place + 1) * len(x))
            several.iloc[part, column] = x.iloc[rng.permutation(rows), column].array
        predicted = np.split(predict(several), len(columns))
        lost += [_loss(metric, y, part) - whole for part in predicted]
    by_feature = np.reshape(lost, (x.shape[1], REPEATS))
    return pd.DataFrame(
        {
            "feature": list(x),
            "importance": by_feature.mean(axis=1),
            "std": by_feature.std(axis=1),
        }
    )


def _loss(metric: Metric, y: np.ndarray, predicted: np.ndarray) -> float:
    return metric.loss(value(metric, y, predicted))
