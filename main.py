"""The workflow: preprocess, train, hpo and register, each a child run of this one."""

import workflow.process  # noqa: F401

# isort: split

from pathlib import Path

import click
import mlflow
from mlflow.entities import Run
from mlflow.exceptions import ExecutionException
from mlflow.tracking import MlflowClient

from workflow import dataset, evaluate, models, parameters, runs, step, summary
from workflow.errors import StepFailed

PROJECT = Path(__file__).resolve().parent
TUNE = ["best", "all", *models.FAMILIES]


@click.command()
@click.option("--dataset", "name", required=True, help="Name, path or URI of a dataset file.")
@click.option("--data", required=True, help="'sample', 'default', a folder or a URL prefix.")
@click.option("--target", required=True, help="'none': the dataset file names it.")
@click.option("--task", required=True, help="'auto': the dataset file names it.")
@click.option("--features", required=True, help="'all', a feature set, or a list of features.")
@click.option("--models", "families", required=True, help="Comma-separated families to compare.")
@click.option("--tune", required=True, help="'best', 'all', or comma-separated families.")
@click.option("--max_evals", required=True, help="How many trials.")
@click.option("--timeout", required=True, help="Seconds for the search, or 'none'.")
@click.option("--metric", required=True, help="'auto' or a metric of the task.")
@click.option("--top_n", required=True, help="How many finalists see the test split.")
@click.option("--register_as", required=True, help="Registered name; 'auto' is the dataset's.")
@click.option("--seed", required=True, help="Of everything random.")
def main(
    name: str,
    data: str,
    target: str,
    task: str,
    features: str,
    families: str,
    tune: str,
    max_evals: str,
    timeout: str,
    metric: str,
    top_n: str,
    register_as: str,
    seed: str,
) -> None:
    # All that can be wrong with the command is said now, before the first step starts.
    name, data = dataset.locate(name, data)
    definition = dataset.resolve(name, data, target, task)
    definition.select(features)
    asked = parameters.names("models", families, list(models.FAMILIES))
    tuned = parameters.names("tune", tune, TUNE)
    judged = evaluate.resolve_metric(metric, definition.task)
    parameters.whole_number("max_evals", max_evals, at_least=1)
    parameters.whole_number("top_n", top_n, at_least=1)
    parameters.seed(seed)
    parameters.seconds("timeout", timeout)
    parameters.model_name(register_as)

    with step.run("main") as workflow:
        preprocess = run_step(
            "preprocess", dataset=name, data=data, target=target, task=task, seed=seed
        )
        on = {"splits": f"runs:/{preprocess.info.run_id}/splits", "metric": metric}
        train = run_step("train", models=",".join(asked), features=features, seed=seed, **on)
        if tuned == ["best"]:
            tuned = [train.data.tags[runs.FAMILY_TAG]]
        hpo = run_step(
            "hpo", models=",".join(asked if "all" in tuned else tuned), features=features,
            max_evals=max_evals, timeout=timeout, top_n=top_n, seed=seed, **on,
        )  # fmt: skip
        register = run_step(
            "register", candidates=f"{train.info.run_id},{hpo.info.run_id}", top_n=top_n,
            register_as=register_as, **on,
        )  # fmt: skip
        mlflow.log_metrics(register.data.metrics)
        mlflow.set_tags({key: register.data.tags[key] for key in runs.RESULT_TAGS})
    summary.show(workflow, definition, judged, [train, hpo], register)


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
