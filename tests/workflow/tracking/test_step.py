import os
from collections.abc import Iterator

import click
import mlflow
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow import options
from workflow.errors import AlertRaised
from workflow.runtime import library_logging, terminal
from workflow.tracking import names, reuse, step
from workflow.tracking.cache_key import Ingredients
from workflow.tracking.names import KEY_TAG

TRAIN = Ingredients(
    step="train", parameters={"seed": "1"}, inputs={}, code={}, environment={"python": "3"}
)
LINE = "val_rmse: linear 4.78, baseline 9.15"


@pytest.fixture(autouse=True)
def not_verbose(experiment: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(library_logging, "show", lambda: None)
    terminal.set_verbose(False)
    yield
    terminal.set_verbose(False)


def found(run: Run) -> Run:
    return MlflowClient().get_run(run.info.run_id)


def tags(run: Run) -> dict[str, str]:
    return found(run).data.tags


def without_seconds(lines: list[str]) -> list[str]:
    return [line.rpartition("  (")[0] if line.endswith(" s)") else line for line in lines]


def test_a_step_alone_says_when_it_starts_and_its_result(capsys):
    with step.run("train", TRAIN) as run:
        assert capsys.readouterr().out == "[train] runs alone\n"
        step.log_summary(LINE)
        assert capsys.readouterr().out == ""  # it has not ended
    assert found(run).info.status == "FINISHED"
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(" s)")
    assert without_seconds([line]) == [f"[train] {LINE}"]
    assert tags(run)[names.RESULT_TAG] == LINE
    assert names.REASON_TAG not in tags(run)


def test_a_workflows_step_says_its_result_and_keeps_the_reason(capsys):
    with step.started_by_workflow("seed was 1, is 2"), step.run("train") as run:
        step.log_summary(LINE)
    assert without_seconds(capsys.readouterr().out.splitlines()) == [f"[train] {LINE}"]
    assert tags(run)[names.REASON_TAG] == "seed was 1, is 2"
    assert step.is_alone()  # afterwards


def test_the_reason_is_gone_from_the_environment_after_a_failure():
    with pytest.raises(WorkflowError), step.started_by_workflow("reuse is false"):
        assert not step.is_alone()
        raise WorkflowError("no.")
    assert step.is_alone()


def test_a_step_that_fails_says_no_result(capsys):
    with pytest.raises(ZeroDivisionError), step.run("train") as run:
        step.log_summary(LINE)
        raise ZeroDivisionError
    assert capsys.readouterr().out == "[train] runs alone\n"
    assert found(run).info.status == "FAILED"


def test_a_step_without_a_result_says_nothing_in_the_end(capsys):
    with step.run("main"):
        pass
    assert capsys.readouterr().out == ""


def test_every_run_tells_its_kind():
    with step.run("main") as main:
        pass
    with step.run("train") as train, step.child("linear", names.MODEL) as model:
        pass
    with step.run("hpo") as hpo, step.child("trial-000", names.TRIAL) as trial:
        pass
    kinds = [tags(run)[names.KIND_TAG] for run in (main, train, hpo, model, trial)]
    assert kinds == ["workflow", "step", "step", "model", "trial"]
    assert "workflow.step" not in tags(model) | tags(trial)


def test_a_reused_step_keeps_its_result_and_not_its_reason():
    with step.started_by_workflow("the first in this experiment"), step.run("train", TRAIN) as run:
        step.log_summary(LINE)
    with step.run("main") as main:
        reuse.add_reused_run(found(run), main)
    (shown,) = MlflowClient().search_runs(
        [run.info.experiment_id], f"tags.mlflow.parentRunId = '{main.info.run_id}'"
    )
    assert shown.data.tags[names.RESULT_TAG] == LINE
    assert shown.data.tags[names.KIND_TAG] == "step"
    assert not {names.REASON_TAG, KEY_TAG, names.PROCESS_TAG} & set(shown.data.tags)


@pytest.mark.parametrize(
    ("below", "verbose", "said"),
    [(False, False, True), (True, False, False), (True, True, True), (False, True, True)],
)
def test_a_step_says_itself_what_no_summary_will_tell(capsys, below, verbose, said):
    terminal.set_verbose(verbose)
    if below:
        with step.started_by_workflow("reuse is false"):
            step.remark("preprocess", "warning: a gap")
    else:
        step.remark("preprocess", "warning: a gap")
    assert capsys.readouterr().out == ("[preprocess] warning: a gap\n" if said else "")


@click.command()
@options.seed
@options.reuse
@step.verbose
def entry_point(seed: int, may_reuse: bool) -> tuple[int, bool, dict[str, str]]:
    return seed, may_reuse, step.parameters()


def called(verbose: str) -> tuple[int, bool, dict[str, str]]:
    arguments = ["--seed", "01", "--reuse", "false", "--verbose", verbose]
    return entry_point.main(arguments, standalone_mode=False)


@pytest.mark.parametrize("text", ["true", "false"])
def test_verbose_is_obeyed_and_no_result_depends_on_it(monkeypatch, text):
    shown = []
    monkeypatch.setattr(library_logging, "show", lambda: shown.append(True))
    assert called(text) == (1, False, {"seed": "01", "reuse": "false"})
    assert terminal.is_verbose() == bool(shown) == (text == "true")


@pytest.mark.parametrize("text", ["True", "yes", "1", "", "none"])
def test_verbose_is_true_or_false(text):
    with pytest.raises(WorkflowError) as caught:
        called(text)
    assert str(caught.value) == f"verbose='{text}': give 'true' or 'false'."


def test_the_variable_of_a_workflows_steps_is_the_projects_own():
    assert step.REASON not in os.environ
    assert not step.REASON.startswith("MLFLOW_")


def test_a_secret_reaches_the_steps_and_is_gone_afterwards(monkeypatch):
    monkeypatch.setenv("TYPED", "by the user")
    with step.started_by_workflow("reuse is false", SECRET="hush", TYPED="by the workflow"):
        assert os.environ["SECRET"] == "hush"
        assert os.environ["TYPED"] == "by the workflow"
    assert "SECRET" not in os.environ
    assert os.environ["TYPED"] == "by the user"


@pytest.mark.parametrize("kind", [WorkflowError, RuntimeError])
def test_an_error_is_told_and_logged_without_the_secrets_it_quotes(capsys, monkeypatch, kind):
    @click.command()
    def failing() -> None:
        raise kind("403, url='https://me:hush@host/x.csv?signature=hush/abc'")

    monkeypatch.setattr("sys.argv", ["failing"])
    with mlflow.start_run() as run:
        assert step._outcome(failing, run.info.run_id) == 1
    for text in (capsys.readouterr().err, tags(run)[names.ERROR_TAG]):
        assert "url='https://host/x.csv?...'" in text
        assert "hush" not in text


def test_an_alert_ends_with_1_and_says_no_error(capsys, monkeypatch):
    @click.command()
    def alarming() -> None:
        with step.run("monitor"):
            step.log_summary("alert: there are no rows")
        raise AlertRaised

    monkeypatch.setattr("sys.argv", ["alarming"])
    assert step._outcome(alarming, None) == 1
    assert capsys.readouterr().err == ""
    (run,) = mlflow.search_runs(output_format="list")
    assert run.info.status == "FINISHED"
    assert names.ERROR_TAG not in run.data.tags
