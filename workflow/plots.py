"""Pictures of a model and of a search, in one style."""

import matplotlib

matplotlib.use("Agg")  # no display is needed, and none is looked for

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind people can tell apart.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"
STYLE = {
    "figure.figsize": (7, 5),
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.alpha": 0.25,
    "image.cmap": "cividis",
}
plt.rcParams.update(STYLE)


def close(figure: Figure) -> None:
    """Give back a figure's memory, which pyplot holds."""
    plt.close(figure)


def predicted_against_actual(y_true: np.ndarray, y_pred: np.ndarray, title: str) -> Figure:
    """Draw the density of (actual, predicted), and the line where they are equal."""
    figure, axes = plt.subplots()
    cells = axes.hexbin(y_true, y_pred, gridsize=60, bins="log", mincnt=1)
    figure.colorbar(cells, label="rows")
    ends = [min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max())]
    axes.plot(ends, ends, color=ORANGE, linewidth=1.5, label="predicted = actual")
    axes.set(title=title, xlabel="actual", ylabel="predicted")
    axes.legend(loc="upper left")
    return figure


def residuals(y_true: np.ndarray, y_pred: np.ndarray, title: str) -> Figure:
    """Draw the density of (predicted, actual - predicted) and the residuals' distribution."""
    left_over = y_true - y_pred
    figure, (axes, side) = plt.subplots(
        1, 2, sharey=True, figsize=(8, 5), gridspec_kw={"width_ratios": [4, 1]}
    )
    axes.hexbin(y_pred, left_over, gridsize=60, bins="log", mincnt=1)
    axes.axhline(0, color=ORANGE, linewidth=1.5)
    axes.set(title=title, xlabel="predicted", ylabel="actual - predicted")
    side.hist(left_over, bins=60, orientation="horizontal", color=BLUE)
    side.axhline(0, color=ORANGE, linewidth=1.5)
    side.set(xlabel="rows")
    side.locator_params(axis="x", nbins=2)
    return figure


def feature_importance(importance: pd.DataFrame, title: str, xlabel: str) -> Figure:
    """Draw a bar a feature.

    Args:
        importance: Columns "feature", "importance" and "std".
        title: Above the plot.
        xlabel: What importance is measured in.
    """
    shown = importance.sort_values("importance").tail(25)
    figure, axes = plt.subplots(figsize=(7, 1.5 + 0.28 * len(shown)))
    axes.barh(shown["feature"], shown["importance"], xerr=shown["std"], color=BLUE, ecolor=GREY)
    axes.set(title=title, xlabel=xlabel)
    axes.grid(visible=False, axis="y")
    return figure


def search_history(trials: pd.DataFrame, metric: str, best: pd.Series) -> go.Figure:
    """Draw each trial's value and the best so far.

    Args:
        trials: Columns "trial", "family", the hyperparameters and `metric`.
        metric: The column judged by.
        best: (n_trials,) the best value up to each trial.
    """
    figure = go.Figure(layout=_layout(f"Search history: {metric} by trial"))
    for family, rows in trials.groupby("family", sort=False):
        figure.add_scatter(
            x=rows["trial"], y=rows[metric], mode="markers", name=str(family),
            hovertext=rows.drop(columns=["trial", metric]).apply(_hover, axis=1),
        )  # fmt: skip
    figure.add_scatter(
        x=trials["trial"], y=best, mode="lines", name="best so far", line={"color": ORANGE}
    )
    figure.update_xaxes(title="trial")
    figure.update_yaxes(title=metric)
    return figure


def parallel_coordinates(trials: pd.DataFrame, metric: str) -> go.Figure:
    """Draw each trial of one family as a line through its hyperparameters to its value."""
    columns = [name for name in trials if name not in ("trial", "family", metric)]
    axes = [
        {"label": name, "values": trials[name]}
        for name in [*columns, metric]
        if trials[name].notna().all()
    ]
    return go.Figure(
        go.Parcoords(
            dimensions=axes,
            line={"color": trials[metric], "colorscale": "Cividis", "showscale": True},
        ),
        layout=_layout(f"Parallel coordinates: {trials['family'].iloc[0]}, colour is {metric}"),
    )


def page(figures: list[go.Figure]) -> str:
    """Return one self-contained HTML page with the figures below each other."""
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=index == 0)
        for index, figure in enumerate(figures)
    ]
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Search</title>'
    return head + "\n".join(parts)


def _layout(title: str) -> go.Layout:
    return go.Layout(
        title=title,
        template="plotly_white",
        colorway=[BLUE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442"],
        margin={"t": 90},
    )


def _hover(row: pd.Series) -> str:
    return "<br>".join(f"{name}: {value}" for name, value in row.dropna().items())
