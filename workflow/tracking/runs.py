"""Runs of the tracking store: read, compared and copied."""

from collections.abc import Callable
from functools import cache
from typing import Any

import mlflow
from mlflow.entities import FileInfo, LoggedModelOutput, LoggedModelStatus, Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.data.split_rules import SPLITS
from workflow.data.splits import Splits
from workflow.parameters import folds
from workflow.tracking import dataset_inputs, names

# A file that MLflow writes beside a model whenever it brings it here under a registered name. It is
# no part of the model: loaded under another name it has another size.
REGISTERED_META = "registered_model_meta"


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


def model_tags(
    family: str, validation: str, seed: int, splits: Splits, without_value: dict[str, str]
) -> dict[str, str]:
    """Return the tags of a run that holds a model: its family, its rows, and how it was judged.

    Args:
        validation: `holdout` or `cv:<folds>`.
        without_value: Why metrics have no mean over the folds, by the name of each that has none.
    """
    lacking = "; ".join(f"{name}: {reason}" for name, reason in without_value.items())
    return {
        names.FAMILY_TAG: family,
        names.VALIDATION_TAG: validation,
        names.SEED_TAG: str(seed),
        **dataset_inputs.digest_tags(splits.digests),
        **({names.NO_VALUE_TAG: lacking} if lacking else {}),
    }


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


def check_splits(found: list[Run], splits: Splits) -> None:
    """Check that candidates were fitted on these splits.

    A run of an earlier version does not say its splits; then the step above it does.

    Raises:
        WorkflowError: One was fitted on other rows, or nobody knows on which.
    """
    above = cache(get)
    for run in found:
        who = f"candidates: {run.info.run_name} ({run.info.run_id})"
        used = _digests(run, above)
        if not {"train", "validation"} <= set(used):
            raise WorkflowError(
                f"{who} does not say on which splits it was fitted: give train, hpo or trial runs, "
                "made anew if their data are gone from the tracking store."
            )
        for split, digest in used.items():
            if digest != splits.digests[split]:
                raise WorkflowError(
                    f"{who} was fitted with another {split} split than that of "
                    f"splits='{splits.uri}', so that their scores do not compare, and rows that it "
                    "has learned may be in the test: give candidates of these splits, or the "
                    "splits of the candidates."
                )


def _digests(run: Run, above: Callable[[str], Run | None]) -> dict[str, str]:
    """Return the digests of the splits that a model was fitted on, by split, as far as known."""
    tags = run.data.tags
    own = {split: tags.get(f"{names.DIGEST_TAG}.{split}", "") for split in SPLITS}
    if any(own.values()):
        return {split: digest for split, digest in own.items() if digest}
    step = above(tags[names.PARENT_TAG]) if names.PARENT_TAG in tags else None
    if step is None or step.inputs is None:
        return {}
    return {
        tag.value: one.dataset.digest
        for one in step.inputs.dataset_inputs
        for tag in one.tags
        if tag.key == names.CONTEXT_TAG and tag.value in SPLITS
    }


def judged_alike(found: list[Run]) -> tuple[str, int]:
    """Return how candidates were judged: the validation and the seed of its folds.

    Raises:
        WorkflowError: They were not judged in one way, so their scores cannot be compared.
    """
    ways = sorted(
        {(run.data.tags[names.VALIDATION_TAG], run.data.tags[names.SEED_TAG]) for run in found}
    )
    if len({way for way, _ in ways}) > 1:
        said = ", ".join(
            f"{run.info.run_name} {run.data.tags[names.VALIDATION_TAG]}" for run in found
        )
        raise WorkflowError(
            f"candidates were not judged in one way ({said}): give runs of one `validation`."
        )
    (way, seed), *others = ways
    if others and folds(way) is not None:
        said = ", ".join(f"{run.info.run_name} {run.data.tags[names.SEED_TAG]}" for run in found)
        raise WorkflowError(
            f"candidates were judged by folds of different seeds ({said}): give runs of one `seed`."
        )
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
    """Return the size of each file of a logged model by path, or None if it is not complete.

    `REGISTERED_META` is left out.
    """
    client = MlflowClient()
    try:
        if client.get_logged_model(model_id).status != LoggedModelStatus.READY:
            return None
    except MlflowException as error:
        if not is_missing(error):
            raise
        return None
    found = sizes(client.list_logged_model_artifacts, model_id)
    return {path: size for path, size in found.items() if path != REGISTERED_META} or None


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
