"""Runs of the tracking store: read, compared and copied."""

from collections.abc import Callable
from typing import Any

import mlflow
from mlflow.entities import FileInfo, LoggedModelOutput, LoggedModelStatus, Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.tracking import dataset_inputs, names


def candidates(run_ids: list[str]) -> list[Run]:
    """Return those of some runs and of their child runs that hold a model.

    Raises:
        WorkflowError: A run does not exist, or there is no model anywhere.
    """
    found: dict[str, Run] = {}
    for run_id in run_ids:
        if (run := get(run_id)) is None:
            raise WorkflowError(
                f"candidates: there is no run '{run_id}' in this tracking store; give the ids of "
                "train, hpo or trial runs."
            )
        for one in [run, *children(run)]:
            if models(one):
                found[one.info.run_id] = one
    if not found:
        raise WorkflowError(
            f"candidates='{','.join(run_ids)}': none of these runs, nor a child of theirs, holds a "
            "model; give the ids of finished train or hpo runs."
        )
    return list(found.values())


def model_tags(family: str, validation: str, seed: int) -> dict[str, str]:
    """Return the tags of a run that holds a model: its family, and how it was judged."""
    return {names.FAMILY_TAG: family, names.VALIDATION_TAG: validation, names.SEED_TAG: str(seed)}


def leaderboard_row(run: Run, metrics: dict[str, float]) -> dict[str, Any]:
    """Return what a leaderboard shows of a model's run; its feature set, if sets were searched."""
    chosen = {name: text for name, text in run.data.params.items() if name == names.FEATURES}
    return {
        "run": run.info.run_name,
        "family": run.data.tags[names.FAMILY_TAG],
        **chosen,
        **metrics,
        "run_id": run.info.run_id,
    }


def judged_alike(found: list[Run]) -> tuple[str, int]:
    """Return how candidates were judged: the validation and the seed of its folds.

    Raises:
        WorkflowError: They were not judged in one way, so their scores cannot be compared.
    """
    ways = {(run.data.tags[names.VALIDATION_TAG], run.data.tags[names.SEED_TAG]) for run in found}
    if len({way for way, _ in ways}) > 1:
        said = ", ".join(
            f"{run.info.run_name} {run.data.tags[names.VALIDATION_TAG]}" for run in found
        )
        raise WorkflowError(
            f"candidates were not judged in one way ({said}): give runs of one `validation`."
        )
    way, seed = min(ways)
    return way, int(seed)


def git_commit(run: Run) -> str:
    """Return the commit of the code that made a run; MLflow notes it on the step's run."""
    if parent := run.data.tags.get(names.PARENT_TAG):
        run = MlflowClient().get_run(parent)
    return run.data.tags.get(names.COMMIT_TAG, "unknown")


def root(run: Run) -> Run:
    """Return the topmost run above a run, or the run itself if there is none above."""
    while (parent := run.data.tags.get(names.PARENT_TAG)) and (above := get(parent)):
        run = above
    return run


def page(run: Run) -> str:
    """Return the address of a run's page in the MLflow UI, without that of the server."""
    return f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"


def copy(run: Run, tags: dict[str, str], without: tuple[str, ...] = ()) -> Run:
    """Make a finished run with the times, params, metrics and inputs of another.

    Args:
        run: The other run, finished. Its artifacts stay where they are.
        tags: Tags of the copy.
        without: Metrics whose names begin so are not copied.
    """
    client = MlflowClient()
    info, data = run.info, run.data
    id = client.create_run(info.experiment_id, info.start_time, tags, info.run_name).info.run_id
    metrics = [
        Metric(name, value, info.end_time, 0)
        for name, value in data.metrics.items()
        if not name.startswith(without)
    ]
    client.log_batch(id, metrics, [Param(name, text) for name, text in data.params.items()])
    if run.inputs and run.inputs.dataset_inputs:
        dataset_inputs.log_inputs(id, run.inputs.dataset_inputs)
    client.set_terminated(id, "FINISHED", info.end_time)
    return client.get_run(id)


def children(run: Run) -> list[Run]:
    """Return a run's child runs, in the order they were started."""
    return list(
        mlflow.search_runs(
            [run.info.experiment_id],
            filter_string=f"tags.{names.PARENT_TAG} = '{run.info.run_id}'",
            order_by=["attributes.start_time ASC"],
            output_format="list",
        )
    )


def models(run: Run) -> list[str]:
    """Return the ids of the models that a run shows, the newest last."""
    return [one.model_id for one in run.outputs.model_outputs] if run.outputs else []


def show_model(run_id: str, model_id: str) -> None:
    """Let a run show a model that another run has logged."""
    MlflowClient().log_outputs(run_id, [LoggedModelOutput(model_id, 0)])


def model_files(model_id: str) -> dict[str, int | None] | None:
    """Return the size of each file of a logged model by path, or None if it is not complete."""
    client = MlflowClient()
    try:
        if client.get_logged_model(model_id).status != LoggedModelStatus.READY:
            return None
    except MlflowException as error:
        if not is_missing(error):
            raise
        return None
    return sizes(client.list_logged_model_artifacts, model_id) or None


def sizes(listed: Callable[[str, str | None], list[FileInfo]], id: str) -> dict[str, int | None]:
    """Return the size of each file of a run or a model by path, those in folders too.

    Args:
        listed: A method of MlflowClient that lists a folder's content.
        id: The run's or the model's.
    """
    found: dict[str, int | None] = {}
    folders: list[str | None] = [None]
    while folders:
        for one in listed(id, folders.pop()):
            if one.is_dir:
                folders.append(one.path)
            else:
                found[one.path] = one.file_size
    return found


def get(run_id: str) -> Run | None:
    """Return the run of an id, or None if there is none."""
    try:
        return MlflowClient().get_run(run_id)
    except MlflowException as error:
        if not is_missing(error):
            raise
        return None


def is_missing(error: MlflowException) -> bool:
    """Tell whether MLflow's error means that a run, model or version does not exist."""
    return bool(error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST))
