"""How much each hyperparameter mattered in a search."""

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor

FEWEST = 10  # trials of a family that shares are computed from; of fewer they would be chance
TREES = 200


def importance(trials: pd.DataFrame, hyperparameters: list[str], loss: pd.Series) -> pd.DataFrame:
    """Return how much of the difference between a family's trials each hyperparameter explains.

    A forest learns the rank of a trial's loss from its hyperparameters. A hyperparameter's share is
    the part of the variance that splits at it remove (mean decrease in impurity: Breiman et al.,
    Classification and Regression Trees, 1984). Ranks keep a single bad trial from deciding. Shares
    describe the trials made, and so mostly the region that the search preferred.

    Args:
        trials: (n_trials, ...) with the column "family" and one for each hyperparameter, missing
            where a family does not have it.
        hyperparameters: The names of these columns.
        loss: (n_trials,) smaller is better.

    Returns:
        The columns "family", "hyperparameter" and "importance", which sums to 1 within a family,
        the most important first. Left out are families with fewer than `FEWEST` trials, and
        hyperparameters that had a single value.
    """
    found = []
    for family, rows in trials.groupby("family", sort=False):
        settings = rows[[name for name in hyperparameters if rows[name].nunique(dropna=False) > 1]]
        if len(rows) < FEWEST or settings.empty:
            continue
        x = np.column_stack([_numbers(settings[name]) for name in settings])
        forest = ExtraTreesRegressor(TREES, max_features=None, random_state=0)
        forest.fit(x, loss[rows.index].rank())
        shares = pd.Series(forest.feature_importances_, index=list(settings))
        found += [
            {"family": family, "hyperparameter": name, "importance": share}
            for name, share in shares.sort_values(ascending=False, kind="stable").items()
        ]
    return pd.DataFrame(found, columns=["family", "hyperparameter", "importance"])


def _numbers(values: pd.Series) -> np.ndarray:
    """Return numbers as ranks, whatever their scale is, and other values as codes."""
    if pd.api.types.is_numeric_dtype(values) and values.dtype != bool:
        return np.asarray(values.rank())
    return np.asarray(pd.factorize(values.astype(str), sort=True)[0])
