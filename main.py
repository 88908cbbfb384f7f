"""Runs the whole workflow: preprocess, train, hpo and register, each a child run of its own run."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

from collections.abc import Iterable
from functools import partial

import click
import mlflow
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow import options
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml
from workflow.data.request import DatasetRequest
from workflow.data.splits import DEFINITION
from workflow.errors import StepFailed
from workflow.models import metrics
from workflow.models.family_names import FAMILY_NAMES
from workflow.paths import PROJECT
from workflow.report import finished_workflow, publish, terminal_summary
from workflow.runtime import terminal
from workflow.tracking import (
    cache_key,
    dataset_inputs,
    names,
    reuse,
    runs,
    source_files,
    stale_runs,
    step,
    workflow_runs,
)
from workflow.version import VERSION


@click.command()
@options.dataset
@options.data
@options.target
@options.task
@options.split_by
@options.features
@options.models(FAMILY_NAMES)
@options.tune(FAMILY_NAMES)
@options.max_evals
@options.timeout
@options.metric
@options.validation
@options.top_n
@options.register_as
@options.promote
@options.seed
@options.reuse
@step.verbose
def main(
    dataset: str,
    data: str,
    target: str,
    task: str,
    split_by: str,
    features: str,
    models: list[str],
    tune: list[str],
    metric: str,
    top_n: int,
    may_reuse: bool,
    **passed_on: object,
) -> None:
    # Whatever is wrong with the parameters is said now, before the first step starts. The options
    # have checked each by itself. The steps are given texts, which they check and read again.
    request = DatasetRequest.from_parameters(
        dataset=dataset, data=data, target=target, task=task, split_by=split_by
    )
    if request.is_inferred:
        request.check_table()
        metrics.check(metric)
    else:
        _check(request.resolve(), features, metric)
    given = step.parameters() | request.parameters
    run_step = partial(run_or_reuse, may_reuse=may_reuse)

    uncommitted = str(source_files.uncommitted())
    code = {names.PROJECT_VERSION_TAG: VERSION, names.UNCOMMITTED_TAG: uncommitted}
    with step.run("main", **code) as run:
        for orphan in stale_runs.sweep(run):
            terminal.say("main", f"ended {orphan}, whose process is gone, as KILLED")
        preprocess = run_step(
            "preprocess",
            {**request.parameters, **_pick(given, "seed")},
            contents=request.contents(),
            secrets=request.queries,
        )
        splits = f"runs:/{preprocess.info.run_id}/{names.SPLITS_FOLDER}"
        definition = from_yaml(mlflow.artifacts.load_text(f"{splits}/{DEFINITION}"), splits)
        _check(definition, features, metric)  # an inferred dataset is not known before
        train = run_step(
            "train",
            {
                "splits": splits,
                "models": ",".join(models),
                "hyperparameters": "{}",
                **_pick(given, "features", "metric", "validation", "seed"),
            },
        )
        searched = families_to_search(tune, models, best=train.data.tags[names.FAMILY_TAG])
        hpo = run_step(
            "hpo",
            {
                "splits": splits,
                "models": ",".join(searched),
                **_pick(given, "features", "metric", "validation", "seed"),
                **_pick(given, "max_evals", "timeout", "top_n", "reuse"),
            },
            not_in_key=cache_key.LEFT_OUT_OF_SEARCH_KEY,
            at_least={"top_n": top_n},
        )
        register = run_step(
            "register",
            {
                "splits": splits,
                "candidates": f"{train.info.run_id},{hpo.info.run_id}",
                **_pick(given, "top_n", "metric", "register_as", "promote"),
            },
        )
        # MLflow's page of this run shows the data, the model and the scores of its steps.
        dataset_inputs.log_inputs(run.info.run_id, preprocess.inputs.dataset_inputs)
        winner = MlflowClient().get_run(register.data.tags[names.WINNER_TAG])
        runs.show_model(run.info.run_id, runs.models(winner)[-1])
        mlflow.log_metrics(register.data.metrics)
        mlflow.set_tags({key: register.data.tags[key] for key in names.RESULT_TAGS})
        finished = finished_workflow.read(workflow_runs.find(run.info.run_id))
        publish.describe_version(finished)
        publish.publish(finished)
    terminal_summary.show(finished)


def _pick(given: dict[str, str], *wanted: str) -> dict[str, str]:
    """Return the parameters of these names."""
    return {name: given[name] for name in wanted}


def _check(definition: Dataset, features: str, metric: str) -> None:
    """Check the parameters whose meaning depends on the dataset."""
    definition.selections(features)
    metrics.resolve(metric, definition.task, definition.metric)


def families_to_search(tune: list[str], models: list[str], *, best: str) -> list[str]:
    """Return the families that the parameter `tune` stands for.

    Args:
        tune: `best`, `all` or families.
        models: The families that were compared.
        best: The best of them.
    """
    if "all" in tune:
        return models
    return list(dict.fromkeys(best if name == "best" else name for name in tune))


def run_or_reuse(
    entry_point: str,
    parameters: dict[str, str],
    *,
    may_reuse: bool,
    contents: dict[str, str] | None = None,
    secrets: dict[str, str] | None = None,
    not_in_key: Iterable[str] = (),
    at_least: dict[str, int] | None = None,
) -> Run:
    """Return the finished run of an entry point: an earlier one, or a new child of the active run.

    Args:
        entry_point: Its name.
        parameters: What it is given.
        may_reuse: Whether it is not run if an earlier run holds its result.
        contents: Digests or versions of the files that it reads, by name.
        secrets: What it is given in environment variables instead, by their names.
        not_in_key: Parameters that an earlier run may have had other values of.
        at_least: The lowest values that it may have had of some of those.

    Raises:
        StepFailed: The step has failed, and has told the user why.
        WorkflowError: Its process has ended without a word.
    """
    workflow, reason = mlflow.active_run(), "reuse is false"
    if may_reuse:
        found, reason = reuse.find(
            reuse.ingredients(entry_point, parameters, contents).without(*not_in_key),
            workflow.info.experiment_id,
            **(at_least or {}),
        )
        if found:
            reuse.add_reused_run(found, workflow)
            terminal.say(entry_point, f"reused from {found.info.run_id}")
            return found
    terminal.say(entry_point, f"runs: {reason}", faint=True)
    verbose = str(terminal.is_verbose()).lower()
    with step.started_by_workflow(reason, **(secrets or {})):
        return _run(entry_point, parameters | {"verbose": verbose})


def _run(entry_point: str, parameters: dict[str, str]) -> Run:
    """Run an entry point as a child run, and wait for its end."""
    try:
        done = mlflow.run(
            str(PROJECT),
            entry_point,
            parameters=parameters,
            run_name=entry_point,
            env_manager="local",  # the outer `mlflow run` has activated the environment
        )
    except ExecutionException as error:
        failed = runs.children(mlflow.active_run())[-1]
        stale_runs.end(failed.info.run_id)  # it and its trials are still RUNNING if it was killed
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
    # An interrupted step ends first; only then does the workflow.
    step.execute(main, grace=8.0)
