"""The workflow: preprocess, train, hpo and register, each a child run of this one."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split


import click
import mlflow
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow import parameters
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml
from workflow.data.request import DatasetRequest
from workflow.errors import StepFailed
from workflow.models import metrics
from workflow.models.family_names import FAMILY_NAMES
from workflow.paths import PROJECT
from workflow.report import finished_workflow, publish, terminal_summary, workflow_runs
from workflow.runtime import terminal
from workflow.tracking import (
    dataset_inputs,
    names,
    reuse,
    runs,
    source_files,
    stale_runs,
    step,
)
from workflow.version import VERSION

TUNE = ["best", "all", *FAMILY_NAMES]


@click.command()
@click.option("--dataset", "name", required=True, help="Name, path or URI of a dataset file.")
@click.option("--data", required=True, help="'sample', 'default', a folder or a URL prefix.")
@click.option("--target", required=True, help="A column of `data`; 'none': the dataset's.")
@click.option("--task", required=True, help="'auto', or what to make of the target.")
@click.option("--split_by", required=True, help="'auto', 'hash', 'hash:COLUMN', 'time:COLUMN'.")
@click.option("--features", required=True, help="'all', 'search', a feature set, or a list.")
@click.option("--models", "families", required=True, help="Comma-separated families to compare.")
@click.option("--tune", required=True, help="'best', 'all', or comma-separated families.")
@click.option("--max_evals", required=True, help="How many trials.")
@click.option("--timeout", required=True, help="Seconds for the search, or 'none'.")
@click.option("--metric", required=True, help="'auto' or a metric of the task.")
@click.option("--validation", required=True, help="'auto', 'holdout' or 'cv:<folds>'.")
@click.option("--top_n", required=True, help="How many finalists see the test split.")
@click.option("--register_as", required=True, help="Registered name; 'auto' is the dataset's.")
@click.option("--seed", required=True, help="Of everything random.")
@click.option("--reuse", required=True, help="'true': no step whose result exists is run again.")
@step.verbosity
def main(
    name: str,
    data: str,
    target: str,
    task: str,
    split_by: str,
    features: str,
    families: str,
    tune: str,
    max_evals: str,
    timeout: str,
    metric: str,
    validation: str,
    top_n: str,
    register_as: str,
    seed: str,
    reuse: str,
) -> None:
    # All that can be wrong with the command is said now, before the first step starts.
    request = DatasetRequest.from_parameters(
        dataset=name, data=data, target=target, task=task, split_by=split_by
    )
    if request.is_inferred:
        request.check_table()
        metrics.check(metric)
        parameters.validation(validation, "holdout")
    else:
        _check(request.resolve(), features, metric, validation)
    compared = parameters.names("models", families, list(FAMILY_NAMES))
    tuned = parameters.names("tune", tune, TUNE)
    parameters.whole_number("max_evals", max_evals, at_least=1)
    most = parameters.whole_number("top_n", top_n, at_least=1)
    parameters.seed(seed)
    parameters.seconds("timeout", timeout)
    parameters.model_name(register_as)
    workflow = Workflow(reuses=parameters.yes_or_no("reuse", reuse))

    code = {
        names.PROJECT_VERSION_TAG: VERSION,
        names.UNCOMMITTED_TAG: str(source_files.uncommitted()),
    }
    with step.run("main", **code) as run:
        for name_of_orphan in stale_runs.sweep(run):
            terminal.say("main", f"ended {name_of_orphan}, whose process is gone, as KILLED")
        preprocess = workflow.step(
            "preprocess", request.parameters | {"seed": seed}, contents=request.contents()
        )
        splits = f"runs:/{preprocess.info.run_id}/splits"
        definition = from_yaml(mlflow.artifacts.load_text(f"{splits}/dataset.yaml"), splits)
        # What an inferred dataset has is known only now.
        _check(definition, features, metric, validation)
        on = {"splits": splits, "metric": metric}
        fit = {"features": features, "validation": validation, "seed": seed}
        train = workflow.step(
            "train", {"models": ",".join(compared), "hyperparameters": "{}"} | fit | on
        )
        if tuned == ["best"]:
            tuned = [train.data.tags[names.FAMILY_TAG]]
        searched = ",".join(compared if "all" in tuned else tuned)
        hpo = workflow.step(
            "hpo",
            {"models": searched, "max_evals": max_evals, "timeout": timeout} | fit | on,
            uncounted={"top_n": top_n, "reuse": reuse},
            at_least={"top_n": most},
        )
        register = workflow.step(
            "register",
            {
                "candidates": f"{train.info.run_id},{hpo.info.run_id}",
                "top_n": top_n,
                "register_as": register_as,
            }
            | on,
        )
        # The page of the workflow's run shows data and model as those of its steps do.
        dataset_inputs.log_inputs(run.info.run_id, preprocess.inputs.dataset_inputs)
        winner = MlflowClient().get_run(register.data.tags[names.WINNER_TAG])
        runs.show_model(run.info.run_id, runs.models(winner)[-1])
        mlflow.log_metrics(register.data.metrics)
        mlflow.set_tags({key: register.data.tags[key] for key in names.RESULT_TAGS})
        finished = finished_workflow.read(workflow_runs.find(run.info.run_id))
        publish.describe_version(finished)
        publish.publish(finished)
    terminal_summary.show(finished)


def _check(definition: Dataset, features: str, metric: str, validation: str) -> None:
    """Check the parameters that depend on the dataset."""
    definition.selections(features)
    parameters.validation(validation, definition.validation)
    metrics.resolve(metric, definition.task, definition.metric)


class Workflow:
    """Runs entry points of this project as children of the active run, or finds their results.

    Args:
        reuses: Whether a step whose result exists is left out.
    """

    def __init__(self, *, reuses: bool) -> None:
        self.reuses = reuses

    def step(
        self,
        entry_point: str,
        given: dict[str, str],
        *,
        contents: dict[str, str] | None = None,
        uncounted: dict[str, str] | None = None,
        at_least: dict[str, int] | None = None,
    ) -> Run:
        """Return the finished run of an entry point.

        Args:
            entry_point: Its name.
            given: Parameters that its result depends on.
            contents: What is known of the content of inputs that are no runs.
            uncounted: Parameters that its result does not depend on.
            at_least: Of those, how much the run of an earlier result must have had.

        Raises:
            StepFailed: It failed; it has said why.
        """
        workflow, reason = mlflow.active_run(), "reuse is false"
        if self.reuses:
            found, reason = reuse.find(
                reuse.ingredients(entry_point, given, contents),
                workflow.info.experiment_id,
                **(at_least or {}),
            )
            if found:
                reuse.show(found, workflow)
                terminal.say(entry_point, f"reused from {found.info.run_id}")
                return found
        terminal.say(entry_point, f"runs: {reason}", faint=True)
        uncounted = {"verbose": str(terminal.is_verbose()).lower()} | (uncounted or {})
        with step.below(reason):
            return _run(entry_point, given | uncounted)


def _run(entry_point: str, given: dict[str, str]) -> Run:
    try:
        done = mlflow.run(
            str(PROJECT),
            entry_point,
            parameters=given,
            run_name=entry_point,
            env_manager="local",  # the outer `mlflow run` has activated the environment
        )
    except ExecutionException as error:
        failed = runs.children(mlflow.active_run())[-1]
        stale_runs.end(failed.info.run_id)  # it may have been killed, with a trial at work
        reason = failed.data.tags.get(names.ERROR_TAG)
        if reason is None:
            raise WorkflowError(
                f"{entry_point}: its process has ended before it could say why; see the lines "
                "above. If there are none, it was ended from outside: was there too little memory? "
                "The same command goes on with what is finished."
            ) from error
        raise StepFailed(f"{entry_point}: {reason}") from error
    return MlflowClient().get_run(done.run_id)


if __name__ == "__main__":
    step.execute(main, grace=8.0)  # its step comes first
