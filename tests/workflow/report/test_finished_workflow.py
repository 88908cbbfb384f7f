from dataclasses import replace

import mlflow
from finished_workflows import finished, run

from workflow.report import run_description, terminal_summary, workflow_report
from workflow.tracking.workflow_runs import Step

PERFECT = {"val_accuracy": 1.0, "test_accuracy": 1.0}


def test_a_score_of_which_more_is_better_stands_beside_the_baselines():
    assert finished(task="binary", metric="accuracy").headline == (
        "lightgbm (trial-000): test_accuracy 0.6, beside 0.9 of the baseline"
    )


def test_metrics_in_the_targets_unit_are_shown_with_it():
    assert "test_rmse 0.6 minutes," in finished(unit="minutes").headline


def test_a_workflow_says_how_sure_it_is_that_the_baseline_is_beaten():
    assert finished().certainty == (
        "Better than the baseline by more than chance (p = 0.0021): with 99 % confidence it spares "
        "at least 12.3 % of the baseline's loss on such rows."
    )


def test_a_workflow_of_an_earlier_version_says_nothing_of_chance():
    workflow = finished()
    before = run("register", workflow__result="registered")
    steps = workflow.runs.steps | {"register": Step(before, before)}
    assert replace(workflow, runs=replace(workflow.runs, steps=steps)).certainty == ""


def test_implausibly_good_scores_are_warned_of_with_the_features_to_look_at(capsys):
    mlflow.set_tracking_uri("sqlite:////store/mlflow.db")
    workflow = finished(
        task="binary", name="closed_at", scores=PERFECT, warnings=("column 'x' is odd.",)
    )
    first, second = workflow.warnings
    assert first.startswith(
        "implausibly good scores: accuracy 1.00000 on validation, 1.00000 on test. A feature"
    )
    assert "look at 'closed_at', which the model leans on most" in first
    assert second == "column 'x' is odd."
    assert len(first) < 400  # it is not cut in a description
    terminal_summary.show(workflow)
    assert f"! {first}" in capsys.readouterr().out.splitlines()
    assert "implausibly good scores" in workflow_report.report(workflow)
    for describe in (run_description.of_run, run_description.of_version):
        assert "- implausibly good scores: accuracy 1.00000" in describe(workflow)


def test_good_scores_are_not_warned_of():
    assert finished(task="binary").warnings == []
    assert finished().warnings == []
    assert finished(task="binary", scores=PERFECT | {"test_accuracy": 0.95}).warnings == []
