"""Log the small models of a release: `python tests/models/log_models.py VERSION`, once for each.

They are made by the entry points, as a user makes them, and stay as they are from then on: what a
model of an earlier release predicts must never change. Beside each lie raw rows and what it
predicts of them.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient
from mlflow.types import DataType

FOLDER = Path(__file__).resolve().parent
PROJECT = FOLDER.parents[1]
KINDS = {  # each of another family, and as small as it can be
    "regression": (
        "green_taxi",
        "pickup_zone,same_zone,trip_distance,time_of_day,weekday,passengers",
        "lightgbm",
        {"n_estimators": 4, "num_leaves": 8},
    ),
    "classes": ("classification", "all", "random_forest", {"n_estimators": 3, "max_depth": 3}),
}
ROWS = 50


def log(kind: str, target: Path) -> None:
    """Log one model into an empty store, and bring it, its rows and its predictions to a folder."""
    dataset, features, family, hyperparameters = KINDS[kind]
    preprocess = run("preprocess", dataset=dataset, data="sample")
    splits = f"runs:/{preprocess}/splits"
    given = {"features": features, "models": family}
    train = run("train", splits=splits, hyperparameters=json.dumps(hyperparameters), **given)
    client, experiment = MlflowClient(), mlflow.get_run(train).info.experiment_id
    (model,) = (
        one.outputs.model_outputs[0].model_id
        for one in client.search_runs([experiment], f"tags.mlflow.parentRunId = '{train}'")
        if one.outputs and one.outputs.model_outputs
    )
    shutil.rmtree(target, ignore_errors=True)
    mlflow.artifacts.download_artifacts(f"models:/{model}", dst_path=str(target / "model"))
    loaded = mlflow.pyfunc.load_model(str(target / "model"))
    schema = loaded.metadata.get_input_schema()
    test = pd.read_parquet(mlflow.artifacts.download_artifacts(f"{splits}/test.parquet"))
    doubles = [one.name for one in schema if one.type == DataType.double]
    rows = test[schema.input_names()].head(ROWS).astype(dict.fromkeys(doubles, "float64"))
    rows.to_parquet(target / "rows.parquet")
    pd.DataFrame(loaded.predict(rows)).to_parquet(target / "predictions.parquet")


def run(entry_point: str, **given: str) -> str:
    """Run an entry point; return its run's id."""
    done = mlflow.run(str(PROJECT), entry_point, parameters=given, env_manager="local")
    return done.run_id


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as store:
        mlflow.set_tracking_uri(f"sqlite:///{store}/mlflow.db")
        mlflow.create_experiment("models", artifact_location=f"{store}/artifacts")
        mlflow.set_experiment("models")
        for each in KINDS:
            log(each, FOLDER / sys.argv[1] / each)
