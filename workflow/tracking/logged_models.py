"""How a fitted pipeline becomes a logged model that takes raw rows anywhere."""

import tempfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Run
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import PyFuncModel
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType
from sklearn.pipeline import Pipeline

from sql_features.labelled_pipeline import PREDICTION, PROBABILITY, LabelledPipeline
from sql_features.transformer import SqlFeatures
from workflow.models.families import Family
from workflow.paths import SQL_FEATURES
from workflow.tracking.dataset_inputs import signature_type
from workflow.tracking.environment import serving_environment
from workflow.tracking.names import LOGGED_MODEL, MODEL_BYTES

PACKAGES = ["mlflow", "scikit-learn", "pandas", "numpy", "scipy", "duckdb", "skops"]
TRUSTED = (
    f"{SqlFeatures.__module__}.{SqlFeatures.__qualname__}",
    f"{LabelledPipeline.__module__}.{LabelledPipeline.__qualname__}",
    "numpy.dtype",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
)


def log(pipeline: Pipeline, example: pd.DataFrame, family: Family, run_id: str) -> None:
    """Log a whole pipeline, raw rows to predictions, as a run's model; its status stays as it is.

    It is saved by skops, which runs no code of the file's when it is loaded, with the code of its
    first stage beside it, so that it loads where the project is not.

    Args:
        pipeline: SqlFeatures, encoding, estimator; fitted.
        example: (n, n_columns) raw rows, as in training.
        family: The model's; it says which packages and types the estimator is made of.
        run_id: The run's.
    """
    features = pipeline[0]
    specs = [
        ColSpec(_served_type(type), name, required=name not in features.optional)
        for name, type in features.columns.items()
    ]
    signature = ModelSignature(Schema(specs), _outputs(pipeline))
    with tempfile.TemporaryDirectory() as folder:
        packages = [*PACKAGES, *family.packages]
        info = mlflow.sklearn.log_model(
            pipeline,
            name=LOGGED_MODEL,
            conda_env=serving_environment(packages, Path(folder, "pins.txt")),
            code_paths=[str(SQL_FEATURES)],
            signature=signature,
            input_example=as_served(example, signature),
            serialization_format="skops",
            skops_trusted_types=[*TRUSTED, *family.trusted],
            run_id=run_id,
        )
    mlflow.log_metric(MODEL_BYTES, Model.load(info.model_uri).model_size_bytes, run_id=run_id)


def _outputs(pipeline: Pipeline) -> Schema:
    if not isinstance(pipeline, LabelledPipeline):
        return Schema([ColSpec(DataType.double)])
    types = {bool: DataType.boolean, int: DataType.long, float: DataType.double}
    label = types.get(type(pipeline.labels[0]), DataType.string)
    probabilities = [ColSpec(DataType.double, f"{PROBABILITY}{one}") for one in pipeline.labels]
    return Schema([ColSpec(label, PREDICTION), *probabilities])


def predict(model: PyFuncModel, raw: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, list[Any]]:
    """Predict raw rows as a server would.

    Returns:
        The answer as a frame, with a column "prediction"; the predictions as evaluate.score takes
        them, (n_rows,) values or (n_rows, n_classes) probabilities; and the classes' labels.
    """
    signature = model.metadata.signature
    answer = model.predict(as_served(raw[signature.inputs.input_names()], signature))
    if not isinstance(answer, pd.DataFrame):
        return pd.DataFrame({PREDICTION: answer}, index=raw.index), answer, []
    labels = list(model.get_raw_model().labels)
    return answer, answer.drop(columns=PREDICTION).to_numpy(), labels


def _served_type(type: str) -> DataType | AnyType:
    """Times are of any type, because a CSV and a JSON record have them as text, a frame as times.

    MLflow makes no datetime of pandas' text; the model's own first stage does.
    """
    kind = signature_type(type)
    return AnyType() if kind == DataType.datetime else kind


def load(run: Run) -> PyFuncModel:
    """Load a run's model from the tracking store, as a server would."""
    return mlflow.pyfunc.load_model(model_of(run))


def model_of(run: Run) -> str:
    """Return the URI of a run's model."""
    return f"models:/{run.outputs.model_outputs[-1].model_id}"


def as_served(raw: pd.DataFrame, signature: ModelSignature) -> pd.DataFrame:
    """Return raw rows with every number a double, as a model's signature has them."""
    numbers = [spec.name for spec in signature.inputs if spec.type == DataType.double]
    return raw.astype(dict.fromkeys(numbers, "float64"))
