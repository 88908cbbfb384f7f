import shlex

import pytest
from stories import COMMIT, run, story

from sql_features.errors import WorkflowError
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.tracking import names


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
    told = FinishedWorkflow("main")
    assert list(told.steps) == ["preprocess", "train", "hpo", "register"]
    assert not any(step.reused for step in told.steps.values())
    assert told.seconds == 4


def test_a_reused_step_is_told_by_the_run_that_did_the_work(store):
    workflow(store, train="earlier")
    store["earlier"] = run("earlier", 9.0, **{names.RESULT_TAG: "it came out"})
    found = FinishedWorkflow("main").steps["train"]
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
def test_what_is_no_workflow_is_refused_in_one_line(store, run_id, said):
    workflow(store)
    add(store, "trial", mlflow__parentRunId="hpo")
    add(store, "other")
    with pytest.raises(WorkflowError, match=said) as caught:
        FinishedWorkflow(run_id)
    assert f"run='{run_id}'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_workflow_that_did_not_get_to_its_end_is_refused(store):
    workflow(store, without="register")
    with pytest.raises(WorkflowError, match="has no register"):
        FinishedWorkflow("main")


def test_a_result_whose_run_was_deleted_is_said_to_be_gone(store):
    workflow(store, hpo="deleted")
    with pytest.raises(WorkflowError, match="run deleted of hpo is gone"):
        FinishedWorkflow("main")


def test_the_command_has_the_commit_and_every_parameter_quoted():
    told = story(params={"data": "'/data/my houses.csv'", "target": "price", "seed": "42"})
    command = " ".join(told.command)
    assert command.startswith(f"mlflow run https://host/org/project -v {COMMIT} --env-manager uv")
    words = shlex.split(command)
    assert "data=/data/my houses.csv" in words
    assert words.index("data=/data/my houses.csv") < words.index("seed=42")
    assert {word.partition("=")[0] for word in words[words.index("-P") + 1 :: 2]} == set(
        told.parameters
    )


def test_code_that_was_in_a_folder_is_cloned_at_its_commit():
    folder = {"mlflow.source.name": "file:///home/me/project", "mlflow.source.git.repoURL": ""}
    command = " ".join(story(tags=folder).command)
    assert command.startswith(
        f"git clone /home/me/project project && git -C project checkout {COMMIT} && "
        "mlflow run project --env-manager uv"
    )


def test_code_without_a_commit_is_run_where_it_was():
    told = story(tags={"mlflow.source.name": "file:///home/me/my project"})
    del told.run.data.tags["mlflow.source.git.commit"]
    del told.run.data.tags["mlflow.source.git.repoURL"]
    assert told.command[0] == "mlflow run '/home/me/my project' --env-manager uv"


def test_a_password_in_the_address_of_the_code_is_not_told():
    told = story(tags={"mlflow.source.git.repoURL": "https://me:secret@host/org/project"})
    assert told.source == "https://host/org/project"
    assert "secret" not in " ".join(told.command)
