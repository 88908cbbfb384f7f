"""The curves of a classifier's probabilities, for plots and for the report.

A class is a code: its position in a list of labels, the first of which are the columns of the
predicted probabilities. A code after them is a label that train does not have: its rows are of no
class that can be predicted.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

from workflow.binning import sampled

MOST_CLASSES = 8  # most classes with a curve of their own
BINS = 10  # most points of a calibration curve
BARS = 40  # bars of the histogram of probabilities
MOST_PROBABILITIES = 500_000  # most that curves are made of: 18 million take a minute
VISIBLE = 5e-4  # a point nearer to a line seems to be on it; both axes go from 0 to 1

# A curve's ascending x, its y and the area under it.
Points = tuple[np.ndarray, np.ndarray, float]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve.

    Attributes:
        of: What the curve is of: one class, an average, or the predicted class.
        code: The one class's code; None for the others.
        x: (n_points,) ascending, from 0 to 1.
        y: (n_points,) from 0 to 1.
        area: The area under it: of precision and recall the average precision, of a calibration
            None.
        chance: The class's share of the rows, which is the precision of a random choice.
    """

    of: Literal["class", "macro", "micro", "predicted"]
    code: int | None = None
    x: np.ndarray
    y: np.ndarray
    area: float | None = None
    chance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many rows have which predicted probability.

    Attributes:
        code: The class whose probability it is; None for the predicted class.
        edges: (n_bars + 1,) ascending, from 0.
        counts: (n_bars,) rows.
    """

    code: int | None
    edges: np.ndarray
    counts: np.ndarray


def roc(y_true: np.ndarray, probabilities: np.ndarray) -> list[Curve]:
    """Return the true against the false positive rate, each class against all others.

    Args:
        y_true: (n_rows,) codes.
        probabilities: (n_rows, n_classes).

    Returns:
        Of two classes the second's curve, of more those of the most frequent (`MOST_CLASSES`) and
        the averages of all; no curves if all rows are of one class.
    """

    def points(truth: np.ndarray, score: np.ndarray) -> Points | None:
        if truth.all() or not truth.any():
            return None
        x, y, _ = metrics.roc_curve(truth, score)
        return x, y, metrics.auc(x, y)

    return _curves(points, y_true, probabilities)


def precision_recall(y_true: np.ndarray, probabilities: np.ndarray) -> list[Curve]:
    """Return precision against recall, each class against all others.

    It takes and returns what `roc` does; no curves if no row is of a class that can be predicted.
    Between two points the precision is that of the second.
    """

    def points(truth: np.ndarray, score: np.ndarray) -> Points | None:
        if not truth.any():
            return None
        precision, recall, _ = metrics.precision_recall_curve(truth, score, drop_intermediate=True)
        return recall[::-1], precision[::-1], metrics.average_precision_score(truth, score)

    return _curves(points, y_true, probabilities)


def calibration(y_true: np.ndarray, probabilities: np.ndarray) -> tuple[list[Curve], Histogram]:
    """Return how often a class is the actual one against its predicted probability.

    Each point stands for as many rows.

    Args:
        y_true: (n_rows,) codes.
        probabilities: (n_rows, n_classes), clipped to 0 to 1, which rounding errors may exceed.

    Returns:
        Of two classes the second's curve, and its probabilities; of more, the curves of the most
        frequent (`MOST_CLASSES`) and of the predicted class, and the latter's probabilities.
    """
    y_true, probabilities = np.asarray(y_true), np.clip(probabilities, 0, 1)
    rows, classes = probabilities.shape
    bins = min(BINS, max(2, rows // 20))
    wanted: dict[int | None, tuple[np.ndarray, np.ndarray]] = {
        code: (y_true == code, probabilities[:, code])
        for code in classes_with_curves(y_true, classes)
    }
    if classes == 2:
        shown = probabilities[:, 1]
    else:
        shown = probabilities.max(axis=1)
        wanted[None] = y_true == probabilities.argmax(axis=1), shown
    curves = []
    for code, (truth, score) in wanted.items() if rows else ():
        happened, given = calibration_curve(
            truth.astype(int), score, pos_label=1, n_bins=bins, strategy="quantile"
        )
        curves.append(
            Curve(of="predicted" if code is None else "class", code=code, x=given, y=happened)
        )
    # With many classes all probabilities are small: the axis ends after the greatest.
    tops = [float(values.max()) for curve in curves for values in (curve.x, curve.y)]
    top = 1 if classes == 2 else min(1, 1.05 * max(0.1, *tops, shown.max(initial=0)))
    counts, edges = np.histogram(shown, bins=BARS, range=(0, top))
    return curves, Histogram(code=1 if classes == 2 else None, edges=edges, counts=counts)


def rows_of_curves(rows: int, classes: int, seed: int) -> np.ndarray:
    """Return the positions of the rows that curves are made of: all, or a random sample.

    Args:
        rows: How many there are.
        classes: How many probabilities each has.
        seed: For the sample.
    """
    return sampled(rows, max(MOST_PROBABILITIES // classes, 1), seed)


def classes_with_curves(y_true: np.ndarray, classes: int) -> list[int]:
    """Return the codes of the classes with a curve: the second of two, or the most frequent."""
    if classes == 2:
        return [1]
    rows = np.bincount(y_true, minlength=classes)[:classes]
    frequent = np.argsort(-rows, kind="stable")[:MOST_CLASSES]
    return [int(code) for code in frequent if rows[code]]


def thinned(x: np.ndarray, y: np.ndarray, most: int) -> np.ndarray:
    """Return the positions of the points of a line that are enough to keep its shape.

    The point farthest from the line through those kept is added until none is visibly off it:
    Ramer, An iterative procedure for the polygonal approximation of plane curves (1972).

    Args:
        x: (n_points,) from 0 to 1.
        y: (n_points,) from 0 to 1.
        most: How many are kept at most, 2 or more.
    """
    last = len(x) - 1
    kept = {0, last}
    found: list[tuple[float, int, int, int]] = []  # -distance, line's ends, point

    def find_farthest(start: int, end: int) -> None:
        if end - start < 2:
            return
        right, up = x[end] - x[start], y[end] - y[start]
        to_right, to_up = x[start + 1 : end] - x[start], y[start + 1 : end] - y[start]
        length = np.hypot(right, up)
        if length:
            off = np.abs(right * to_up - up * to_right) / length
        else:
            off = np.hypot(to_right, to_up)
        far = int(off.argmax())
        if off[far] > VISIBLE:
            heapq.heappush(found, (-off[far], start, end, start + 1 + far))

    find_farthest(0, last)
    while found and len(kept) < most:
        _, start, end, far = heapq.heappop(found)
        kept.add(far)
        find_farthest(start, far)
        find_farthest(far, end)
    return np.array(sorted(kept))


def _curves(
    points: Callable[[np.ndarray, np.ndarray], Points | None],
    y_true: np.ndarray,
    probabilities: np.ndarray,
) -> list[Curve]:
    """Return a curve for each class, and of more than two classes the averages of all.

    Args:
        points: Returns the curve of (n,) truths and (n,) scores, None where it is not defined.
        y_true: (n_rows,) codes.
        probabilities: (n_rows, n_classes).
    """
    y_true, classes = np.asarray(y_true), probabilities.shape[1]
    own = classes_with_curves(y_true, classes)
    others = [code for code in range(classes) if classes != 2 and code not in own]  # averaged only
    found: dict[int, Points] = {}
    for code in [*own, *others]:
        if one := points(y_true == code, probabilities[:, code]):
            found[code] = one
    curves = [
        Curve(of="class", code=code, x=x, y=y, area=area, chance=float((y_true == code).mean()))
        for code, (x, y, area) in found.items()
        if code in own
    ]
    if classes != 2 and found:
        # The mean of the curves at the same x is the curve whose area is the mean of the areas.
        x = np.linspace(0, 1, 501)
        y = np.mean([np.interp(x, *one[:2]) for one in found.values()], axis=0)
        area = float(np.mean([one[2] for one in found.values()]))
        curves.append(Curve(of="macro", x=x, y=y, area=area))
        truth = y_true[:, None] == np.arange(classes)
        pooled = points(truth.ravel(), probabilities.ravel())
        assert pooled is not None  # it is defined where that of one class is
        x, y, area = pooled
        curves.append(Curve(of="micro", x=x, y=y, area=area))
    return curves
