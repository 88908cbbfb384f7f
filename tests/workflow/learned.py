"""A table taken to a logged model without `mlflow run`, as the steps take it."""

from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.pipeline import Pipeline

from sql_features.errors import WorkflowError
from sql_features.expressions import connect
from workflow.checks import data_checks, finding
from workflow.data import readers, split_writer, splits
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml, to_yaml
from workflow.data.split_rules import SPLITS
from workflow.data.splits import Splits
from workflow.models.families import FAMILIES
from workflow.schema import inferred_dataset
from workflow.schema.infer import infer
from workflow.tracking import logged_models
from workflow.training.trainer import Trainer
from workflow.training.training_data import TrainingData


@dataclass(frozen=True)
class Learned:
    """A file, the dataset that was inferred of it, and a model."""

    path: Path
    dataset: Dataset
    pipeline: Pipeline
    data: TrainingData

    @property
    def rows(self) -> pd.DataFrame:
        """The file's rows, with the types and the order that training reads them in."""
        with connect() as connection:
            return connection.execute(
                f"FROM {readers.scan([self.path], self.dataset.columns, self.dataset.missing)}"
            ).df()

    def log(self, family: str) -> str:
        """Log the model in a run of the active store; return its URI."""
        with mlflow.start_run() as run:
            logged_models.log(self.pipeline, self.data.example, FAMILIES[family], run.info.run_id)
        return logged_models.model_uri(mlflow.get_run(run.info.run_id))


def learn(path: Path, target: str, family: str, folder: Path) -> Learned:
    """Take a table to a model."""
    found = infer([path], target=target)
    dataset = inferred_dataset.from_table(found, target, str(path), "auto")
    dataset = replace(dataset, missing=readers.missing_texts([path], dataset.missing))
    text = to_yaml(dataset, inferred_dataset.comments(found, dataset.split))
    assert from_yaml(text, "dataset.yaml") == dataset
    raw = split_writer.read_raw(dataset, {splits.WHOLE: [path]})
    out = folder / "splits"
    out.mkdir()
    split_writer.write_splits(dataset, raw, out)
    (out / "dataset.yaml").write_text(text, encoding="utf-8")
    table, _ = data_checks.check(
        {split: out / f"{split}.parquet" for split in SPLITS},
        task=dataset.task,
        features=dataset.features,
        raw_types={split: raw[splits.WHOLE].columns for split in SPLITS},
    )
    if wrong := finding.errors(table):
        raise WorkflowError(" ".join(wrong))
    written, features = Splits("runs:/none/splits", out), dataset.select("all")
    data = TrainingData.read(written, features, seed=0, validation="holdout")
    trainer = Trainer(data)
    pipeline = trainer.pipeline(trainer.fit(FAMILIES[family], {}).model)
    return Learned(path, dataset, pipeline, data)
