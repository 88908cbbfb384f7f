"""What the four scripts share: pickles in, pickles out, and where the tracking store is."""

import os
import pickle
from pathlib import Path
from typing import Any

import mlflow

HPO_EXPERIMENT = "random-forest-hyperopt"
BEST_EXPERIMENT = "random-forest-best-models"


def use_experiment(name: str) -> None:
    """Track to MLFLOW_TRACKING_URI, or to a SQLite file in the working directory."""
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"))
    mlflow.set_experiment(name)


def load(folder: str, name: str) -> Any:
    return pickle.loads((Path(folder) / f"{name}.pkl").read_bytes())
