"""Charts of a search: its history, what mattered, and all trials at once."""

from typing import Any

import pandas as pd

from workflow.evaluation.palette import GREY
from workflow.formatting import number
from workflow.report import chart_style
from workflow.training.search_importance import NO_HYPERPARAMETERS, hyperparameters


def of_search(
    trials: pd.DataFrame, importances: pd.DataFrame, metric: str, *, greater_is_better: bool
) -> dict[str, Any]:
    """Return the charts of a search.

    Args:
        trials: As in trials.csv.
        importances: As in hyperparameter_importance.csv.
        metric: What the trials were judged by.
        greater_is_better: Which way the best is.

    Returns:
        "history", a chart; "importance" and "parallel", a chart by family; "few", the families that
        have too few trials, or too little that varies, for both.
    """
    parallel, few = {}, []
    for family, rows in trials.groupby("family", sort=False):
        rows = rows.dropna(axis=1, how="all")
        if len(rows) > 1 and hyperparameters(rows, metric):
            parallel[family] = parallel_coordinates(rows, metric)
        if family not in parallel or family not in set(importances["family"]):
            few.append(family)
    return {
        "history": history(trials, metric, greater_is_better=greater_is_better),
        "importance": {
            family: importance(rows) for family, rows in importances.groupby("family", sort=False)
        },
        "parallel": parallel,
        "few": few,
    }


def history(trials: pd.DataFrame, metric: str, *, greater_is_better: bool) -> chart_style.Chart:
    """Draw each trial's score, and the best so far; hovering over a trial tells all of it.

    Args:
        trials: As in trials.csv: "trial", "run", "family", hyperparameters, and the metric.
        metric: What they were judged by.
        greater_is_better: Which way the best is.
    """
    figure = chart_style.chart(
        x={"title": "trial", "dtick": -(-len(trials) // 15)},  # whole numbers
        y=f"val_{metric}",
        hovermode="closest",
    )
    for family, rows in trials.groupby("family", sort=False):
        figure.add(
            "scatter",
            x=rows["trial"].tolist(),
            y=rows[metric].tolist(),
            mode="markers",
            name=chart_style.text(family),
            marker={"size": 9},
            hovertext=[_hover(row, metric) for _, row in rows.iterrows()],
            hoverinfo="text",
        )
    best = trials[metric].cummax() if greater_is_better else trials[metric].cummin()
    figure.add(
        "scatter",
        x=trials["trial"].tolist(),
        y=best.tolist(),
        mode="lines",
        line={"color": GREY, "shape": "hv", "width": 2},
        name="best so far",
        hoverinfo="skip",
    )
    return figure


def importance(table: pd.DataFrame) -> chart_style.Chart:
    """Draw the hyperparameters of one family, the most important on top.

    Args:
        table: "hyperparameter" and "importance", the most important first.
    """
    rows = table.iloc[::-1]
    figure = chart_style.chart(
        90 + 28 * len(rows), x={"title": "share", "tickformat": ".0%", "rangemode": "tozero"}
    )
    figure.add(
        "bar",
        x=rows["importance"].tolist(),
        y=chart_style.labels(rows["hyperparameter"].tolist()),
        orientation="h",
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    return figure


def parallel_coordinates(trials: pd.DataFrame, metric: str) -> chart_style.Chart:
    """Draw each trial of one family as a line through its hyperparameters to its score.

    Args:
        trials: Of one family, as in trials.csv.
        metric: What they were judged by; it colours the lines.
    """
    axes = []
    for name in [*hyperparameters(trials, metric), metric]:
        label = chart_style.text(f"val_{name}" if name == metric else name, 16)
        if pd.api.types.is_numeric_dtype(trials[name]) and trials[name].dtype != bool:
            axes.append({"label": label, "values": trials[name].tolist()})
            continue
        codes, options = pd.factorize(trials[name].fillna("none").astype(str), sort=True)
        ticks = [chart_style.text(one, 12) for one in options]
        axes.append(
            {
                "label": label,
                "values": codes.tolist(),
                "tickvals": list(range(len(ticks))),
                "ticktext": ticks,
            }
        )
    figure = chart_style.chart(380, margin={"l": 60, "r": 60, "t": 56, "b": 24})
    figure.add(
        "parcoords",
        dimensions=axes,
        line={
            "color": trials[metric].tolist(),
            "colorscale": chart_style.SCALE,
            "showscale": True,
            "colorbar": {"title": {"text": f"val_{metric}"}, "thickness": 12},
        },
        labelangle=-12,
    )
    return figure


def _hover(row: pd.Series, metric: str) -> str:
    settings = row.drop([name for name in (*NO_HYPERPARAMETERS, metric) if name in row]).dropna()
    lines = [
        f"<b>{chart_style.text(row['run'])}</b>, {chart_style.text(row['family'])}",
        f"val_{metric} {number(row[metric])}",
        *(f"{chart_style.text(name)}: {_plain(value)}" for name, value in settings.items()),
    ]
    return "<br>".join(lines)


def _plain(value: object) -> str:
    return (
        number(value) if isinstance(value, float) else chart_style.text(value, chart_style.LONGEST)
    )
