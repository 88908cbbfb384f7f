import pytest
from finished_workflows import run

from sql_features.errors import WorkflowError
from workflow.tracking import names, workflow_runs


@pytest.fixture
def store(monkeypatch):
    """A tracking store of runs that the test puts in."""
    found = {}
    monkeypatch.setattr("workflow.tracking.runs.get", found.get)
    monkeypatch.setattr(
        "workflow.tracking.runs.children",
        lambda parent: [
            one
            for one in found.values()
            if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id
        ],
    )
    return found


def add(store: dict, name: str, **tags: str) -> None:
    store[name] = run(name, **tags)


def workflow(store: dict, without: str = "", **reused: str) -> None:
    add(store, "main", workflow__step="main")
    for name in ("preprocess", "train", "hpo", "register"):
        if name != without:
            more = {"workflow__reused_from": reused[name]} if name in reused else {}
            add(store, name, workflow__step=name, mlflow__parentRunId="main", **more)


def test_a_workflow_has_its_four_steps_in_order(store):
    workflow(store)
    found = workflow_runs.find("main")
    assert list(found.steps) == ["preprocess", "train", "hpo", "register"]
    assert not any(step.reused for step in found.steps.values())
    assert found.seconds == 4


def test_a_reused_step_is_described_by_the_run_that_did_the_work(store):
    workflow(store, train="earlier")
    store["earlier"] = run("earlier", 9.0, **{names.RESULT_TAG: "it came out"})
    found = workflow_runs.find("main").steps["train"]
    assert found.reused
    assert (found.run.info.run_id, found.seconds, found.result) == ("earlier", 9.0, "it came out")


@pytest.mark.parametrize(
    ("run_id", "said"),
    [
        ("nowhere", "there is no such run"),
        ("hpo", "is hpo: give the id of a finished workflow, the run named main, main."),
        ("trial", "is trial: give the id of a finished workflow, the run named main, main."),
        ("other", "is other: give the id of a finished workflow, the run named main."),
    ],
)  # fmt: skip
def test_a_run_that_is_no_workflow_is_refused_in_one_line(store, run_id, said):
    workflow(store)
    add(store, "trial", mlflow__parentRunId="hpo")
    add(store, "other")
    with pytest.raises(WorkflowError, match=said) as caught:
        workflow_runs.find(run_id)
    assert f"run='{run_id}'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_workflow_without_all_its_steps_is_refused(store):
    workflow(store, without="register")
    with pytest.raises(WorkflowError, match="has no register"):
        workflow_runs.find("main")


def test_a_reused_run_that_was_deleted_is_refused_by_name(store):
    workflow(store, hpo="deleted")
    with pytest.raises(WorkflowError, match="run deleted of hpo is gone"):
        workflow_runs.find("main")


def test_an_artifact_that_is_gone_is_refused_with_its_run(store, monkeypatch):
    def missing(uri: str) -> str:
        raise OSError(f"no file {uri}")

    workflow(store)
    monkeypatch.setattr("mlflow.artifacts.load_text", missing)
    with pytest.raises(WorkflowError, match=r"run='main': trials\.csv of its hpo run hpo is not"):
        workflow_runs.find("main").table("hpo", "trials.csv")
