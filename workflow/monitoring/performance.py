"""How good a model is on new rows: measured where the target is known, else estimated.

Where it is known, the score is set beside that on test. Both are of some rows only: alert where the
score is worse by more than is allowed, beyond chance.
"""

import math
from dataclasses import dataclass

import numpy as np

from workflow.data.row_clusters import RowClusters
from workflow.evaluation.comparison import Estimate, compare_samples
from workflow.evaluation.scores import Judged, score, undefined, value
from workflow.formatting import number, share
from workflow.models.metrics import Metric
from workflow.monitoring.finding import ALERT, OK, WARNING, Finding
from workflow.tracking.names import MONITOR

LEVEL = 0.05  # one-sided, of being worse by more than is allowed
DRAWS = 200  # of labels, for an estimate without them


@dataclass(frozen=True, kw_only=True)
class Performance:
    """How good a model is on new rows, beside test.

    Attributes:
        metric: What it was chosen by.
        scores: Every metric of the task on the new rows, by the name that it is logged under.
        score: On the new rows.
        interval: What the score would be on endless such rows, with a probability of 95 %.
        test: On test.
        worse: By which share of the loss on test the new rows are worse.
        rows: New rows with a target.
    """

    metric: Metric
    scores: dict[str, float]
    score: float
    interval: tuple[float, float]
    test: float
    worse: Estimate
    rows: int


def measure(
    metric: Metric,
    new: Judged,
    test: Judged,
    *,
    clusters: tuple[RowClusters, RowClusters],
    seed: int,
) -> Performance | str:
    """Return how good a model is on new rows, or why that cannot be said.

    Args:
        metric: What it was chosen by.
        new: Targets and predictions of the new rows, as `scores.score` takes them.
        test: The same of the test split.
        clusters: Of the new rows, and of the test rows.
        seed: Of the resamples.
    """
    for judged, where in ((new, "the new rows"), (test, "the test split")):
        if why := undefined(metric, judged[0]):
            return f"{metric.name} has no value on {where}: {why}."
    alone, worse = compare_samples(metric, new, test, clusters=clusters, seed=seed)
    return Performance(
        metric=metric,
        scores=score(metric.task, MONITOR.rstrip("_"), *new),
        score=alone.value,
        interval=alone.interval(0.95),
        test=value(metric, *test),
        worse=worse,
        rows=len(new[0]),
    )


def finding(performance: Performance, most: float) -> Finding:
    """Judge how much worse a model is on new rows.

    Args:
        performance: What was measured.
        most: The share of the loss on test by which it may be worse.
    """
    worse, metric = performance.worse, performance.metric
    said = f"{metric.name} is {number(performance.score)}"
    is_told = math.isfinite(performance.interval[0])  # else there are too few rows, or clusters
    if is_told:
        said += f" (95 %: {' to '.join(number(end, 4) for end in performance.interval)})"
    message = f"{said} on {performance.rows:,} rows, {number(performance.test)} on test"
    level = OK
    if not is_told:
        message += ": too few rows to tell how sure that is"
    elif worse.value > most:
        level, message = WARNING, f"{message}: worse by {share(worse.value)}"
        if worse.lower_bound(LEVEL) > most:
            level, message = ALERT, f"{message}, more than the {share(most)} that are allowed"
        else:
            message += f", but that it is more than {share(most)} may be chance"
    return Finding(
        check="performance", column="", value=worse.value, level=level, message=f"{message}."
    )


def estimate(metric: Metric, probabilities: np.ndarray, seed: int) -> float:
    """Return what the probabilities themselves expect of a metric of classes, without labels.

    The labels are drawn from the probabilities, and the metric is the mean over the draws: what it
    would be if the probabilities were right. It sees more uncertain rows, and no change of what
    the features mean. Bialek et al. (2024), Estimating Model Performance Under Covariate Shift
    Without Labels, arXiv:2401.08348, call it confidence-based performance estimation.

    Args:
        metric: Of classes.
        probabilities: (n_rows, n_classes).
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    steps = np.cumsum(probabilities, axis=1)
    draws = max(min(DRAWS, 2_000_000 // len(steps)), 10)
    found = []
    for _ in range(draws):
        drawn = rng.random(len(steps))[:, None] * steps[:, -1:]
        labels = np.minimum((drawn > steps).sum(axis=1), steps.shape[1] - 1)
        found.append(value(metric, labels, probabilities))
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def estimated(metric: Metric, new: float, test: tuple[float, float], rows: int) -> Finding:
    """Tell what was estimated; it is never an alert.

    Args:
        metric: What the model was chosen by.
        new: The estimate on the new rows.
        test: The same on test, and what was measured there.
        rows: New rows.
    """
    own, measured = map(number, test)
    message = (
        f"without labels {metric.name} is estimated at {number(new)} on {rows:,} rows; on test the "
        f"same estimate was {own}, and the truth {measured}."
    )
    return Finding(check="estimated performance", value=new, level=OK, message=message)
