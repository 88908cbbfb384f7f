import numpy as np
import pytest

from workflow.evaluation.metric_sums import metric_sums
from workflow.evaluation.scores import value
from workflow.models.metrics import METRICS, Metric

ROWS = 300
ALL = [metric for known in METRICS.values() for metric in known.values()]
CLUSTERS = np.arange(ROWS) // 3


def judged(
    metric: Metric, seed: int = 0, known: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return true and predicted values of a fair model; of classes with ties among its answers."""
    rng = np.random.default_rng(seed)
    if metric.task == "regression":
        y = rng.lognormal(size=ROWS) + 0.1
        return y, y + rng.normal(size=ROWS)
    classes = 2 if metric.task == "binary" else 4
    y = rng.integers(classes, size=ROWS)
    shares = rng.dirichlet(np.ones(classes), ROWS).round(1) + 0.3 * np.eye(classes)[y] + 0.01
    return y, shares[:, : known or classes]


def by_metric(metric: Metric) -> str:
    return f"{metric.task}-{metric.name}"


@pytest.mark.parametrize("metric", ALL, ids=by_metric)
def test_the_value_of_the_sums_is_that_of_the_metric(metric):
    y, predicted = judged(metric)
    sums = metric_sums(metric, y, predicted, CLUSTERS, 100)
    assert float(sums.value(sums.clusters.sum(axis=0))) == pytest.approx(
        value(metric, y, predicted)
    )


@pytest.mark.parametrize("metric", ALL, ids=by_metric)
def test_repeated_clusters_have_the_metric_of_their_rows(metric):
    y, predicted = judged(metric)
    sums = metric_sums(metric, y, predicted, CLUSTERS, 100)
    drawn = np.random.default_rng(1).integers(100, size=(40, 100))
    weights = np.stack([np.bincount(one, minlength=100) for one in drawn]).astype("float64")
    found = sums.value(weights @ sums.clusters)
    rows = [np.repeat(np.arange(ROWS), one[CLUSTERS].astype(int)) for one in weights]
    wanted = np.array([value(metric, y[one], predicted[one]) for one in rows])
    # That of the area is right to first order: within a tenth of how it varies.
    near = 0.1 * wanted.std() if metric.name == "roc_auc" else 1e-9
    assert np.sqrt(((found - wanted) ** 2).mean()) <= near


@pytest.mark.parametrize("metric", METRICS["multiclass"].values(), ids=by_metric)
def test_labels_that_a_model_does_not_know_are_counted(metric):
    y, predicted = judged(metric, known=3)
    sums = metric_sums(metric, y, predicted, CLUSTERS, 100)
    assert float(sums.value(sums.clusters.sum(axis=0))) == pytest.approx(
        value(metric, y, predicted)
    )


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_f1_of_guessing_is_that_of_answers_dealt_out_at_random(task):
    metric = METRICS[task]["f1"]
    y, predicted = judged(metric)
    sums = metric_sums(metric, y, predicted, CLUSTERS, 100, guessed=True)
    rng = np.random.default_rng(2)
    dealt = [value(metric, y, rng.permutation(predicted)) for _ in range(400)]
    assert float(sums.value(sums.clusters.sum(axis=0))) == pytest.approx(np.mean(dealt), abs=0.005)


def test_an_area_without_rows_of_the_class_has_no_value():
    metric = METRICS["binary"]["roc_auc"]
    y, predicted = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    sums = metric_sums(metric, y, predicted, np.arange(3), 3)
    assert np.isnan(sums.value(sums.clusters[:2].sum(axis=0)))
    assert float(sums.value(sums.clusters.sum(axis=0))) == 1
