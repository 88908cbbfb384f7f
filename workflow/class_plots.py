"""Pictures of a classifier, in the style of `workflow.plots`.

Classes are codes: positions in a list of labels, whose first ones are the columns of the predicted
probabilities. A code beyond them is a label that training has not seen; its rows belong to none of
the classes that can be predicted.
"""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn import metrics
from sklearn.calibration import calibration_curve

from workflow.plots import BLUE, GREY, ORANGE

BLACK = "#000000"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito's
MOST = 8  # classes with a curve of their own
BINS = 10
COUNTED, SHARED = 10, 20  # the most classes whose cells have room for a count, for a share
TICKS = 60  # the most labels along an axis
LONGEST = 22  # characters of a label

# From (n,) truths and (n,) scores to ascending x, y and the area; None where it is not defined.
Points = tuple[np.ndarray, np.ndarray, float]
Curve = Callable[[np.ndarray, np.ndarray], Points | None]


def confusion_matrix(
    y_true: np.ndarray, y_pred: np.ndarray, labels: Sequence[object], title: str
) -> Figure:
    """Draw how many rows of each class are taken for which.

    Args:
        y_true: (n_rows,) codes into `labels`.
        y_pred: (n_rows,) codes into `labels`.
        labels: Every class.
        title: Above the plot.
    """
    size = len(labels)
    counts = metrics.confusion_matrix(y_true, y_pred, labels=range(size))
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    figure, axes = plt.subplots(figsize=(7, 6))
    image = axes.imshow(shares, vmin=0, vmax=1, aspect="auto")
    figure.colorbar(image, label="share of the actual class's rows", format=PercentFormatter(1))
    step = -(-size // TICKS)
    small = 10 if size <= COUNTED else 8 if size <= SHARED else 6
    texts = [text(label) for label in labels]
    look = {"fontsize": small, "parse_math": False}
    axes.set_xticks(range(0, size, step), texts[::step], **look)
    axes.set_yticks(range(0, size, step), texts[::step], **look)
    if max(map(len, texts)) * size > 40:  # they would run into each other
        axes.tick_params(axis="x", rotation=90 if size > COUNTED else 45)
        plt.setp(
            axes.get_xticklabels(),
            rotation_mode="anchor",
            ha="right",
            va="center" if size > COUNTED else "top",
        )
    if size <= SHARED:
        for row, column in np.ndindex(counts.shape):
            share, count = shares[row, column], counts[row, column]
            percent = f"{share:.0%}" if size <= COUNTED else f"{100 * share:.0f}"
            axes.text(
                column,
                row,
                f"{count:,}\n{percent}" if size <= COUNTED else percent,
                ha="center",
                va="center",
                fontsize=11 if size <= 4 else small - 1.5,
                color="white" if share < 0.5 else "black",
            )
    axes.set(xlabel="predicted", ylabel="actual")
    axes.set_title(title, parse_math=False)
    axes.grid(visible=False)
    return figure


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

    def curve(truth: np.ndarray, score: np.ndarray) -> Points | None:
        if truth.all() or not truth.any():
            return None
        x, y, _ = metrics.roc_curve(truth, score)
        return x, y, metrics.auc(x, y)

    figure, axes = plt.subplots(figsize=_size(probabilities))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance: 0.500")
    _curves(axes, curve, y_true, probabilities, labels)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    _finish(axes, title, probabilities, labels, "area under the curve", "lower right")
    return figure


def precision_recall(
    y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[object], title: str
) -> Figure:
    """Draw precision against recall, each class against all others.

    Dotted lines are the precision of chance: the class's share of the rows.

    Args:
        y_true: (n_rows,) codes into `labels`.
        probabilities: (n_rows, n_classes); of two classes, the second one's curve is drawn.
        labels: Every class, first those with a column of probabilities.
        title: Above the plot.
    """

    def curve(truth: np.ndarray, score: np.ndarray) -> Points | None:
        if not truth.any():
            return None
        precision, recall, _ = metrics.precision_recall_curve(truth, score, drop_intermediate=True)
        area = metrics.average_precision_score(truth, score)
        return recall[::-1], precision[::-1], area

    figure, axes = plt.subplots(figsize=_size(probabilities))
    drawn = _curves(axes, curve, y_true, probabilities, labels, drawstyle="steps-pre")
    for code, colour in drawn.items():
        share = float((y_true == code).mean())
        label = f"chance: {share:.3f}" if probabilities.shape[1] == 2 else None
        axes.axhline(share, color=colour, linestyle=":", linewidth=1, label=label)
    axes.set(xlabel="recall", ylabel="precision")
    measure = "average precision" + ("" if probabilities.shape[1] == 2 else "\n(dotted: of chance)")
    _finish(axes, title, probabilities, labels, measure, "lower left")
    return figure


def calibration(
    y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[object], title: str
) -> Figure:
    """Draw how often a class is right against the probability it was given.

    Each point stands for as many rows as the next. Below is how often which probability is given:
    of two classes to the second, of more to the one that is predicted.

    Args:
        y_true: (n_rows,) codes into `labels`.
        probabilities: (n_rows, n_classes); of two classes, the second one's curve is drawn.
        labels: Every class, first those with a column of probabilities.
        title: Above the plot.
    """
    y_true, probabilities = np.asarray(y_true), np.clip(probabilities, 0, 1)
    width, height = _size(probabilities)
    figure, (axes, below) = plt.subplots(
        2, 1, sharex=True, figsize=(width, height + 1), gridspec_kw={"height_ratios": [4, 1]}
    )
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfect")
    bins = min(BINS, max(2, len(y_true) // 20))
    tops: list[float] = []

    def draw(truth: np.ndarray, score: np.ndarray, **look: object) -> None:
        if len(truth):
            happened, given = calibration_curve(
                truth.astype(int), score, pos_label=1, n_bins=bins, strategy="quantile"
            )
            axes.plot(given, happened, marker="o", markersize=4, **look)
            tops.extend([given.max(), happened.max()])

    for code, look in _looks(y_true, probabilities.shape[1]).items():
        draw(y_true == code, probabilities[:, code], label=f"class {text(labels[code])}", **look)
    if probabilities.shape[1] == 2:
        shown, of = probabilities[:, 1], f"class {text(labels[1])}"
    else:
        shown, of = probabilities.max(axis=1), "the predicted class"
        draw(y_true == probabilities.argmax(axis=1), shown, label="predicted class", color=BLACK)
    # Of many classes, each has a small probability.
    top = 1 if probabilities.shape[1] == 2 else min(1, 1.05 * max(0.1, *tops, shown.max(initial=0)))
    below.hist(shown, bins=40, range=(0, top), color=BLUE)
    below.set_xlabel(f"predicted probability of {of}", parse_math=False)
    below.set_ylabel("rows")
    ends = (-0.02 * top, 1.02 * top)
    axes.set(ylabel="observed share", xlim=ends, ylim=ends)
    if probabilities.shape[1] != 2:
        axes.set_xlabel("predicted probability of the class")
        axes.tick_params(labelbottom=True)
    _finish(axes, title, probabilities, labels, None, "upper left")
    return figure


def text(label: object) -> str:
    """Return a label as it is drawn: in one line, printable, short."""
    line = " ".join(str(label).split())
    line = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)
    if len(line) > LONGEST:
        line = line[: LONGEST - 1] + "…"
    return line or "(empty)"


def _looks(y_true: np.ndarray, classes: int) -> dict[int, dict[str, str]]:
    """Return colour and line by the code of each class that is drawn."""
    if classes == 2:
        return {1: {"color": BLUE, "linestyle": "-"}}
    rows = np.bincount(y_true, minlength=classes)[:classes]
    frequent = np.argsort(-rows, kind="stable")[:MOST]
    return {
        int(code): {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": "-" if place < len(COLOURS) else "--",
        }
        for place, code in enumerate(frequent)
        if rows[code]
    }


def _curves(
    axes: Axes,
    curve: Curve,
    y_true: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[object],
    **how: str,
) -> dict[int, str]:
    """Draw a curve a class and the averages of all; return the colour by class.

    Args:
        axes: Where.
        curve: Of one class.
        y_true: (n_rows,) codes.
        probabilities: (n_rows, n_classes).
        labels: By code.
        how: Of the lines.
    """
    classes = probabilities.shape[1]
    looks = _looks(y_true, classes)
    found = {}
    for code in [*looks, *(code for code in range(classes) if classes != 2 and code not in looks)]:
        if points := curve(y_true == code, probabilities[:, code]):
            found[code] = points
    for code, (x, y, area) in found.items():
        if code in looks:
            axes.plot(x, y, label=f"class {text(labels[code])}: {area:.3f}", **looks[code], **how)
    if classes != 2 and found:
        # The mean of the curves at the same x is the curve whose area is the mean of the areas.
        x = np.linspace(0, 1, 501)
        y = np.mean([np.interp(x, *points[:2]) for points in found.values()], axis=0)
        area = np.mean([points[2] for points in found.values()])
        axes.plot(x, y, color=BLACK, linewidth=2, label=f"macro average: {area:.3f}")
        truth = np.asarray(y_true)[:, None] == np.arange(classes)
        x, y, area = curve(truth.ravel(), probabilities.ravel())
        label = f"micro average: {area:.3f}"
        axes.plot(x, y, color=BLACK, linestyle="--", linewidth=2, label=label, **how)
    if not found:
        axes.text(0.5, 0.5, "not defined: all rows are of one class", ha="center", va="center")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return {code: looks[code]["color"] for code in found if code in looks}


def _size(probabilities: np.ndarray) -> tuple[float, float]:
    """Return inches: with more than two classes, the legend stands beside the plot."""
    return (7, 5) if probabilities.shape[1] == 2 else (8, 5)


def _finish(
    axes: Axes,
    title: str,
    probabilities: np.ndarray,
    labels: Sequence[object],
    measure: str | None,
    place: str,
) -> None:
    classes = probabilities.shape[1]
    axes.set_title(title, parse_math=False)
    notes = [f"{MOST} most frequent of {classes} classes"] if classes > MOST else []
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "fontsize": "small"}
    if not axes.get_legend_handles_labels()[0]:
        return  # no curve is defined, which is said in the plot
    legend = axes.legend(
        title="\n".join([*notes, *([measure] if measure else [])]) or None,
        **({"loc": place} if classes == 2 else beside),
    )
    for entry in legend.get_texts():
        entry.set_parse_math(False)
