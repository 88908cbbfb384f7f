"""What a user finds after `mlflow run .`, in the terminal and in the tracking store."""

import io
import json
import re

import mlflow
import pandas as pd
import pytest
import yaml
from conftest import Workflow, mlflow_run, parameters, stores_in_the_project

from sql_features.errors import WorkflowError
from steps import report
from workflow.models.families import FAMILIES
from workflow.version import VERSION


def artifacts(workflow: Workflow, step: str, path: str | None = None) -> set[str]:
    run = workflow.run(step)
    return {one.path for one in workflow.store.client.list_artifacts(run.info.run_id, path)}


def text(workflow: Workflow, run_id: str, path: str) -> str:
    mlflow.set_tracking_uri(workflow.store.uri)
    return mlflow.artifacts.load_text(f"runs:/{run_id}/{path}")


def test_each_step_is_a_finished_child_run_of_its_name(workflow):
    main = workflow.run("main")
    steps = workflow.store.children(main)
    assert main.info.run_name == "main"
    assert [run.info.run_name for run in steps] == ["preprocess", "train", "hpo", "register"]
    assert {run.info.status for run in workflow.store.runs()} == {"FINISHED"}
    assert [run.info.run_name for run in workflow.store.children(steps[1])] == [
        "baseline", "linear", "random_forest", "lightgbm",
    ]  # fmt: skip
    assert [run.info.run_name for run in workflow.store.children(steps[2])] == [
        "trial-000", "trial-001", "trial-002", "trial-003",
    ]  # fmt: skip


# What is printed before the summary.
LINES = [
    r"[preprocess] runs: the first in this experiment",
    r"[preprocess] [\d,]+ train, [\d,]+ validation, [\d,]+ test rows; [\d,]+ of 9,000 dropped"
    r"(; \d+ warnings?)?  TOOK",
    r"[train] runs: the first in this experiment",
    r"[train] val_rmse: \w+ [\d.]+, \w+ [\d.]+, \w+ [\d.]+, \w+ [\d.]+  TOOK",
    r"[hpo] runs: the first in this experiment",
    r"[hpo] 4 trials; best trial-\d{3} \w+ val_rmse [\d.]+  TOOK",
    r"[register] runs: the first in this experiment",
    r"[register] green-taxi-duration version 1 is @champion: [\w -]+, val_rmse [\d.]+, "
    r"test_rmse [\d.]+, better than the baseline \(p < 0.001\)  TOOK",
]


def test_each_step_has_two_lines_and_nobody_else_says_anything(workflow):
    said = workflow.done.out.partition("\n\n")[0].splitlines()
    said = [line for line in said if " of 4 trials" not in line]  # where 30 s were not enough
    for line, wanted in zip(said, LINES, strict=True):
        pattern = wanted.replace("[", r"\[", 1).replace("]", r"\]", 1)
        assert re.fullmatch(pattern.replace("TOOK", r"\((\d+ min )?[\d.]+ s\)"), line)
    outside = " INFO mlflow.projects"  # `mlflow run` itself
    assert [line for line in workflow.done.err.splitlines() if outside not in line] == []
    assert not set(workflow.done.out + workflow.done.err) & {"\r", "\x1b"}


def test_every_run_tells_its_kind_its_family_and_what_came_out(workflow):
    main = workflow.run("main")
    assert main.data.tags["workflow.kind"] == "workflow"
    for run in workflow.store.children(main):
        assert run.data.tags["workflow.kind"] == "step"
        assert run.data.tags["workflow.reason"] == "the first in this experiment"
        assert f"[{run.info.run_name}] {run.data.tags['workflow.result']}  (" in workflow.done.out
    for step, kind in (("train", "model"), ("hpo", "trial")):
        for run in workflow.store.children(workflow.run(step)):
            assert run.data.tags["workflow.kind"] == kind
            assert run.data.params["family"] == run.data.tags["workflow.family"]
            for split in ("train", "validation", "test"):
                digest = f"workflow.digest.{split}"
                assert run.data.tags[digest] == workflow.run("preprocess").data.tags[digest]
            assert "workflow.step" not in run.data.tags


def test_nothing_is_written_to_the_callers_folder_but_the_store(workflow):
    assert {path.name for path in workflow.caller.iterdir()} == {"data", "mlflow.db", "mlruns"}


def test_nothing_is_left_in_the_projects_folder(stores_before, workflow):
    assert stores_in_the_project() == stores_before


def test_splits_are_three_parquet_files_and_the_definition(workflow):
    assert artifacts(workflow, "preprocess", "splits") == {
        "splits/dataset.yaml", "splits/test.parquet", "splits/train.parquet",
        "splits/validation.parquet",
    }  # fmt: skip
    run_id = workflow.run("preprocess").info.run_id
    definition = yaml.safe_load(text(workflow, run_id, "splits/dataset.yaml"))
    assert definition["data"] == str(workflow.caller / "data")
    assert definition["name"] == "green-taxi-duration"


def test_rows_read_and_dropped_are_counted_by_reason(workflow):
    run = workflow.run("preprocess")
    rows = json.loads(text(workflow, run.info.run_id, "rows.json"))
    assert list(rows) == ["train", "validation", "test"]
    for split, count in rows.items():
        assert count["read"] == 3_000
        assert set(count["dropped"]) == {"target missing", "not where target BETWEEN 1 AND 60"}
        assert count["read"] == count["kept"] + sum(count["dropped"].values())
        assert run.data.metrics[f"{split}_rows"] == count["kept"]


@pytest.mark.parametrize(
    ("step", "contexts"),
    [
        ("preprocess", {"train", "validation", "test"}),
        ("train", {"train", "validation"}),
        ("hpo", {"train", "validation"}),
        ("register", {"validation", "test"}),
    ],
)
def test_only_register_logs_the_test_split(workflow, step, contexts):
    inputs = workflow.run(step).inputs.dataset_inputs
    assert {one.tags[0].value for one in inputs} == contexts
    digests = workflow.run("preprocess").data.tags
    for one in inputs:
        assert one.dataset.digest == digests[f"workflow.digest.{one.tags[0].value}"]
        assert one.dataset.schema
        assert one.dataset.source


def test_all_hyperparameters_are_logged_defaults_included(workflow):
    families = {run.info.run_name: run for run in workflow.store.children(workflow.run("train"))}
    forest = families["random_forest"].data.params
    assert forest["min_samples_split"] == "2"
    assert forest["max_depth"] == "10"
    assert forest["random_state"] == "7"
    for run in families.values():
        metrics = run.data.metrics
        for name in ("rmse", "mae", "mape", "r2"):
            assert {f"train_{name}", f"val_{name}"} <= set(metrics)
        assert metrics["fit_seconds"] >= 0


def test_every_compared_model_has_its_size_and_its_plots(workflow):
    client = workflow.store.client
    for run in workflow.store.children(workflow.run("train"))[1:]:
        assert run.data.metrics["model_bytes"] > 1_000
        plots = {one.path for one in client.list_artifacts(run.info.run_id, "plots")}
        assert plots == {
            "plots/feature_importance.png", "plots/predicted_vs_actual.png", "plots/residuals.png",
        }  # fmt: skip
        assert "sk-container" in text(workflow, run.info.run_id, "estimator.html")


def test_the_search_keeps_the_top_n_models_and_no_other(workflow):
    trials = workflow.store.children(workflow.run("hpo"))
    kept = {run.info.run_name for run in trials if run.outputs.model_outputs}
    ranked = sorted(trials, key=lambda run: run.data.metrics["val_rmse"])
    assert kept == {run.info.run_name for run in ranked[:3]}
    for run in trials:
        assert set(FAMILIES[run.data.tags["workflow.family"]].values.space) <= set(run.data.params)


def test_the_search_leaves_its_history_and_its_best(workflow):
    run = workflow.run("hpo")
    assert {one for one in artifacts(workflow, "hpo") if "." in one} == {
        "best.json", "hyperparameter_importance.csv", "step.json", "trials.csv",
    }  # fmt: skip
    trials = pd.read_csv(io.StringIO(text(workflow, run.info.run_id, "trials.csv")))
    best = json.loads(text(workflow, run.info.run_id, "best.json"))
    assert run.data.metrics["val_rmse"] == pytest.approx(trials["rmse"].min(), rel=1e-12)
    winner = trials.loc[trials["rmse"].idxmin()]
    assert best["family"] == winner["family"]
    assert best["run_id"] == winner["run_id"]
    assert (trials["fit_seconds"] >= 0).all()
    assert list(trials["run_id"]) == [one.info.run_id for one in workflow.store.children(run)]


def test_the_winner_is_the_best_on_validation_on_every_run(workflow):
    run = workflow.run("register")
    table = pd.read_csv(io.StringIO(text(workflow, run.info.run_id, "leaderboard.csv")))
    finalists = table.iloc[:-1]
    assert list(table["run"])[-1] == "baseline"
    assert list(finalists["val_rmse"]) == sorted(finalists["val_rmse"])
    assert len(finalists) == 3
    main = workflow.run("main").data.metrics
    for name in ("val_rmse", "test_rmse", "test_mae"):
        assert run.data.metrics[name] == main[name] == pytest.approx(finalists.iloc[0][name])
    spared = 1 - finalists.iloc[0]["test_rmse"] / table.iloc[-1]["test_rmse"]
    for of in (run.data.metrics, main):
        assert of["baseline_improvement"] == pytest.approx(spared)
        assert 0 < of["baseline_improvement_at_least"] < spared
        assert of["baseline_p_value"] < 0.001
    winner = workflow.store.client.get_run(finalists.iloc[0]["run_id"])
    assert winner.data.metrics["test_rmse"] == run.data.metrics["test_rmse"]


def test_the_registered_version_says_where_it_comes_from(workflow):
    client = workflow.store.client
    version = client.get_model_version_by_alias("green-taxi-duration", "champion")
    winner = workflow.run("register").data.tags["workflow.winner"]
    assert str(version.version) == "1"
    assert version.tags["run_id"] == winner
    assert version.tags["splits"] == f"runs:/{workflow.run('preprocess').info.run_id}/splits"
    preprocess = workflow.run("preprocess").data.tags
    for split in ("train", "validation", "test"):
        assert version.tags[f"digest.{split}"] == preprocess[f"workflow.digest.{split}"]
    assert len(version.tags["git_commit"]) == 40
    assert float(version.tags["test_rmse"]) > 0
    assert "Duration of New York green-taxi trips" in version.description


def test_the_workflows_run_shows_its_result(workflow):
    main, winner = workflow.run("main"), workflow.run("register").data.tags["workflow.winner"]
    assert artifacts(workflow, "main") == {"report.html"}
    assert main.data.tags["workflow.version"] == VERSION
    note = main.data.tags["mlflow.note.content"]
    best = workflow.store.client.get_run(winner)
    assert f"(#/experiments/0/runs/{winner})" in note
    assert f"{main.data.metrics['test_rmse']:.6g} minutes" in note
    assert f"-P data={workflow.caller / 'data'}" in note.replace(" \\\n", "")
    assert "-P max_evals=4" in note
    assert main.outputs.model_outputs[0].model_id == best.outputs.model_outputs[-1].model_id
    assert {one.tags[0].value for one in main.inputs.dataset_inputs} == {
        "train", "validation", "test",
    }  # fmt: skip
    page = text(workflow, main.info.run_id, "report.html")
    for place in (note, page):
        assert "Better than the baseline by more than chance (p " in place
    assert "Search history" in page
    assert "Parallel coordinates of" in page
    assert 'src="http' not in page  # opens with no network
    assert f"{main.data.metrics['test_rmse']:.6g} minutes" in page
    assert f"Made by tabular-workflow {VERSION}" in page
    for family in ("linear", "random_forest", "lightgbm", "baseline", "trial-003"):
        assert family in note
        assert family in page


def test_the_report_is_made_again_for_a_finished_workflow(workflow):
    main = workflow.run("main").info.run_id
    path = workflow.caller / f"mlruns/0/{main}/artifacts/report.html"
    before = path.read_text()
    path.unlink()
    done = mlflow_run("-e", "report", *parameters(run=main), cwd=workflow.caller)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1].startswith(f"[report] {path}  (")
    made = before.index("Made by tabular-workflow")
    assert path.read_text()[:made] == before[:made]
    (again,) = workflow.store.runs("report")
    assert again.info.status == "FINISHED"


def test_a_report_of_what_is_no_workflow_is_refused_in_one_line(workflow):
    mlflow.set_tracking_uri(workflow.store.uri)
    trial = workflow.store.children(workflow.run("hpo"))[0].info.run_id
    with pytest.raises(WorkflowError) as error:
        report.report.main(["--run", trial, "--verbose", "false"], standalone_mode=False)
    assert f"run='{trial}'" in str(error.value)
    assert f"the run named main, {workflow.run('main').info.run_id}." in str(error.value)
    assert "\n" not in str(error.value)


def test_the_summary_tells_the_winner_and_what_to_do_next(workflow):
    out = workflow.done.out
    assert "Registered green-taxi-duration version 1, @champion" in out
    assert f"export MLFLOW_TRACKING_URI={workflow.store.uri}" in out
    assert "mlflow models serve -m models:/green-taxi-duration@champion" in out
    for name in ("baseline", "linear", "random_forest", "lightgbm"):
        assert name in out
    assert "Traceback" not in workflow.done.err
    assert "Warning" not in workflow.done.err
