"""The workflow: preprocess, train, hpo and register, each a child run of this one."""

import workflow.process  # noqa: F401

# isort: split

from pathlib import Path

import click
import mlflow
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException
from mlflow.tracking import MlflowClient

from workflow import asked, metrics, models, parameters, runs, step, summary
from workflow.dataset import Dataset
from workflow.dataset_file import from_yaml
from workflow.errors import StepFailed

PROJECT = Path(__file__).resolve().parent
TUNE = ["best", "all", *models.FAMILIES]


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
) -> None:
    # All that can be wrong with the command is said now, before the first step starts.
    name, data = asked.locate(name, data)
    if target == parameters.NONE:
        _check(asked.resolve(name, data, task, split_by), features, metric, validation)
    else:
        asked.check_table(target, data, task, split_by)
        metrics.check(metric)
        parameters.validation(validation, "holdout")
    compared = parameters.names("models", families, list(models.FAMILIES))
    tuned = parameters.names("tune", tune, TUNE)
    parameters.whole_number("max_evals", max_evals, at_least=1)
    parameters.whole_number("top_n", top_n, at_least=1)
    parameters.seed(seed)
    parameters.seconds("timeout", timeout)
    parameters.model_name(register_as)

    with step.run("main") as workflow:
        preprocess = run_step(
            "preprocess", dataset=name, data=data, target=target, task=task, split_by=split_by,
            seed=seed,
        )  # fmt: skip
        splits = f"runs:/{preprocess.info.run_id}/splits"
        definition = from_yaml(mlflow.artifacts.load_text(f"{splits}/dataset.yaml"), splits)
        # What an inferred dataset has is known only now.
        judged = _check(definition, features, metric, validation)
        on = {"splits": splits, "metric": metric}
        fit = {"features": features, "validation": validation, "seed": seed}
        train = run_step("train", models=",".join(compared), **fit, **on)
        if tuned == ["best"]:
            tuned = [train.data.tags[runs.FAMILY_TAG]]
        hpo = run_step(
            "hpo", models=",".join(compared if "all" in tuned else tuned), max_evals=max_evals,
            timeout=timeout, top_n=top_n, **fit, **on,
        )  # fmt: skip
        register = run_step(
            "register", candidates=f"{train.info.run_id},{hpo.info.run_id}", top_n=top_n,
            register_as=register_as, **on,
        )  # fmt: skip
        mlflow.log_metrics(register.data.metrics)
        mlflow.set_tags({key: register.data.tags[key] for key in runs.RESULT_TAGS})
    summary.show(workflow, definition, judged, preprocess, [train, hpo], register)


def _check(definition: Dataset, features: str, metric: str, validation: str) -> str:
    """Check the parameters that depend on the dataset; return the metric judged by."""
    definition.selections(features)
    parameters.validation(validation, definition.validation)
    return metrics.resolve(metric, definition.task, definition.metric)


def run_step(entry_point: str, **parameters: str) -> Run:
    """Run an entry point of this project as a child of the active run, and return its run.

    Raises:
        StepFailed: It failed; it has said why.
    """
    client = MlflowClient()
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
        reason = failed.data.tags.get(step.ERROR_TAG, str(error))
        raise StepFailed(f"{entry_point}: {reason}") from error
    return client.get_run(done.run_id)


if __name__ == "__main__":
    step.execute(main)
