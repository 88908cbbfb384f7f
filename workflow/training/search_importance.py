"""How much each hyperparameter mattered in a search."""

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor

from workflow.tracking import names

FEWEST = 10  # trials of a family; of fewer nothing can be told
TREES = 200
# Columns of trials.csv that are no hyperparameters; the metric is another.
NO_HYPERPARAMETERS = ("trial", "run", "family", "run_id", names.FIT_SECONDS)


def importance(trials: pd.DataFrame, hyperparameters: list[str], loss: pd.Series) -> pd.DataFrame:
    """Return the share of each hyperparameter in how the trials of its family differ.

    A forest learns a trial's rank from its hyperparameters; the share is by how much splits at it
    reduce the variance (mean decrease in impurity: Breiman et al., Classification and Regression
    Trees, 1984). It is of ranks, so that one trial that went wrong does not decide, and of what was
    tried: where the search looked most, more is known.

    Args:
        trials: (n_trials, ...) with "family" and the hyperparameters, missing where a family has
            none of that name.
        hyperparameters: Names of columns.
        loss: (n_trials,) smaller is better.

    Returns:
        "family", "hyperparameter" and "importance", which sums to 1 in a family; the most
        important first. A family with fewer than `FEWEST` trials is left out, and a
        hyperparameter that had one value only.
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


def hyperparameters(trials: pd.DataFrame, metric: str) -> list[str]:
    """Return the columns of trials that were searched and have more than one value."""
    return [
        name
        for name in trials
        if name not in (*NO_HYPERPARAMETERS, metric) and trials[name].nunique(dropna=False) > 1
    ]


def _numbers(values: pd.Series) -> np.ndarray:
    """Return the ranks of numbers, which are searched on other scales; the codes of all else."""
    if pd.api.types.is_numeric_dtype(values) and values.dtype != bool:
        return values.rank().to_numpy()
    return pd.factorize(values.astype(str), sort=True)[0]
