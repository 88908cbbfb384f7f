"""What the tracking store knows of a registered version: all that monitoring needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature

from sql_features.errors import WorkflowError
from sql_features.expressions import TARGET, columns_of, connect
from workflow.data.dataset import Dataset
from workflow.data.parquet import column_types, scan_parquet
from workflow.data.split_rules import SPLITS
from workflow.data.splits import Splits
from workflow.models import metrics
from workflow.models.metrics import Metric
from workflow.tracking import artifacts, dataset_inputs, model_loading, names, runs
from workflow.tracking.model_loading import LoadedModel
from workflow.tracking.model_versions import RegisteredVersion


@dataclass(frozen=True)
class Record:
    """The record of a registered version.

    Attributes:
        version: The version.
        splits: Those that it was trained and tested on.
        answers: (n_test_rows, ...) its predictions on test, and "actual".
        rows: By split what was read, kept and dropped, as preprocess has counted.
    """

    version: RegisteredVersion
    splits: Splits
    answers: pd.DataFrame
    rows: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, version: RegisteredVersion) -> "Record":
        """Read the record of a version.

        Raises:
            WorkflowError: A part of it is gone, or another tool has registered the version.
        """
        splits = dataset_inputs.open_splits(version.splits_uri)
        answers = artifacts.predictions_on_test(version.register_run)
        counted = f"runs:/{version.preprocess_run_id}/{names.ROW_COUNTS}"
        rows = artifacts.or_none(mlflow.artifacts.load_dict, counted)
        if answers is None or rows is None:
            raise WorkflowError(
                f"model '{version.name}/{version.number}' has no record of its predictions on "
                "test, or of its rows: they were deleted. Give a version whose runs are there."
            )
        return cls(version, splits, answers, rows)

    @property
    def dataset(self) -> Dataset:
        """The definition that it was trained by."""
        return self.splits.dataset

    @cached_property
    def metric(self) -> Metric:
        """What it was chosen by."""
        given = self.version.register_run.data.params.get("metric", "auto")
        return metrics.resolve(given, self.dataset.task, self.dataset.metric)

    @property
    def seed(self) -> int:
        """The seed of its training."""
        return int(self.version.run.data.tags[names.SEED_TAG])

    @property
    def model_id(self) -> str:
        """The id of its logged model."""
        return runs.models(self.version.run)[-1]

    @property
    def kept(self) -> tuple[int, int]:
        """How many raw rows counted, and of how many whose target was known."""
        counts = [self.rows[split] for split in SPLITS]
        known = [one["read"] - one["dropped"].get("target missing", 0) for one in counts]
        return sum(one["kept"] for one in counts), sum(known)

    @cached_property
    def types(self) -> dict[str, str]:
        """DuckDB type by raw column of the splits; of one that is the target itself too."""
        found = dict(self.splits.columns)
        for name in columns_of(self.dataset.target, "target"):
            if name.casefold() == TARGET:
                with connect() as connection:
                    scan = scan_parquet([self.splits.path("train")])
                    found[name] = column_types(connection, scan)[TARGET]
        return found

    def columns(self, signature: ModelSignature) -> dict[str, str]:
        """Return the raw columns that its model reads, with their types in training."""
        specs: Iterable[Any] = signature.inputs
        return {spec.name: self.types.get(spec.name, "VARCHAR") for spec in specs}

    def load(self) -> LoadedModel:
        """Load its model.

        Raises:
            WorkflowError: It cannot be loaded.
        """
        return model_loading.load(self.version.uri)
