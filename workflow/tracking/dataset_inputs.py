"""The data of a run: splits downloaded from the tracking store, and dataset inputs logged to it."""

import json
from pathlib import Path

import mlflow
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from sql_features.duckdb_types import kind_of
from sql_features.errors import WorkflowError
from workflow.data.split_rules import SPLITS
from workflow.data.splits import DEFINITION, Splits
from workflow.runtime import infrastructure_errors
from workflow.tracking import names

ATTEMPTS = 10
NOT_UNIQUE = ("unique constraint", "duplicate entry")  # SQLite and PostgreSQL, MySQL
SIGNATURE_TYPES = {  # by the kind of a column's DuckDB type; the others are strings
    "boolean": DataType.boolean,
    "number": DataType.double,
    "date": DataType.datetime,
}


def open_splits(uri: str) -> Splits:
    """Download a preprocess run's splits to this machine.

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
    for name in (DEFINITION, *(f"{split}.parquet" for split in SPLITS)):
        if not (folder / name).is_file():
            raise WorkflowError(f"splits='{uri}' holds no {name}: give a preprocess run's splits.")
    return Splits(uri, folder)


def digest_tags(digests: dict[str, str]) -> dict[str, str]:
    """Return the tags that say which rows a run has used.

    Args:
        digests: Of each split's rows, by its name.
    """
    return {f"{names.DIGEST_TAG}.{split}": digest for split, digest in digests.items()}


def log_splits(splits: Splits, *used: str) -> None:
    """Log those splits that the active run uses as its dataset inputs, by name."""
    inputs = [
        dataset_input(
            name=splits.dataset.name,
            context=name,
            digest=splits.digests[name],
            source=f"{splits.uri}/{name}.parquet",
            columns=splits.columns,
        )
        for name in used
    ]
    run = mlflow.active_run()
    assert run is not None
    log_inputs(run.info.run_id, inputs)


def log_inputs(run_id: str, inputs: list[DatasetInput]) -> None:
    """Log dataset inputs of a run.

    MLflow first looks whether the store has a dataset, and then adds it. Of two workflows that log
    the same dataset at the same time, one fails; it finds the dataset when it tries again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return MlflowClient().log_inputs(run_id, inputs)
        except MlflowException as error:
            is_there_now = any(words in str(error).casefold() for words in NOT_UNIQUE)
            if not is_there_now or attempt == ATTEMPTS:
                raise


def dataset_input(
    *,
    name: str,
    context: str,
    digest: str,
    source: str,
    columns: dict[str, str],
    rows: int | None = None,
) -> DatasetInput:
    """Return a dataset input: what MLflow shows of data that a run has used.

    Args:
        name: The name of the dataset.
        context: The name of the split.
        digest: Of the rows, at most 36 characters.
        source: A path, a URL, the URI of a run's artifact, or `sample`.
        columns: DuckDB type by raw column.
        rows: How many, if it is known.
    """
    kinds = {"http": "http", "https": "http", "s3": "s3", "gs": "gs", "runs": "runs"}
    kind = "code" if source == "sample" else kinds.get(source.partition(":")[0], "local")
    schema = Schema([ColSpec(signature_type(type), column) for column, type in columns.items()])
    entity = DatasetEntity(
        name=name,
        digest=digest,
        source_type=kind,
        source=json.dumps({"url" if kind == "http" else "uri": source}),
        schema=json.dumps({"mlflow_colspec": schema.to_dict()}),
        profile=None if rows is None else json.dumps({"num_rows": rows}),
    )
    return DatasetInput(entity, [InputTag(names.CONTEXT_TAG, context)])


def signature_type(type: str) -> DataType:
    """Return the MLflow type of a raw column with a DuckDB type.

    Every number is a double: so integers may have gaps, and 74 and 74.0 are both accepted.
    """
    return SIGNATURE_TYPES.get(kind_of(type), DataType.string)
