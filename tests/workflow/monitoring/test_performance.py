import numpy as np
import pytest

from workflow.data.row_clusters import each
from workflow.models.metrics import METRICS
from workflow.monitoring import performance

RMSE = METRICS["regression"]["rmse"]
LOG_LOSS = METRICS["binary"]["log_loss"]


def predicted(rows, error, seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(10, 5, rows)
    return truth, truth + rng.normal(0, error, rows)


def measured(rows, error, *, test=5_000):
    new, known = predicted(rows, error, 1), predicted(test, 1.0, 2)
    clusters = each(rows), each(test)
    return performance.measure(RMSE, new, known, clusters=clusters, seed=3)


@pytest.mark.parametrize(
    ("rows", "error", "level"),
    [(3_000, 1.0, "ok"), (3_000, 1.3, "alert"), (60, 1.4, "warning"), (10, 3.0, "ok")],
)
def test_a_model_is_worse_only_beyond_what_is_allowed_and_beyond_chance(rows, error, level):
    found = performance.finding(measured(rows, error), 0.1)
    assert found.level == level
    assert f"on {rows:,} rows" in found.message
    assert "inf" not in found.message


def test_the_limit_is_that_of_the_dataset():
    assert performance.finding(measured(3_000, 1.3), 0.5).level == "ok"


def test_the_interval_holds_the_score_and_scores_have_a_name_of_their_own():
    found = measured(3_000, 1.0)
    assert found.interval[0] < 1 < found.interval[1]
    assert found.scores["monitor_rmse"] == pytest.approx(found.score)
    assert set(found.scores) == {f"monitor_{name}" for name in METRICS["regression"]}


def test_halves_of_the_same_rows_hardly_ever_raise_an_alert():
    truth, answer = predicted(2_000, 1.0, 5)
    alerts = 0
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(2_000)
        one, two = order[:100], order[100:]
        found = performance.measure(
            RMSE, (truth[one], answer[one]), (truth[two], answer[two]),
            clusters=(each(100), each(1_900)), seed=seed,
        )  # fmt: skip
        alerts += performance.finding(found, 0.0).level == "alert"  # at 5 %, with no margin
    assert alerts <= 1


def test_a_metric_without_a_value_is_a_sentence():
    mape = METRICS["regression"]["mape"]
    new = np.array([0.0, 1.0]), np.array([1.0, 1.0])
    found = performance.measure(mape, new, new, clusters=(each(2), each(2)), seed=1)
    assert found == "mape has no value on the new rows: some targets are 0."


@pytest.mark.parametrize("name", METRICS["binary"])
def test_right_probabilities_estimate_the_metric_without_labels(name):
    rng = np.random.default_rng(6)
    p = rng.beta(2, 3, 4_000)
    probabilities = np.stack([1 - p, p], axis=1)
    labels = (rng.random(len(p)) < p).astype(int)
    metric = METRICS["binary"][name]
    truth = performance.score("binary", "x", labels, probabilities)[f"x_{name}"]
    assert performance.estimate(metric, probabilities, seed=1) == pytest.approx(truth, abs=0.02)


def test_an_estimate_is_never_an_alert():
    found = performance.estimated(LOG_LOSS, 9.0, (0.3, 0.31), 100)
    assert found.level == "ok"
    assert "is estimated at 9 on 100 rows" in found.message
