"""The page of a search, and what a report shows of it."""

from typing import Any

import pandas as pd

from workflow.report import render, search_charts


def search_page(trials: pd.DataFrame, importance: pd.DataFrame, metric: str, **how: bool) -> str:
    """Return the page of a search that is not part of a workflow, or not yet.

    Args:
        trials: As in trials.csv.
        importance: As in hyperparameter_importance.csv.
        metric: What trials were judged by.
        how: See `search`.
    """
    found = search(trials, importance, metric, **how)
    return render.render("search.html.j2", search=found, trials=trials, metric=metric)


def search(
    trials: pd.DataFrame, importance: pd.DataFrame, metric: str, *, greater_is_better: bool
) -> dict[str, Any]:
    """Return the charts of a search, by what they show."""
    parallel, few = {}, []
    for family, rows in trials.groupby("family", sort=False):
        rows = rows.dropna(axis=1, how="all")
        if len(rows) > 1 and search_charts.hyperparameters(rows, metric):
            parallel[family] = search_charts.parallel_coordinates(rows, metric)
        if family not in parallel or family not in set(importance["family"]):
            few.append(family)
    return {
        "history": search_charts.history(trials, metric, greater_is_better=greater_is_better),
        "importance": {
            family: search_charts.importance(rows)
            for family, rows in importance.groupby("family", sort=False)
        },
        "parallel": parallel,
        "few": few,
    }
