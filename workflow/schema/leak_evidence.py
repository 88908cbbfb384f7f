"""Whether a candidate, such as a column's values, gives the target away, and by what evidence.

All candidates of a table are judged by the same tests. Each test asks twice: is the agreement near
perfect, and could it be luck? How likely luck is, is multiplied by the number of candidates
(Bonferroni), so that a wide table finds no more by luck than a narrow one.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import bdtr, bdtrc, gammaln

from workflow.plain_values import quoted

FEWEST = 20  # rows from which on there is evidence of anything
FEW = 5  # fewer rows than this may be chance
ENOUGH_NUMBERS = 100  # rows from which on a number is compared with others by order or by a tree
NEAR_PERFECT = 0.999  # score above which values alone give the target away
NEAR_PERFECT_GAPS = 0.99  # the same of gaps, which are either there or not
SCREENED = 4_000  # rows that a tree is first fitted on
PROMISING = 0.98  # score above which a tree is fitted on all rows
HOPELESS = 0.8  # score of the next row as a guess, below which no tree is fitted
FITTING = 0.95  # share of rows on a straight line: a few may be capped, or mistaken
ON_A_LINE = 0.95  # R2 of these rows; it is worse where they are rounded as coarsely as they vary
LINED = 1_000  # rows that a line is first fitted on
# Values are often rounded to one of these, as seconds or as decimals.
ROUNDED_TO = (86_400, 3_600, 1_000, 100, 60, 10, 1, *(10.0**-digits for digits in range(1, 7)))

CHANCE = 1e-3  # the greatest probability that unrelated values agree so well, in the whole table
# A column that is right in nine of ten rows that are not of the most frequent label is good, but
# no leak. It passes for one, in the whole table, with at most the probability LUCK.
GOOD, LUCK = 0.9, 0.01

Kind = Literal["number", "category", "gaps", "date", "difference"]


@dataclass(frozen=True, eq=False)
class Target:
    """The target of a sample of rows.

    Attributes:
        name: Its name.
        values: (n_rows,) numbers, or codes of labels; NaN where missing.
        labels: The text of each code, None where the target is a number.
    """

    name: str
    values: np.ndarray
    labels: list[str] | None = None

    @cached_property
    def known(self) -> np.ndarray:
        """(n_rows,) whether there is a value."""
        there: np.ndarray = ~np.isnan(self.values)
        return there


def evidence(values: np.ndarray, kind: Kind, target: Target, tried: int) -> str | None:
    """Return how a candidate gives the target away, or None where nothing says that it does.

    Numbers, and differences of dates, are compared with a number by value, by order and by what a
    tree predicts from them. Dates are compared by value alone: what grows over the years is
    near-perfectly in the order of time, and no leak.

    Args:
        values: (n_rows,) numbers, codes of categories, seconds of dates, or 1 and 0 for gaps; NaN
            where missing. Rows are in no order.
        kind: What they are.
        target: The target of the same rows.
        tried: How many candidates the table has.
    """
    both = target.known & ~np.isnan(values)
    x, y = values[both], target.values[both]
    how = None
    if len(x) >= FEWEST:
        how = _same(x, y, kind, target, tried)
        if not how and target.labels is None and kind in ("date", "difference"):
            how = _line(x, y, target.name, tried)
        if not how and target.labels is None and kind in ("number", "difference"):
            how = _order(x, y, target.name, tried)
    if how or (kind == "date" and target.labels is None):
        return how
    x = np.where(np.isnan(values), -np.inf, values)[target.known]  # missing is a value, the least
    return _prediction(x, target.values[target.known], kind, target, tried)


def _same(x: np.ndarray, y: np.ndarray, kind: Kind, target: Target, tried: int) -> str | None:
    """Look for a value of x for each value of y: a copy, or other names for the same labels."""
    xs, x_codes = np.unique(x, return_inverse=True)
    ys, y_codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    copied = kind in ("number", "difference") and target.labels is None and np.array_equal(x, y)
    # Where hardly any value occurs twice, every column is one to one with every other.
    if not copied and (len(xs) != len(ys) or not 2 <= len(ys) <= len(y) / 2):
        return None
    if len(np.unique(x_codes * len(ys) + y_codes)) != len(ys):
        return None
    # Of all orders that the values of y can have, as many fit as there are ways to name them.
    fitting = 0.0 if copied else float(gammaln(len(ys) + 1))
    if len(y) - counts.max() < FEW or _log_orders(counts) < fitting + math.log(tried / CHANCE):
        return None
    if copied:
        return f"a copy of {target.name}"
    if kind != "gaps":
        return f"one value for each value of {target.name}"
    (filled,) = np.unique(y[x == 0])
    text = f"{filled:.6g}" if target.labels is None else target.labels[int(filled)]
    return f"filled exactly where {target.name} is {quoted(text)}"


def _log_orders(counts: np.ndarray) -> float:
    """Return the logarithm of the number of orders of values that occur so many times each."""
    return float(gammaln(counts.sum() + 1) - gammaln(counts + 1).sum())


def _line(x: np.ndarray, y: np.ndarray, name: str, tried: int) -> str | None:
    """Look whether y is x in another unit, from another start, rounded, but for a few rows."""
    for rows in sorted({min(LINED, len(x)), len(x)}):
        if not _on_a_line(x[:rows], y[:rows], tried):
            return None
    return f"a copy of {name}, but for unit, start and rounding"


def _on_a_line(x: np.ndarray, y: np.ndarray, tried: int) -> bool:
    x, y = (v - np.quantile(v, 0.5, method="lower") for v in (x, y))
    order, half = np.argsort(x, kind="stable"), len(x) // 2
    low, high = order[:half], order[-half:]
    apart = x[high] > x[low]
    if not apart.any():
        return False
    # The median of slopes is that of most rows, whatever the others are (Theil and Sen).
    slope = np.median((y[high] - y[low])[apart] / (x[high] - x[low])[apart])
    start = np.median(y - slope * x)
    spread = np.quantile(y, 0.9) - np.quantile(y, 0.1)
    # Both ends of a difference may be rounded; days may be counted by midnights.
    near = _step(y) + abs(slope) * _step(x) + 1e-6 * spread
    inner = np.abs(y - slope * x - start) <= 2 * near
    if inner.sum() < 3 or not np.ptp(x[inner]):
        return False
    slope, start = np.polyfit(x[inner], y[inner], 1)
    guess = slope * x + start
    fits = np.abs(y - guess) <= near
    total = np.square(y[fits] - y[fits].mean()).sum() if fits.any() else 0.0
    if fits.mean() < FITTING or total <= 0:
        return False
    if 1 - np.square((y - guess)[fits]).sum() / total <= ON_A_LINE:
        return False
    # How often y is near the guess for another row, and the probability that it is so often near
    # that of its own. Three rows are near some line whatever they are.
    others = [np.abs(np.roll(y, by) - guess) <= near for by in range(1, FEWEST // 2)]
    by_chance = max(float(np.mean(others)), 1 / len(y))
    luck = bdtrc(max(int(fits.sum()) - 4, 0), len(y) - 3, by_chance)
    return bool(luck * tried <= CHANCE)


def _step(values: np.ndarray) -> float:
    """Return what most values are multiples of, 0.0 if of nothing that is known."""
    for step in ROUNDED_TO:
        units = values / step
        if np.mean(np.abs(units - np.round(units)) <= 1e-6 + 1e-12 * np.abs(units)) >= FITTING:
            return float(step)
    return 0.0


def _order(x: np.ndarray, y: np.ndarray, name: str, tried: int) -> str | None:
    if len(x) < ENOUGH_NUMBERS:
        return None
    (x_ranks, x_counts), (y_ranks, y_counts) = _ranks(x), _ranks(y)
    if len(x_counts) < 2 or len(y_counts) < 2:
        return None
    correlation = float(np.corrcoef(x_ranks, y_ranks)[0, 1])
    if correlation**2 <= NEAR_PERFECT:
        return None
    for counts in (x_counts, y_counts):  # where nearly all values are one, order is soon found
        few = counts.sum() - counts.max() < FEW
        if few or _log_orders(counts) < math.log(tried / CHANCE):
            return None
    return f"in the order of {name}, with a rank correlation of {correlation:.5f}"


def _ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) ranks, the mean where values are equal, and how often each value occurs."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return ranks[codes], counts


def _prediction(x: np.ndarray, y: np.ndarray, kind: Kind, target: Target, tried: int) -> str | None:
    """Look whether a tree predicts y from x, near-perfectly and not by luck."""
    labels = target.labels is not None
    if len(y) < (FEWEST if labels else ENOUGH_NUMBERS) or x.min() == x.max():
        return None
    if labels and _luck(y, np.zeros(len(y), bool), tried) > LUCK:
        return None  # there are too few rows to tell
    if labels and kind != "category" and _ranges(x, y):
        return f"one range of values for each value of {target.name}"
    # Trees compute in single precision, in which ranks are exact.
    ranks = np.unique(x, return_inverse=True)[1]
    enough = NEAR_PERFECT_GAPS if kind == "gaps" else NEAR_PERFECT
    for rows in sorted({min(SCREENED, len(y)), len(y)}):
        x, y_some = ranks[:rows], y[:rows]
        if y_some.min() == y_some.max() or _next_row(x, y_some, labels) < HOPELESS:
            return None
        predicted = _predicted(x, y_some, labels)
        score = _accuracy(y_some, predicted) if labels else _r2(y_some, predicted)
        if score <= (enough if rows == len(y) else min(PROMISING, enough)):
            return None
    if labels and _luck(y, predicted != y, tried) > LUCK:
        return None
    measure = "accuracy" if labels else "R2"
    what = "its gaps predict" if kind == "gaps" else "predicts"
    return f"{what} {target.name} alone with an out-of-sample {measure} of {score:.5f}"


def _luck(y: np.ndarray, wrong: np.ndarray, tried: int) -> float:
    """Return how likely it is that one of some good columns has no more wrong rows than this."""
    codes = y.astype(int)
    rarer = codes != np.bincount(codes).argmax()
    return float(bdtr(wrong[rarer].sum(), rarer.sum(), 1 - GOOD) * tried)


def _ranges(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether the rows of each label follow each other in the order of x.

    A tree that knows half of the rows is wrong where two ranges meet, though x tells them apart.
    """
    order = np.lexsort((y, x))
    changes = np.flatnonzero(np.diff(y[order]))
    apart = x[order][changes] < x[order][changes + 1]
    return len(changes) == len(np.unique(y)) - 1 and bool(apart.all())


def _next_row(x: np.ndarray, y: np.ndarray, labels: bool) -> float:
    """Return how well y is guessed from the next row in the order of x.

    It costs next to nothing, and a tree that predicts near-perfectly is hardly better.
    """
    ordered = y[np.argsort(x, kind="stable")]
    if labels:
        rarer = len(y) - np.bincount(y.astype(int)).max()
        return float(1 - np.count_nonzero(np.diff(ordered)) / (2 * rarer))
    ordered = ordered / np.abs(ordered).max()
    total = np.square(ordered - ordered.mean()).sum()
    return float(1 - np.square(np.diff(ordered)).sum() / (2 * total)) if total else 0.0


def _predicted(x: np.ndarray, y: np.ndarray, labels: bool) -> np.ndarray:
    """Return what a tree that is fitted on one half of the rows predicts for the other half."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    halves = slice(len(y) // 2), slice(len(y) // 2, None)
    predicted = np.empty(len(y))
    column, scale = x.reshape(-1, 1), 1.0 if labels else float(np.abs(y).max())
    tree = DecisionTreeClassifier if labels else DecisionTreeRegressor
    for fitted, judged in (halves, halves[::-1]):
        model = tree(random_state=0).fit(column[fitted], y[fitted] / scale)
        predicted[judged] = scale * model.predict(column[judged])
    return predicted


def _accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the worse of plain and balanced accuracy: with a rare label any column is accurate."""
    codes, right = y.astype(int), predicted == y
    counts = np.bincount(codes)
    there = counts > 0
    recalls = np.bincount(codes, right)[there] / counts[there]
    return float(min(right.mean(), recalls.mean()))


def _r2(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return R2, without the few rows that are farthest from the mean if it is worse there.

    One huge value can be predicted by luck.
    """
    scale = np.abs(y).max()
    y, predicted = y / scale, predicted / scale
    near = np.argsort(np.abs(y - y.mean()))
    scores = []
    for rows in (near, near[: 1 - FEW]):
        total = np.square(y[rows] - y[rows].mean()).sum()
        scores.append(1 - np.square(y - predicted)[rows].sum() / total if total else 0.0)
    return float(min(scores))
