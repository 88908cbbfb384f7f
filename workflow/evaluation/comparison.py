"""Two models compared on the same rows: how much better is one, and by more than chance?

The rows are resampled 2,000 times by clusters, and both models are scored on each resample: a
paired bootstrap (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 16).
Plain percentiles are too narrow for few clusters, and for a few rows that decide everything. They
are taken further out, as far as Student's t is from the normal distribution: the "expanded
percentiles" of Hesterberg (2015), What Teachers Should Know About the Bootstrap, The American
Statistician 69, 371-386. The degrees of freedom are at most n_clusters - 1, and those at which a
normal sample's variance would be known as badly as that of the clusters' influences: 2 n / (k - 1)
for their kurtosis k, by the method of Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from workflow.data.row_clusters import LEAST_CLUSTERS, RowClusters
from workflow.evaluation.metric_sums import MetricSums, metric_sums
from workflow.evaluation.scores import Judged
from workflow.models.metrics import Metric

RESAMPLES = 2_000
# Most clusters that are resampled. More are merged at random, which leaves the spread of their sums
# as it is: 70,000 rows take 0.03 s, not 3 s.
MOST_CLUSTERS = 1_000
POWER = 0.8  # how probably `rows_to_tell` rows show a difference of the observed size


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A quantity, and how far it may be from what endless rows of the same kind would show.

    Attributes:
        value: On the rows at hand.
        resampled: (n_resamples,) ascending values; none where there are too few clusters.
        error: The standard error, by the jackknife over clusters.
        clusters: How many clusters were resampled.
        freedom: Degrees of freedom of the error.
    """

    value: float
    resampled: np.ndarray
    error: float
    clusters: int
    freedom: float

    def lower_bound(self, level: float) -> float:
        """Return what the quantity exceeds but with a probability of `level`; -inf if unknown."""
        return self._bound(self.resampled, self.value, level)

    def interval(self, share: float) -> tuple[float, float]:
        """Return the two-sided interval that holds the quantity with a probability of `share`."""
        level = (1 - share) / 2
        upper = -self._bound(-self.resampled[::-1], -self.value, level)
        return self.lower_bound(level), upper

    @property
    def p_value(self) -> float:
        """The one-sided level at which the quantity is just not above 0; 1 if unknown.

        It is below a level exactly where `lower_bound(level)` is above 0, and never said to be
        smaller than the resamples can show.
        """
        if not len(self.resampled):
            return 1.0
        below = np.searchsorted(self.resampled, 0, side="right")
        share = (below + 1) / (len(self.resampled) + 1)
        p = float(stats.t.cdf(stats.norm.ppf(share) / self._widening, self.freedom))
        if not below:
            p = min(p, self._beyond(self.value))
        return max(p, 1 / (len(self.resampled) + 1))

    def _bound(self, ascending: np.ndarray, value: float, level: float) -> float:
        """Return the lower bound of a value with these resampled ones."""
        if not len(ascending):
            return -math.inf
        distance = stats.t.ppf(level, self.freedom)
        place = int(stats.norm.cdf(self._widening * distance) * (len(ascending) + 1))
        if place:
            return float(ascending[place - 1])
        # So far out there is no resample: Student's t alone has to say where.
        return float(min(ascending[0], value + distance * self.error))

    def _beyond(self, value: float) -> float:
        """Return how probably Student's t is further below 0 than a value is above."""
        return float(stats.t.cdf(-value / self.error, self.freedom)) if self.error else 0.0

    @property
    def _widening(self) -> float:
        # Resamples vary as if the variance had been divided by n, not by n - 1.
        return math.sqrt(self.clusters / (self.clusters - 1))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A candidate against a reference, on the same rows.

    Attributes:
        metric: What they were scored by.
        against: What the reference is, for messages.
        score: The candidate's.
        reference: The reference's.
        improvement: By how much the candidate is better, in the metric's own unit; negative where
            it is worse.
        relative: The same, as a share of the reference's loss: of the metric's value, or of what
            that lacks to 1 where greater is better. 0 where the reference loses nothing.
        rows: How many.
        clusters: Their clusters.
        seed: Of the resamples.
    """

    metric: Metric
    against: str
    score: float
    reference: float
    improvement: Estimate
    relative: Estimate
    rows: int
    clusters: RowClusters
    seed: int

    def rows_to_tell(self, level: float) -> int | None:
        """Return how many such rows would show this improvement at a one-sided level.

        It is what a difference as large, and as spread, as the observed one needs to be found
        with a probability of `POWER`: in 2 digits, as all this is a guess. None where the
        candidate is not better.
        """
        found = self.improvement
        if not (found.value > 0 and found.error < math.inf):
            return None
        below = found.value - found.lower_bound(level)
        if below == math.inf:
            below = stats.t.ppf(1 - level, LEAST_CLUSTERS - 1) * found.error
        factor = ((below + stats.norm.ppf(POWER) * found.error) / found.value) ** 2
        factor = max(factor, LEAST_CLUSTERS / self.clusters.count)
        return int(float(f"{self.rows * factor:.2g}"))


def compare(
    metric: Metric,
    candidate: Judged,
    reference: Judged,
    *,
    clusters: RowClusters,
    seed: int,
    against: str,
) -> Comparison:
    """Compare a candidate with a reference by one metric.

    A resample on which the metric is undefined counts as no improvement.

    Args:
        metric: It has a value on these rows.
        candidate: True and predicted values.
        reference: Of the same rows; codes of classes may differ from the candidate's.
        clusters: Of the rows. Below `LEAST_CLUSTERS` of them nothing can be told.
        seed: Of the resamples.
        against: What the reference is, for messages.
    """
    merged, count = _merged(clusters, seed)
    sums = [metric_sums(metric, *judged, merged, count) for judged in (candidate, reference)]
    return _compared(metric, *sums, clusters=clusters, count=count, seed=seed, against=against)


def compare_with_guessing(
    metric: Metric, candidate: Judged, *, clusters: RowClusters, seed: int
) -> Comparison:
    """Compare the `f1` of a candidate with that of its own answers, dealt out at random.

    A model that always gives the same answer has an f1 near 0, which guessing beats: to be better
    than that is no sign of knowing anything.
    """
    merged, count = _merged(clusters, seed)
    own = metric_sums(metric, *candidate, merged, count)
    guessed = metric_sums(metric, *candidate, merged, count, guessed=True)
    against = "the same answers dealt out at random"
    return _compared(
        metric, own, guessed, clusters=clusters, count=count, seed=seed, against=against
    )


def compare_with_baseline(
    metric: Metric, candidate: Judged, baseline: Judged, *, clusters: RowClusters, seed: int
) -> Comparison:
    """Compare a candidate with a model that knows no feature.

    By `f1` it has to beat guessing too: what is returned is the comparison that it does worse in.
    """
    found = compare(
        metric, candidate, baseline, clusters=clusters, seed=seed, against="the baseline"
    )
    if metric.name != "f1":
        return found
    guessing = compare_with_guessing(metric, candidate, clusters=clusters, seed=seed)
    return max(found, guessing, key=lambda one: one.improvement.p_value)


def compare_samples(
    metric: Metric,
    new: Judged,
    reference: Judged,
    *,
    clusters: tuple[RowClusters, RowClusters],
    seed: int,
) -> tuple[Estimate, Estimate]:
    """Compare a model on new rows with itself on others: both samples are resampled.

    Args:
        metric: It has a value on either sample.
        new: True and predicted values of the new rows.
        reference: Of the others.
        clusters: Of the new rows, and of the others.
        seed: Of the resamples.

    Returns:
        The metric on the new rows; and by which share of the reference's loss it is worse there,
        as `Comparison.relative` has it, but with a positive sign.
    """
    whole, resampled, without = [], [], []
    few = min(one.count for one in clusters) < LEAST_CLUSTERS
    for place, (judged, own) in enumerate(zip((new, reference), clusters, strict=True)):
        merged, count = _merged(own, seed)
        sums = metric_sums(metric, *judged, merged, count)
        weights = np.zeros((0, count)) if few else _weights(count, seed + place)
        total = sums.clusters.sum(axis=0)
        whole.append(float(sums.value(total)))
        resampled.append(sums.value(weights @ sums.clusters))
        without.append(sums.value(total - sums.clusters))
    changed = (
        _relative(metric, without[0], whole[1]),
        _relative(metric, whole[0], without[1]),
    )
    # Of two samples the variances add up, each around its own mean.
    spread = np.concatenate([one - np.nanmean(one) for one in changed])
    worse = -_relative(metric, *whole), -_relative(metric, *resampled), -spread
    return _estimate(whole[0], resampled[0], without[0]), _estimate(float(worse[0]), *worse[1:])


def _merged(clusters: RowClusters, seed: int) -> tuple[np.ndarray, int]:
    """Return (n_rows,) numbers of at most `MOST_CLUSTERS` clusters, and how many these are."""
    if clusters.count <= MOST_CLUSTERS:
        return clusters.ids, clusters.count
    dealt = np.random.default_rng(seed).permutation(clusters.count) % MOST_CLUSTERS
    return dealt[clusters.ids], MOST_CLUSTERS


def _compared(
    metric: Metric,
    candidate: MetricSums,
    reference: MetricSums,
    *,
    clusters: RowClusters,
    count: int,
    seed: int,
    against: str,
) -> Comparison:
    pair = (candidate, reference)
    few = clusters.count < LEAST_CLUSTERS
    weights = np.zeros((0, count)) if few else _weights(count, seed)
    whole = [one.clusters.sum(axis=0) for one in pair]
    score, known = (float(one.value(sums)) for one, sums in zip(pair, whole, strict=True))
    resampled = [one.value(weights @ one.clusters) for one in pair]
    # The jackknife: each cluster is left out once.
    without = [one.value(sums - one.clusters) for one, sums in zip(pair, whole, strict=True)]

    def estimate(of: Callable[[Metric, Any, Any], np.ndarray]) -> Estimate:
        return _estimate(
            float(of(metric, score, known)), of(metric, *resampled), of(metric, *without)
        )

    return Comparison(
        metric=metric,
        against=against,
        score=score,
        reference=known,
        improvement=estimate(_improvement),
        relative=estimate(_relative),
        rows=len(clusters.ids),
        clusters=clusters,
        seed=seed,
    )


def _improvement(metric: Metric, score: Any, reference: Any) -> np.ndarray:
    return np.asarray(score - reference if metric.greater_is_better else reference - score)


def _relative(metric: Metric, score: Any, reference: Any) -> np.ndarray:
    improvement = _improvement(metric, score, reference)
    lost = 1 - reference if metric.greater_is_better else reference
    loss = np.broadcast_to(lost, improvement.shape)
    share = np.zeros_like(loss, "float64")
    np.divide(improvement, loss, out=share, where=loss > 0)
    return share


def _weights(count: int, seed: int) -> np.ndarray:
    """Return (`RESAMPLES`, count) how often each cluster is in each resample."""
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    drawn += np.arange(RESAMPLES)[:, None] * count
    weights = np.bincount(drawn.ravel(), minlength=RESAMPLES * count)
    return weights.reshape(RESAMPLES, count).astype("float64")


def _estimate(value: float, resampled: np.ndarray, without: np.ndarray) -> Estimate:
    """Return an estimate.

    Args:
        value: On all clusters.
        resampled: (n_resamples,) on the resamples; NaN counts as 0.
        without: (n_clusters,) without each cluster.
    """
    count = len(without)
    squared = (without - without.mean()) ** 2
    squared = squared[np.isfinite(squared)]
    if count == 1 or not len(squared):
        error, freedom = math.inf, 0.0
    else:
        error, freedom = math.sqrt((count - 1) * squared.mean()), count - 1.0
        if error:
            kurtosis = float((squared**2).mean() / squared.mean() ** 2)
            freedom = min(freedom, 2 * count / (kurtosis - 1)) if kurtosis > 1 else freedom
    return Estimate(
        value=value,
        resampled=np.sort(np.nan_to_num(resampled, nan=0.0)),
        error=error,
        clusters=count,
        freedom=freedom,
    )
