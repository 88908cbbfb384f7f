import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from workflow.models.metrics import METRICS, TASKS, check, resolve

EVERY = [metric for known in METRICS.values() for metric in known.values()]
each_metric = pytest.mark.parametrize("metric", EVERY, ids=lambda one: f"{one.task}-{one.name}")


def refusal(call, *arguments: str) -> str:
    with pytest.raises(WorkflowError) as caught:
        call(*arguments)
    return str(caught.value)


def test_every_task_has_metrics_and_one_default():
    assert tuple(METRICS) == TASKS == ("regression", "binary", "multiclass")
    for known in METRICS.values():
        assert sum(metric.default for metric in known.values()) == 1


@pytest.mark.parametrize(
    ("task", "name"),
    [("regression", "rmse"), ("binary", "log_loss"), ("multiclass", "log_loss")],
)
def test_auto_is_rmse_for_regression_and_log_loss_for_classes(task, name):
    assert resolve("auto", task).name == name


def test_auto_is_the_datasets_metric_unless_another_is_named():
    assert resolve("auto", "binary", "roc_auc").name == "roc_auc"
    assert resolve("f1", "binary", "roc_auc").name == "f1"


@each_metric
def test_a_metric_is_found_by_its_name_and_task(metric):
    assert resolve(metric.name, metric.task) is metric
    check(metric.name)


@each_metric
def test_a_metric_is_logged_under_its_split_and_name(metric):
    assert metric.val_name == f"val_{metric.name}"
    assert metric.test_name == f"test_{metric.name}"


def test_a_metric_of_another_task_is_refused_with_the_nearest():
    assert refusal(resolve, "rsme", "regression") == (
        "unknown metric for regression: 'rsme': did you mean 'rmse'? Allowed: auto, rmse, mae, "
        "mape, r2."
    )
    assert refusal(resolve, "rmse", "binary") == (
        "unknown metric for binary: 'rmse': Allowed: auto, log_loss, accuracy, balanced_accuracy, "
        "f1, roc_auc."
    )


def test_a_datasets_metric_of_another_task_is_refused():
    assert "'rmse'" in refusal(resolve, "auto", "binary", "rmse")


def test_metrics_of_all_tasks_are_allowed_while_the_task_is_unknown():
    check("auto")
    assert refusal(check, "acuracy") == (
        "unknown metric 'acuracy': did you mean 'accuracy'? Allowed: auto, rmse, mae, mape, r2, "
        "log_loss, accuracy, balanced_accuracy, f1, roc_auc."
    )


@given(st.sampled_from(EVERY), st.floats(allow_nan=False))
@settings(max_examples=50, deadline=None)
def test_a_loss_is_the_metric_or_its_opposite(metric, value):
    greater = {"r2", "accuracy", "balanced_accuracy", "f1", "roc_auc"}
    assert metric.loss(value) == (-value if metric.name in greater else value)


def test_is_better_goes_by_the_metrics_direction():
    rmse, r2 = METRICS["regression"]["rmse"], METRICS["regression"]["r2"]
    assert rmse.is_better(1, 2)
    assert not rmse.is_better(2, 1)
    assert r2.is_better(2, 1)
    assert not r2.is_better(1, 2)
    for metric in (rmse, r2):
        assert not metric.is_better(1, 1)
        assert not metric.is_better(math.nan, 1)
        assert not metric.is_better(1, math.nan)
