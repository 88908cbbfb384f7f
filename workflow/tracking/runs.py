"""What is asked of MLflow and written to it: splits, inputs, candidate models."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import (
    DatasetInput,
    FileInfo,
    InputTag,
    LoggedModelOutput,
    LoggedModelStatus,
    Run,
)
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from sql_features.errors import WorkflowError
from sql_features.expressions import feature_columns, is_number
from workflow import digests
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml
from workflow.data.split_rules import SPLITS
from workflow.data.splits import read_positions, read_split, split_columns
from workflow.runtime import infrastructure_errors
from workflow.tracking.names import ALIAS, FAMILY_TAG, FEATURES, SEED_TAG, VALIDATION_TAG

ATTEMPTS = 10
NOT_UNIQUE = ("unique constraint", "duplicate entry")  # SQLite and PostgreSQL, MySQL


@dataclass(frozen=True)
class Splits:
    """A preprocess run's `splits/`, on this machine.

    Attributes:
        uri: `runs:/<run id>/splits`.
        folder: Where its files are.
    """

    uri: str
    folder: Path

    @property
    def run_id(self) -> str:
        """The preprocess run's id."""
        return self.uri.removeprefix("runs:/").partition("/")[0]

    @cached_property
    def dataset(self) -> Dataset:
        """The definition the splits were made by."""
        path = self.folder / "dataset.yaml"
        return from_yaml(path.read_text(encoding="utf-8"), where=f"{self.uri}/dataset.yaml")

    @cached_property
    def columns(self) -> dict[str, str]:
        """DuckDB type by raw column."""
        return split_columns(self.folder / "train.parquet")

    def columns_for(self, features: dict[str, str]) -> dict[str, str]:
        """Return the raw columns that features name, with their types."""
        asked = {name.casefold() for name in feature_columns(features)}
        return {name: type for name, type in self.columns.items() if name.casefold() in asked}

    def read(self, split: str, columns: Iterable[str]) -> tuple[pd.DataFrame, pd.Series]:
        """Return a split's raw columns and its target."""
        return read_split(self.folder / f"{split}.parquet", list(columns))

    def positions(self, *splits: str) -> np.ndarray | None:
        """Return what decides the rows' split, equal for rows that belong together, if any does."""
        found = [read_positions(self.folder / f"{split}.parquet") for split in splits]
        return None if found[0] is None else np.concatenate(found)

    def log_inputs(self, *splits: str) -> None:
        """Log splits as the dataset inputs of the active run."""
        inputs = [
            dataset_input(
                name=self.dataset.name,
                context=split,
                digest=digests.of_files([self.folder / f"{split}.parquet"]),
                source=f"{self.uri}/{split}.parquet",
                columns=self.columns,
            )
            for split in splits
        ]
        log_inputs(mlflow.active_run().info.run_id, inputs)


def open_splits(uri: str) -> Splits:
    """Bring a preprocess run's splits to this machine.

    Args:
        uri: `runs:/<run id>/splits`.

    Raises:
        WorkflowError: There is no such run, or it holds no splits.
    """
    if not uri.startswith("runs:/"):
        raise WorkflowError(
            f"splits='{uri}': give the splits of a preprocess run, as runs:/<run id>/splits."
        )
    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as error:
        if infrastructure_errors.explain(error):
            raise
        raise WorkflowError(
            f"splits='{uri}' cannot be read ({error}). Give runs:/<run id>/splits of a finished "
            "preprocess run in this tracking store."
        ) from error
    for name in ("dataset.yaml", *(f"{split}.parquet" for split in SPLITS)):
        if not (folder / name).is_file():
            raise WorkflowError(f"splits='{uri}' holds no {name}: give a preprocess run's splits.")
    return Splits(uri, folder)


def log_inputs(run_id: str, inputs: list[DatasetInput]) -> None:
    """Log dataset inputs of a run.

    MLflow looks for a dataset and then adds it: of two workflows that log the same one at the same
    time one fails, and finds it when it tries again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return MlflowClient().log_inputs(run_id, inputs)
        except MlflowException as error:
            if not any(words in str(error).casefold() for words in NOT_UNIQUE):
                raise
    return MlflowClient().log_inputs(run_id, inputs)


def dataset_input(
    *,
    name: str,
    context: str,
    digest: str,
    source: str,
    columns: dict[str, str],
    rows: int | None = None,
) -> DatasetInput:
    """Return what MLflow shows of a data set that a run has used.

    Args:
        name: The dataset's.
        context: The split.
        digest: Of the rows.
        source: A path, a URL, a run's artifact, or `sample`.
        columns: DuckDB type by raw column.
        rows: How many, if known.
    """
    scheme = source.partition("://")[0] if "://" in source else source.partition(":")[0]
    kinds = {"http": "http", "https": "http", "s3": "s3", "gs": "gs", "runs": "runs"}
    kind = "code" if source == "sample" else kinds.get(scheme, "local")
    schema = Schema([ColSpec(signature_type(type), column) for column, type in columns.items()])
    entity = DatasetEntity(
        name=name,
        digest=digest,
        source_type=kind,
        source=json.dumps({"url" if kind == "http" else "uri": source}),
        schema=json.dumps({"mlflow_colspec": schema.to_dict()}),
        profile=None if rows is None else json.dumps({"num_rows": rows}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", context)])


def candidates(run_ids: list[str]) -> list[Run]:
    """Return the runs that hold a model: of those given and of their children.

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
    """Return the tags of a run that holds a model: what it is, and how it was judged."""
    return {FAMILY_TAG: family, VALIDATION_TAG: validation, SEED_TAG: str(seed)}


def chosen_features(run: Run) -> dict[str, str]:
    """Return the feature set of a trial, where feature sets are searched."""
    return {FEATURES: run.data.params[FEATURES]} if FEATURES in run.data.params else {}


def judged_alike(found: list[Run]) -> tuple[str, int]:
    """Return how candidates were judged: the validation and the seed of its folds.

    Raises:
        WorkflowError: They were not judged in one way, so their scores cannot be compared.
    """
    ways = {(run.data.tags[VALIDATION_TAG], run.data.tags[SEED_TAG]) for run in found}
    if len({way for way, _ in ways}) > 1:
        said = ", ".join(f"{run.info.run_name} {run.data.tags[VALIDATION_TAG]}" for run in found)
        raise WorkflowError(
            f"candidates were not judged in one way ({said}): give runs of one `validation`."
        )
    way, seed = min(ways)
    return way, int(seed)


def git_commit(run: Run) -> str:
    """Return the commit of the code that made a run; MLflow notes it on the step's run."""
    if parent := run.data.tags.get("mlflow.parentRunId"):
        run = MlflowClient().get_run(parent)
    return run.data.tags.get("mlflow.source.git.commit", "unknown")


def root(run: Run) -> Run:
    """Return the run that a run is below, however far, or the run itself."""
    while (parent := run.data.tags.get("mlflow.parentRunId")) and (above := get(parent)):
        run = above
    return run


def page(run: Run) -> str:
    """Return where the MLflow UI shows a run, after the address of the server."""
    return f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"


def children(run: Run) -> list[Run]:
    """Return a run's child runs, in the order they were started."""
    return list(
        mlflow.search_runs(
            [run.info.experiment_id],
            filter_string=f"tags.mlflow.parentRunId = '{run.info.run_id}'",
            order_by=["attributes.start_time ASC"],
            output_format="list",
        )
    )


def models(run: Run) -> list[str]:
    """Return the ids of the models that a run has logged, the newest last."""
    return [one.model_id for one in run.outputs.model_outputs] if run.outputs else []


def show_model(run_id: str, model_id: str) -> None:
    """Show a model that another run has logged as one of this run's too."""
    MlflowClient().log_outputs(run_id, [LoggedModelOutput(model_id, 0)])


def model_files(model_id: str) -> dict[str, int | None] | None:
    """Return the size of each file of a logged model, or None if it is not all there."""
    client = MlflowClient()
    try:
        if client.get_logged_model(model_id).status != LoggedModelStatus.READY:
            return None
    except MlflowException as error:
        if not _is_missing(error):
            raise
        return None
    return sizes(client.list_logged_model_artifacts, model_id) or None


def sizes(listed: Callable[[str, str | None], list[FileInfo]], id: str) -> dict[str, int | None]:
    """Return the size of each file under a run or a model, by path, folders gone through.

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


def champion(name: str) -> str | None:
    """Return the version of a registered model that has the alias, if there is one."""
    try:
        return str(MlflowClient().get_model_version_by_alias(name, ALIAS).version)
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE" and not _is_missing(error):
            raise
        return None


def get(run_id: str) -> Run | None:
    """Return a run, or None if there is none of this id."""
    try:
        return MlflowClient().get_run(run_id)
    except MlflowException as error:
        if not _is_missing(error):
            raise
        return None


def _is_missing(error: MlflowException) -> bool:
    """Tell whether an error means that what was asked for does not exist."""
    return error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST)


def signature_type(type: str) -> DataType:
    """Numbers are doubles, so that integers with gaps are taken, and 74 as well as 74.0."""
    if type == "BOOLEAN":
        return DataType.boolean
    if is_number(type):
        return DataType.double
    if type.startswith("TIMESTAMP") or type == "DATE":
        return DataType.datetime
    return DataType.string
