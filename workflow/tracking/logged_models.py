"""Logging a fitted pipeline as a model that takes raw rows and loads without the project."""

import tempfile
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType
from sklearn.pipeline import Pipeline

from sql_features.labelled_pipeline import PREDICTION, PROBABILITY, LabelledPipeline
from sql_features.transformer import SqlFeatures
from sql_features.value_pipeline import ValuePipeline
from workflow.models.families import Family
from workflow.paths import SQL_FEATURES
from workflow.tracking import runs
from workflow.tracking.environment import serving_environment
from workflow.tracking.names import LOGGED_MODEL, MODEL_BYTES, RAW_COLUMNS

PACKAGES = ["mlflow", "scikit-learn", "pandas", "numpy", "scipy", "duckdb", "pyarrow", "skops"]
TRUSTED = (
    f"{SqlFeatures.__module__}.{SqlFeatures.__qualname__}",
    f"{ValuePipeline.__module__}.{ValuePipeline.__qualname__}",
    f"{LabelledPipeline.__module__}.{LabelledPipeline.__qualname__}",
    "numpy.dtype",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
)


def log(pipeline: Pipeline, example: pd.DataFrame, family: Family, run_id: str) -> None:
    """Log a whole pipeline, from raw rows to predictions, as the model of a run.

    The run's status does not change. The pipeline is saved by skops, whose file makes objects of
    the trusted types only. The package `sql_features` is saved beside it, as code that is imported
    when the model is loaded, so that it loads where the project is not.

    Args:
        pipeline: SqlFeatures, encoding, estimator; fitted.
        example: (n_rows, n_columns) a few raw rows, as in training.
        family: The model's family: the packages and the types that its estimator needs.
    """
    features = pipeline[0]
    # Any type: MLflow's types refuse whole numbers, categories or gaps, where the pipeline's first
    # stage casts what fits and refuses the rest.
    specs: list[ColSpec | TensorSpec] = [
        ColSpec(AnyType(), name, required=name not in features.optional)
        for name in features.columns
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
            input_example=_with_written_times(as_served(example, signature)),
            serialization_format="skops",
            skops_trusted_types=[*TRUSTED, *family.trusted],
            metadata={RAW_COLUMNS: features.columns},
            run_id=run_id,
        )
    size = Model.load(info.model_uri).model_size_bytes
    assert size is not None  # log_model has written it
    mlflow.log_metric(MODEL_BYTES, size, run_id=run_id)


def _with_written_times(example: pd.DataFrame) -> pd.DataFrame:
    """Return an example with times as texts: of a gap among times, MLflow would write NaT."""
    times = example.select_dtypes(["datetime", "datetimetz"])
    written = {
        name: [None if pd.isna(one) else one.isoformat() for one in values]
        for name, values in times.items()
    }
    return example.assign(
        **{str(name): pd.Series(texts, example.index, object) for name, texts in written.items()}
    )


def _outputs(pipeline: Pipeline) -> Schema:
    """Return the schema of the answer: a value a row, or a label and its probabilities."""
    if not isinstance(pipeline, LabelledPipeline):
        return Schema([ColSpec(DataType.double)])
    types = {bool: DataType.boolean, int: DataType.long, float: DataType.double}
    label = types.get(type(pipeline.labels[0]), DataType.string)
    probabilities = [ColSpec(DataType.double, f"{PROBABILITY}{one}") for one in pipeline.labels]
    return Schema([ColSpec(label, PREDICTION), *probabilities])


def model_uri(run: Run) -> str:
    """Return the URI of the model that a run has logged, of several the newest."""
    return f"models:/{runs.models(run)[-1]}"


def as_served(raw: pd.DataFrame, signature: ModelSignature) -> pd.DataFrame:
    """Return raw rows as a model's signature has them: its columns, in its order.

    The signatures of 0.1.0 know doubles, and refuse any other number.

    Args:
        raw: (n_rows, any) frame; optional columns may be absent.
        signature: The model's.

    Raises:
        ValueError: A column of doubles holds something else.
    """
    types = {spec.name: spec.type for spec in signature.inputs if spec.name in raw.columns}
    doubles = [name for name, type in types.items() if type == DataType.double]
    return raw[list(types)].astype(dict.fromkeys(doubles, "float64"))
