from dataclasses import replace

from finished_workflows import finished, run

from workflow.report.workflow_runs import Step


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
