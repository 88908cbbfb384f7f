import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.dataset import TASKS
from workflow.errors import WorkflowError
from workflow.evaluate import METRICS, loss, resolve_metric, score

ACTUAL = np.array([1.0, 2.0, 4.0])
PREDICTED = np.array([2.0, 2.0, 2.0])


def test_the_scores_of_a_regression_are_what_their_formulas_say():
    assert score("regression", "val", ACTUAL, PREDICTED) == pytest.approx(
        {
            "val_rmse": np.sqrt((1 + 0 + 4) / 3),
            "val_mae": (1 + 0 + 2) / 3,
            "val_mape": (1 + 0 + 1 / 2) / 3,
            "val_r2": 1 - 5 / (14 / 3),
        }
    )


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_scores_are_plain_numbers_named_after_the_split(split):
    scores = score("regression", split, ACTUAL, PREDICTED)
    assert set(scores) == {f"{split}_{name}" for name in METRICS["regression"]}
    assert {type(value) for value in scores.values()} == {float}


def test_every_task_has_metrics_and_one_of_them_is_the_default():
    assert set(METRICS) == set(TASKS)
    for known in METRICS.values():
        assert sum(metric.default for metric in known.values()) == 1


def test_auto_is_rmse_for_regression():
    assert resolve_metric("auto", "regression") == "rmse"


@pytest.mark.parametrize("name", METRICS["regression"])
def test_a_metric_is_asked_for_by_its_name(name):
    assert resolve_metric(name, "regression") == name


def test_a_metric_the_task_does_not_have_is_refused_with_the_nearest():
    with pytest.raises(WorkflowError) as caught:
        resolve_metric("rsme", "regression")
    message = str(caught.value)
    assert message.startswith("unknown metric for regression")
    assert "'rsme': did you mean 'rmse'? Allowed: auto, rmse, mae, mape, r2." in message


@pytest.mark.parametrize("metric", METRICS["regression"])
def test_a_better_prediction_has_a_smaller_loss_by_every_metric(metric):
    better, worse = (
        score("regression", "val", ACTUAL, predicted)[f"val_{metric}"]
        for predicted in (ACTUAL + 0.1, PREDICTED)
    )
    assert loss("regression", metric, better) < loss("regression", metric, worse)


@given(st.floats(allow_nan=False))
def test_a_loss_is_the_metric_or_its_opposite(value):
    assert loss("regression", "rmse", value) == value
    assert loss("regression", "r2", value) == -value
