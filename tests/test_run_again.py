"""The same command again, and with one parameter changed, on the store of the one workflow."""

import shutil
import sqlite3

import pytest
from conftest import Done, Store, Workflow
from in_process import run_here
from mlflow.entities import Run

GIVEN = {"max_evals": 4, "top_n": 3, "seed": 7, "tune": "random_forest,lightgbm"}
STEPS = ["preprocess", "train", "hpo", "register"]
REUSED = "workflow.reused_from"


@pytest.fixture
def again(workflow: Workflow, tmp_path) -> Store:
    """A copy of the one workflow's store, for runs of our own; artifacts stay where they are."""
    shutil.copy(workflow.caller / "mlflow.db", tmp_path / "mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        location = str(tmp_path / "mlruns/0")
        database.execute("UPDATE experiments SET artifact_location = ?", [location])
    return Store(tmp_path)


def run_again(workflow: Workflow, store: Store, **changed: object) -> tuple[Done, Run, list[Run]]:
    """Return what was printed, the new workflow's run, and its steps."""
    done = run_here(store, data=workflow.caller / "data", **GIVEN | changed)
    main = store.runs("main")[-1]
    return done, main, sorted(store.children(main), key=lambda run: STEPS.index(run.info.run_name))


def test_the_same_command_again_runs_no_step_and_shows_all_results(workflow, again):
    done, main, steps = run_again(workflow, again)
    assert [run.info.run_name for run in steps] == STEPS
    for run in steps:
        first = workflow.run(run.info.run_name)
        assert run.data.tags[REUSED] == first.info.run_id
        assert run.data.metrics == first.data.metrics
        assert run.data.params == first.data.params
        assert run.info.status == "FINISHED"
        assert [one.dataset.digest for one in run.inputs.dataset_inputs] == [
            one.dataset.digest for one in first.inputs.dataset_inputs
        ]
        assert f"[{run.info.run_name}] reused from {first.info.run_id}" in done.out
        assert not {"workflow.process", "workflow.reason"} & set(run.data.tags)  # it has had none
        assert run.data.tags["workflow.result"] == first.data.tags["workflow.result"]
        assert again.children(run) == []
    assert main.data.metrics == workflow.run("main").data.metrics
    versions = again.client.search_model_versions("name='green-taxi-duration'")
    assert [str(one.version) for one in versions] == ["1"]
    assert table(done) == table(workflow.done)


def table(done: Done) -> list[str]:
    """Return the summary's lines of models."""
    lines = done.out.splitlines()
    start = lines.index("Duration of New York green-taxi trips, in minutes.")
    return lines[start : start + 10]


def test_a_smaller_top_n_runs_register_alone(workflow, again):
    done, _, steps = run_again(workflow, again, top_n=2)
    assert [REUSED in run.data.tags for run in steps] == [True, True, True, False]
    assert "[register] runs: top_n was 3, is 2" in done.out
    versions = again.client.search_model_versions("name='green-taxi-duration'")
    assert [str(one.version) for one in versions] == ["1"]  # the same model


def test_a_larger_max_evals_reads_earlier_trials_back(workflow, again):
    done, _, steps = run_again(workflow, again, max_evals=5, top_n=4)
    assert [REUSED in run.data.tags for run in steps] == [True, True, False, False]
    assert "[hpo] runs: max_evals was 4, is 5" in done.out
    assert steps[2].data.tags["workflow.reason"] == "max_evals was 4, is 5"
    assert "[hpo] 5 trials, 4 of them read back; best trial-" in done.out
    trials = again.children(steps[2])
    assert [run.info.run_name for run in trials] == [f"trial-{n:03d}" for n in range(5)]
    assert [REUSED in run.data.tags for run in trials] == [True] * 4 + [False]
    first = workflow.store.children(workflow.run("hpo"))
    for run, earlier in zip(trials, first, strict=False):
        assert run.data.tags[REUSED] == earlier.info.run_id
        assert run.data.params == earlier.data.params
        assert run.data.metrics["val_rmse"] == earlier.data.metrics["val_rmse"]
    assert sum(bool(run.outputs.model_outputs) for run in trials) == 4


def test_without_reuse_all_is_run_and_gives_the_same_to_the_last_digit(workflow, again):
    done, _, steps = run_again(workflow, again, reuse="false")
    assert not any(REUSED in run.data.tags for run in steps)
    assert not any(REUSED in run.data.tags for run in again.children(steps[2]))
    assert done.out.count("runs: reuse is false") == len(STEPS)
    assert {run.data.tags["workflow.reason"] for run in steps} == {"reuse is false"}
    for step in (steps[1], steps[2]):
        models = again.children(step)
        assert len(models) == 4
        first = {
            run.info.run_name: run
            for run in workflow.store.children(workflow.run(step.info.run_name))
        }
        for run in models:
            assert scores(run) == scores(first[run.info.run_name])


def scores(run: Run) -> dict[str, float]:
    return {name: value for name, value in run.data.metrics.items() if name.startswith("val_")}
