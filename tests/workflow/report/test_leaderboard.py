import pandas as pd
import pytest
from finished_workflows import finished, run, workflow_runs

from workflow.models.metrics import METRICS
from workflow.report import leaderboard
from workflow.tracking.workflow_runs import WorkflowRuns


def candidate(name: str, rmse: float):
    model = run(name, workflow__family="lightgbm")
    model.data.metrics["val_rmse"] = rmse
    return model


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four models two are finalists, by the table that register has logged."""
    table = pd.DataFrame(
        {
            "run": ["second", "first", "baseline"],
            "run_id": ["second", "first", None],
            "val_rmse": [2.0, 2.5, 9.0],
            "test_rmse": [2.2, 2.1, 9.0],
        }
    )
    models = [candidate(*one) for one in (("first", 2.5), ("a", 4), ("second", 2), ("b", 3))]
    monkeypatch.setattr(WorkflowRuns, "table", lambda *_: table)
    monkeypatch.setattr(leaderboard, "candidates", lambda _: models)


def test_others_are_ranked_between_the_finalists_and_the_baseline(logged):
    found = leaderboard.read(workflow_runs(), METRICS["regression"]["rmse"])
    assert found.table["run"].tolist() == ["second", "first", "b", "a", "baseline"]
    assert found.table["test_rmse"].isna().tolist() == [False, False, True, True, False]
    assert (found.best["run"], found.baseline["run"]) == ("second", "baseline")
    assert found.model_count == 4
    assert not found.has_features


@pytest.mark.parametrize(("count", "shown"), [(2, 3), (7, 8), (50, 8)])
def test_the_top_of_a_leaderboard_ends_with_the_baseline(count, shown):
    top = finished(models=7).leaderboard.top(count)
    assert len(top) == shown
    assert top["run"].iloc[0] == "trial-000"
    assert top["run"].iloc[-1] == "baseline"
