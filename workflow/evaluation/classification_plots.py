"""Plots of a classifier, in the style of `regression_plots`.

Classes are codes, as in `classification_curves`, which computes the curves' points. Curves are not
drawn by scikit-learn's displays: each would be one call of `plot`, whose labels, aspect and legend
are then replaced.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from sklearn import metrics

import workflow.evaluation.regression_plots  # noqa: F401 - sets the style of plots
from workflow.evaluation import classification_curves
from workflow.evaluation.classification_curves import MOST_CLASSES, Curve
from workflow.evaluation.palette import BLUE, COLOURS, GREY
from workflow.plain_values import text

BLACK = "#000000"
COUNTED, SHARED = 10, 20  # most classes whose cells have room for a count, and for a share
DARK = 0.47  # share up to which a cell is so dark that white is read on it; above it black is
TICKS = 60  # most labels along an axis


def confusion_matrix(
    y_true: np.ndarray, y_pred: np.ndarray, labels: Sequence[object], title: str
) -> Figure:
    """Draw how many rows of each class are predicted to be of which class.

    Args:
        y_true: (n_rows,) codes into `labels`.
        y_pred: (n_rows,) codes into `labels`.
        labels: Every class.
        title: Above the plot.
    """
    size = len(labels)
    counts = metrics.confusion_matrix(y_true, y_pred, labels=range(size))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    small = 10 if size <= COUNTED else 8 if size <= SHARED else 6
    figure = Figure(figsize=(7, 6))
    axes = figure.subplots()
    display = metrics.ConfusionMatrixDisplay(shares).plot(
        ax=axes,
        include_values=size <= SHARED,
        colorbar=False,
        im_kw={"vmin": 0, "vmax": 1, "aspect": "auto", "cmap": matplotlib.rcParams["image.cmap"]},
        text_kw={"fontsize": 11 if size <= 4 else small - 1.5},
    )
    for cell in np.ndindex(counts.shape) if size <= SHARED else ():
        share = shares[cell]
        shown = f"{counts[cell]:,}\n{share:.0%}" if size <= COUNTED else f"{100 * share:.0f}"
        display.text_[cell].set(text=shown, color="white" if share < DARK else "black")
    colours = "share of the actual class's rows"
    figure.colorbar(display.im_, label=colours, format=PercentFormatter(1))
    _name_ticks(axes, [text(label) for label in labels], small)
    axes.set(xlabel="predicted", ylabel="actual")
    axes.set_title(title, parse_math=False)
    axes.grid(visible=False)
    return figure


def _name_ticks(axes: Axes, names: list[str], fontsize: float) -> None:
    """Write the classes along both axes, as many as there is room for, none into the next."""
    step = -(-len(names) // TICKS)
    places = range(0, len(names), step)
    look: dict[str, Any] = {"fontsize": fontsize, "parse_math": False}
    axes.set_xticks(places, names[::step], **look)
    axes.set_yticks(places, names[::step], **look)
    if max(map(len, names)) * len(names) > 40:
        upright = len(names) > COUNTED
        axes.tick_params(axis="x", rotation=90 if upright else 45)
        for label in axes.get_xticklabels():
            label.set(rotation_mode="anchor", ha="right", va="center" if upright else "top")


def roc(
    y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[object], title: str
) -> Figure:
    """Draw the true against the false positive rate, each class against all others.

    Args:
        y_true: (n_rows,) codes into `labels`.
        probabilities: (n_rows, n_classes); of two classes, the second one's curve is drawn.
        labels: Every class, first those with a column of probabilities.
        title: Above the plot.
    """
    figure = Figure(figsize=_size(probabilities))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance: 0.500")
    _draw(axes, classification_curves.roc(y_true, probabilities), labels)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    _finish(axes, title, probabilities, "area under the curve", "lower right")
    return figure


def precision_recall(
    y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[object], title: str
) -> Figure:
    """Draw precision against recall, each class against all others.

    A dotted line is the precision of chance, the class's share of the rows. The arguments are those
    of `roc`.
    """
    figure = Figure(figsize=_size(probabilities))
    axes = figure.subplots()
    binary = _binary(probabilities)
    curves = classification_curves.precision_recall(y_true, probabilities)
    lines = _draw(axes, curves, labels, drawstyle="steps-pre")
    for curve, line in zip(curves, lines, strict=True):
        if curve.chance is not None:
            label = f"chance: {curve.chance:.3f}" if binary else None
            colour = line.get_color()
            axes.axhline(curve.chance, label=label, color=colour, linestyle=":", linewidth=1)
    axes.set(xlabel="recall", ylabel="precision")
    measure = "average precision" + ("" if binary else "\n(dotted: of chance)")
    _finish(axes, title, probabilities, measure, "lower left")
    return figure


def calibration(
    y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[object], title: str
) -> Figure:
    """Draw how often a class is the actual one against its predicted probability.

    Each point stands for as many rows. Below is a histogram of probabilities: of two classes the
    second's, of more those of the predicted class. The arguments are those of `roc`.
    """
    curves, given = classification_curves.calibration(y_true, probabilities)
    width, height = _size(probabilities)
    figure = Figure(figsize=(width, height + 1))
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfect")
    _draw(axes, curves, labels, marker="o", markersize=4)
    below.hist(given.edges[:-1], bins=given.edges, weights=given.counts, color=BLUE)
    of = "the predicted class" if given.code is None else f"class {text(labels[given.code])}"
    below.set_xlabel(f"predicted probability of {of}", parse_math=False)
    below.set_ylabel("rows")
    ends = (-0.02 * given.edges[-1], 1.02 * given.edges[-1])
    axes.set(ylabel="observed share", xlim=ends, ylim=ends)
    if not _binary(probabilities):
        axes.set_xlabel("predicted probability of the class")
        axes.tick_params(labelbottom=True)
    _finish(axes, title, probabilities, None, "upper left")
    return figure


def _draw(axes: Axes, curves: list[Curve], labels: Sequence[object], **how: Any) -> list[Line2D]:
    """Draw curves, those of classes first, with keyword arguments of `plot`; return their lines."""
    lines = []
    for place, curve in enumerate(curves):
        name = f"{curve.of} average"
        look: dict[str, Any] = {"color": BLACK, "linewidth": 2}
        if curve.code is not None:
            name, dash = f"class {text(labels[curve.code])}", "-" if place < len(COLOURS) else "--"
            look = {"color": COLOURS[place % len(COLOURS)], "linestyle": dash, **how}
        elif curve.of == "predicted":
            name, look = "predicted class", {"color": BLACK, **how}
        elif curve.of == "micro":
            look |= {"linestyle": "--", **how}
        area = "" if curve.area is None else f": {curve.area:.3f}"
        lines += axes.plot(curve.x, curve.y, label=f"{name}{area}", **look)
    if not curves:
        axes.text(0.5, 0.5, "not defined: all rows are of one class", ha="center", va="center")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return lines


def _binary(probabilities: np.ndarray) -> bool:
    return bool(probabilities.shape[1] == 2)


def _size(probabilities: np.ndarray) -> tuple[float, float]:
    """Return inches: with more than two classes there is a legend beside the plot."""
    return (7, 5) if _binary(probabilities) else (8, 5)


def _finish(
    axes: Axes, title: str, probabilities: np.ndarray, measure: str | None, place: str
) -> None:
    """Add the title, and the legend: of two classes at a place in the plot, else beside it."""
    classes = probabilities.shape[1]
    axes.set_title(title, parse_math=False)
    if not axes.get_legend_handles_labels()[0]:
        return  # no curve is defined, as the plot says
    notes = [f"{MOST_CLASSES} most frequent of {classes} classes"] if classes > MOST_CLASSES else []
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "fontsize": "small"}
    legend = axes.legend(
        title="\n".join([*notes, *([measure] if measure else [])]) or None,
        **({"loc": place} if classes == 2 else beside),
    )
    for entry in legend.get_texts():
        entry.set_parse_math(False)
