"""Which columns of a search's table of trials, trials.csv, are hyperparameters."""

import pandas as pd

from workflow.tracking import names

# The columns of trials.csv, beside the metric, that are not hyperparameters.
NO_HYPERPARAMETERS = ("trial", "run", "family", "run_id", names.FIT_SECONDS)


def hyperparameters(trials: pd.DataFrame, metric: str) -> list[str]:
    """Return the columns of trials that were searched and have more than one value."""
    return [
        name
        for name in trials
        if name not in (*NO_HYPERPARAMETERS, metric) and trials[name].nunique(dropna=False) > 1
    ]
