"""Charts of a search: its history, the importance of hyperparameters, all trials at once."""

from typing import Any

import pandas as pd

from workflow.evaluation.palette import GREY
from workflow.formatting import number
from workflow.models.metrics import Metric
from workflow.report import chart_style
from workflow.report.chart_style import LONGEST, Chart
from workflow.training.trial_columns import NO_HYPERPARAMETERS, hyperparameters


def of_search(trials: pd.DataFrame, importances: pd.DataFrame, metric: Metric) -> dict[str, Any]:
    """Return the charts of a search.

    Args:
        trials: (n_trials, ...) as in trials.csv: "trial", "run", "family", hyperparameters, and
            the score on validation under the metric's name.
        importances: As in hyperparameter_importance.csv.
        metric: What the trials were judged by.

    Returns:
        "history", a chart; "importance" and "parallel", a chart by family; "few", the families
        that have too few trials, or too little that varies, for both.
    """
    parallel, few = {}, []
    for family, rows in trials.groupby("family", sort=False):
        rows = rows.dropna(axis=1, how="all")
        if len(rows) > 1 and hyperparameters(rows, metric.name):
            parallel[family] = parallel_coordinates(rows, metric)
        if family not in parallel or family not in set(importances["family"]):
            few.append(family)
    return {
        "history": history(trials, metric),
        "importance": {
            family: importance(rows) for family, rows in importances.groupby("family", sort=False)
        },
        "parallel": parallel,
        "few": few,
    }


def history(trials: pd.DataFrame, metric: Metric) -> Chart:
    """Draw the score of each trial, and the best so far; a trial's label shows all of it."""
    figure = chart_style.chart(
        x={"title": "trial", "dtick": -(-len(trials) // 15)},  # whole numbers
        y=metric.val_name,
        hovermode="closest",
    )
    for family, rows in trials.groupby("family", sort=False):
        figure.add(
            "scatter",
            x=rows["trial"].tolist(),
            y=rows[metric.name].tolist(),
            mode="markers",
            name=chart_style.text(family),
            marker={"size": 9},
            hovertext=[_hover_label(row, metric) for _, row in rows.iterrows()],
            hoverinfo="text",
        )
    scores = trials[metric.name]
    figure.add(
        "scatter",
        x=trials["trial"].tolist(),
        y=(scores.cummax() if metric.greater_is_better else scores.cummin()).tolist(),
        mode="lines",
        line={"color": GREY, "shape": "hv", "width": 2},
        name="best so far",
        hoverinfo="skip",
    )
    return figure


def importance(shares: pd.DataFrame) -> Chart:
    """Draw the importance of the hyperparameters of one family, in the order of the rows."""
    axis = {"title": "share", "tickformat": ".0%", "rangemode": "tozero"}
    names, values = shares["hyperparameter"].tolist(), shares["importance"].tolist()
    return chart_style.horizontal_bars(names, values, x=axis, form=".1%")


def parallel_coordinates(trials: pd.DataFrame, metric: Metric) -> Chart:
    """Draw each trial of one family as a line through its hyperparameters to its score."""
    figure = chart_style.chart(380, margin={"l": 60, "r": 60, "t": 56, "b": 24})
    figure.add(
        "parcoords",
        dimensions=[
            *(_axis(name, trials[name]) for name in hyperparameters(trials, metric.name)),
            _axis(metric.val_name, trials[metric.name]),
        ],
        line={
            "color": trials[metric.name].tolist(),
            "colorscale": chart_style.SCALE,
            "showscale": True,
            "colorbar": {"title": {"text": metric.val_name}, "thickness": 12},
        },
        labelangle=-12,
    )
    return figure


def _axis(name: str, values: pd.Series) -> dict[str, Any]:
    """Return an axis of parallel coordinates: numbers to scale, other values as evenly spaced."""
    label = chart_style.text(name, 16)
    if pd.api.types.is_numeric_dtype(values) and values.dtype != bool:
        return {"label": label, "values": values.tolist()}
    codes, options = pd.factorize(values.fillna("none").astype(str), sort=True)
    return {
        "label": label,
        "values": codes.tolist(),
        "tickvals": list(range(len(options))),
        "ticktext": [chart_style.text(option, 12) for option in options],
    }


def _hover_label(trial: pd.Series, metric: Metric) -> str:
    lines = [
        f"<b>{chart_style.text(trial['run'])}</b>, {chart_style.text(trial['family'])}",
        f"{metric.val_name} {number(trial[metric.name])}",
    ]
    settings = trial.drop([*NO_HYPERPARAMETERS, metric.name], errors="ignore").dropna()
    for name, value in settings.items():
        text = number(value) if isinstance(value, float) else chart_style.text(value, LONGEST)
        lines.append(f"{chart_style.text(name)}: {text}")
    return "<br>".join(lines)
