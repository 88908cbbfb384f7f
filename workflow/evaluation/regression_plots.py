"""Plots of a regression and of feature importance, and the style of all plots.

Figures are made without pyplot, which would keep each in memory and look for a display.
"""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from workflow.evaluation.palette import BLUE, VERMILION
from workflow.plain_values import text

COUNTED = FuncFormatter(lambda value, _: f"{value:,.0f}")  # writes 10000 as 10,000
LONGEST = 40  # characters of a feature's name
matplotlib.rcParams |= {
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


def predicted_against_actual(
    y_true: np.ndarray, y_pred: np.ndarray, title: str, unit: str = ""
) -> Figure:
    """Draw the density of (actual, predicted), and the line where they are equal.

    Args:
        y_true: (n_rows,) targets.
        y_pred: (n_rows,) predictions.
        title: Above the plot.
        unit: Of the target.
    """
    figure = Figure()
    axes = figure.subplots()
    cells = axes.hexbin(y_true, y_pred, gridsize=_cells(y_true), bins="log", mincnt=1)
    figure.colorbar(cells, label="rows", format=COUNTED)
    ends = [min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max())]
    axes.plot(ends, ends, color=VERMILION, linewidth=1.5, label="predicted = actual")
    axes.set(title=title, xlabel=_named("actual", unit), ylabel=_named("predicted", unit))
    axes.legend(loc="upper left")
    return figure


def residuals(y_true: np.ndarray, y_pred: np.ndarray, title: str, unit: str = "") -> Figure:
    """Draw the density of (predicted, actual - predicted) and the residuals' distribution.

    The arguments are those of `predicted_against_actual`.
    """
    residual = y_true - y_pred
    figure = Figure(figsize=(8, 5))
    axes, side = figure.subplots(1, 2, sharey=True, width_ratios=[4, 1])
    axes.hexbin(y_pred, residual, gridsize=_cells(y_true), bins="log", mincnt=1)
    axes.axhline(0, color=VERMILION, linewidth=1.5)
    left, below = _named("actual - predicted", unit), _named("predicted", unit)
    axes.set(title=title, xlabel=below, ylabel=left)
    side.hist(residual, bins=60, orientation="horizontal", color=BLUE)
    side.axhline(0, color=VERMILION, linewidth=1.5)
    side.set(xlabel="rows")
    side.locator_params(axis="x", nbins=2)
    side.xaxis.set_major_formatter(COUNTED)
    return figure


def feature_importance(importance: pd.DataFrame, title: str, xlabel: str) -> Figure:
    """Draw a bar for each of the 25 most important features.

    Args:
        importance: A row for each feature, with columns "feature", "importance" and "std".
        title: Above the plot.
        xlabel: What importance is measured in.
    """
    shown = importance.sort_values("importance").tail(25)
    figure = Figure(figsize=(7, 1.5 + 0.28 * len(shown)))
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, shown["importance"], xerr=shown["std"], color=BLUE, ecolor=VERMILION)
    names = [text(name, LONGEST) for name in shown["feature"]]
    axes.set_yticks(places, names, parse_math=False)  # a name may be a$b$
    axes.set(title=title, xlabel=xlabel)
    axes.grid(visible=False, axis="y")
    return figure


def _cells(values: np.ndarray) -> int:
    """Return how many cells are along an axis: with few rows fewer, so that each has several."""
    return 60 if len(values) >= 2_000 else 25


def _named(what: str, unit: str) -> str:
    return f"{what} ({unit})" if unit else what
