"""Metrics as functions of sums over rows.

So a metric of resampled rows costs a few additions of the clusters' sums, and no row is scored
again. The values are those of workflow/evaluation/scores.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from workflow.evaluation.scores import probabilities_of
from workflow.models.metrics import Metric

Value = Callable[[np.ndarray], np.ndarray]  # (..., n_sums) sums -> (...) values


@dataclass(frozen=True)
class MetricSums:
    """What a metric's value on any of the clusters can be computed from.

    Attributes:
        clusters: (n_clusters, n_sums) sums over the rows of each cluster.
        value: Returns the metric's values of (..., n_sums) sums; NaN where it is undefined.
    """

    clusters: np.ndarray
    value: Value


@dataclass(frozen=True)
class _Rows:
    """Rows in clusters, whose values are summed up."""

    clusters: np.ndarray
    count: int

    def sums(self, *columns: np.ndarray) -> np.ndarray:
        """Return (n_clusters, n_columns) sums of (n_rows,) columns."""
        return np.stack([np.bincount(self.clusters, one, self.count) for one in columns], axis=1)

    def by_code(self, codes: np.ndarray, classes: int, weights: np.ndarray) -> np.ndarray:
        """Return (n_clusters, n_classes) sums of weights, by the rows' codes."""
        cells = np.bincount(self.clusters * classes + codes, weights, self.count * classes)
        return cells.reshape(self.count, classes)


def metric_sums(
    metric: Metric,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    clusters: np.ndarray,
    count: int,
    *,
    guessed: bool = False,
) -> MetricSums:
    """Return the sums of a metric.

    Args:
        metric: Any of `METRICS`.
        y_true: (n_rows,) as `scores.score` takes them.
        y_pred: As `scores.score` takes them.
        clusters: (n_rows,) the cluster of each row.
        count: How many clusters there are.
        guessed: Of `f1` only: its value if the same answers were dealt out to the rows at random.
    """
    rows = _Rows(clusters, count)
    if metric.task == "regression":
        return _of_values(metric, rows, np.asarray(y_true), np.asarray(y_pred))
    probabilities = probabilities_of(y_true, y_pred)
    if metric.name == "log_loss":
        # scikit-learn's log_loss clips them in the same way.
        least = np.finfo(probabilities.dtype).eps
        own = probabilities[np.arange(len(y_true)), y_true]
        return _mean(rows, -np.log(np.clip(own, least, 1 - least)))
    if metric.name == "roc_auc":
        return _roc_auc(rows, y_true, probabilities, binary=metric.task == "binary")
    answers = probabilities.argmax(axis=1)
    if metric.name == "accuracy":
        return _mean(rows, (answers == y_true).astype("float64"))
    classes = probabilities.shape[1]
    hits = rows.by_code(y_true, classes, (answers == y_true).astype("float64"))
    actual = rows.by_code(y_true, classes, np.ones(len(y_true)))
    if metric.name == "balanced_accuracy":
        return MetricSums(np.concatenate([hits, actual], axis=1), _mean_recall)
    assert metric.name == "f1"
    answered = rows.by_code(answers, classes, np.ones(len(y_true)))
    kept = slice(1, 2) if metric.task == "binary" else slice(None)
    parts = [part[:, kept] for part in (hits, actual, answered)]
    total = rows.sums(np.ones(len(y_true)))
    value = _guessed_f1 if guessed else _f1
    return MetricSums(np.concatenate([*parts, total], axis=1), value)


def _of_values(metric: Metric, rows: _Rows, y_true: np.ndarray, y_pred: np.ndarray) -> MetricSums:
    errors = y_true - y_pred
    if metric.name == "mae":
        return _mean(rows, np.abs(errors))
    if metric.name == "mape":
        return _mean(rows, np.abs(errors) / np.maximum(np.abs(y_true), np.finfo("float64").eps))
    if metric.name == "rmse":
        squared = _mean(rows, errors**2)
        return MetricSums(squared.clusters, lambda sums: np.sqrt(squared.value(sums)))
    assert metric.name == "r2"
    around = y_true - y_true.mean()  # else their squares would lose digits
    return MetricSums(rows.sums(np.ones(len(errors)), errors**2, around, around**2), _r2)


def _mean(rows: _Rows, values: np.ndarray) -> MetricSums:
    sums = rows.sums(np.ones(len(values)), values)
    return MetricSums(sums, lambda sums: _ratio(sums[..., 1], sums[..., 0]))


def _r2(sums: np.ndarray) -> np.ndarray:
    count, squared, around, around_squared = np.moveaxis(sums, -1, 0)
    return 1 - _ratio(squared, around_squared - _ratio(around**2, count))


def _mean_recall(sums: np.ndarray) -> np.ndarray:
    hits, actual = np.split(sums, 2, axis=-1)
    return _mean_of_classes(_ratio(hits, actual), actual > 0)


def _f1(sums: np.ndarray) -> np.ndarray:
    hits, actual, answered = np.split(sums[..., :-1], 3, axis=-1)
    values = np.nan_to_num(_ratio(2 * hits, actual + answered))
    # Of two classes it is the second one's, 0 where that does not occur.
    return _mean_of_classes(values, actual > 0 if values.shape[-1] > 1 else actual >= 0)


def _guessed_f1(sums: np.ndarray) -> np.ndarray:
    _, actual, answered = np.split(sums[..., :-1], 3, axis=-1)
    hits = _ratio(actual * answered, sums[..., -1:])
    return _f1(np.concatenate([hits, sums[..., hits.shape[-1] :]], axis=-1))


def _roc_auc(
    rows: _Rows, y_true: np.ndarray, probabilities: np.ndarray, *, binary: bool
) -> MetricSums:
    """Return the sums of the area under the ROC curve.

    It is the mean, over the rows of a class, of the share of the other rows that are ranked below;
    and the mean over the others of the share of the class that is ranked above. Resampled, the
    two means move it to first order independently: exactly so up to terms of 1 / n_rows, at a
    thousandth of the cost of sorting anew. DeLong et al. (1988), Biometrics 44, 837-845; in
    clusters: Obuchowski (1997), Biometrics 53, 567-578.
    """
    codes = [1] if binary else np.unique(y_true)
    columns, areas = [], []
    for code in codes:
        score, own = probabilities[:, code], y_true == code
        ranks, share = rankdata(score), np.zeros(len(score))
        if 0 < own.sum() < len(own):
            share[own] = (ranks[own] - rankdata(score[own])) / (~own).sum()
            share[~own] = 1 - (ranks[~own] - rankdata(score[~own])) / own.sum()
        columns += [own, share * own, ~own, share * ~own]
        areas.append(share[own].mean() if own.any() else np.nan)

    def value(sums: np.ndarray) -> np.ndarray:
        own, own_share, others, others_share = np.moveaxis(
            sums.reshape(*sums.shape[:-1], len(codes), 4), -1, 0
        )
        values = _ratio(own_share, own) + _ratio(others_share, others) - np.array(areas)
        return _mean_of_classes(values, own > 0)

    return MetricSums(rows.sums(*(one.astype("float64") for one in columns)), value)


def _mean_of_classes(values: np.ndarray, occurs: np.ndarray) -> np.ndarray:
    """Return the means over the last axis of the classes that occur, NaN where none does."""
    return _ratio(np.where(occurs, values, 0).sum(axis=-1), occurs.sum(axis=-1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return quotients, NaN where 0 is divided by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0, np.nan, above / below)
