import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from workflow.models.metrics import METRICS, TASKS, check, loss, resolve

EVERY = [(task, name) for task, known in METRICS.items() for name in known]


def refusal(call, *arguments: str) -> str:
    with pytest.raises(WorkflowError) as caught:
        call(*arguments)
    return str(caught.value)


def test_every_task_has_metrics_and_one_of_them_is_the_default():
    assert tuple(METRICS) == TASKS == ("regression", "binary", "multiclass")
    for known in METRICS.values():
        assert sum(metric.default for metric in known.values()) == 1


@pytest.mark.parametrize(
    ("task", "name"),
    [("regression", "rmse"), ("binary", "log_loss"), ("multiclass", "log_loss")],
)
def test_auto_is_rmse_for_regression_and_log_loss_for_classes(task, name):
    assert resolve("auto", task) == name


def test_auto_is_what_the_dataset_prefers_and_what_is_asked_for_comes_before_that():
    assert resolve("auto", "binary", "roc_auc") == "roc_auc"
    assert resolve("f1", "binary", "roc_auc") == "f1"


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_a_metric_is_asked_for_by_its_name(task, name):
    assert resolve(name, task) == name
    check(name)


def test_a_metric_the_task_does_not_have_is_refused_with_the_nearest():
    assert refusal(resolve, "rsme", "regression") == (
        "unknown metric for regression: 'rsme': did you mean 'rmse'? Allowed: auto, rmse, mae, "
        "mape, r2."
    )
    assert refusal(resolve, "rmse", "binary") == (
        "unknown metric for binary: 'rmse': Allowed: auto, log_loss, accuracy, balanced_accuracy, "
        "f1, roc_auc."
    )


def test_a_preference_that_the_task_does_not_have_is_refused():
    assert "'rmse'" in refusal(resolve, "auto", "binary", "rmse")


def test_while_the_task_is_not_known_any_tasks_metric_will_do():
    check("auto")
    assert refusal(check, "acuracy") == (
        "unknown metric 'acuracy': did you mean 'accuracy'? Allowed: auto, rmse, mae, mape, r2, "
        "log_loss, accuracy, balanced_accuracy, f1, roc_auc."
    )


@given(st.sampled_from(EVERY), st.floats(allow_nan=False))
@settings(max_examples=50, deadline=None)
def test_a_loss_is_the_metric_or_its_opposite(metric, value):
    task, name = metric
    better = {"r2", "accuracy", "balanced_accuracy", "f1", "roc_auc"}
    assert loss(task, name, value) == (-value if name in better else value)
