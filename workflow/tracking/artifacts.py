"""Artifacts of runs that may be gone: of another version of the project, or deleted since."""

from collections.abc import Callable
from typing import TypeVar

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from workflow.runtime import infrastructure_errors
from workflow.tracking import names

T = TypeVar("T")


def or_none(load: Callable[[str], T], uri: str) -> T | None:
    """Return what `load` makes of an artifact, or None where it is not there or was cut off.

    That the store cannot be reached, or refuses access, is raised as it is.

    Args:
        load: One of `mlflow.artifacts`.
        uri: `runs:/<run id>/<path>`.
    """
    try:
        return load(uri)
    except (MlflowException, OSError) as error:
        if infrastructure_errors.explain(error):
            raise
        return None


def predictions_on_test(register: Run) -> pd.DataFrame | None:
    """Return the winner's predictions on the test split and "actual", or None if they are gone.

    Args:
        register: The register run.
    """
    uri = f"runs:/{register.info.run_id}/{names.PREDICTIONS}"
    path = or_none(mlflow.artifacts.download_artifacts, uri)
    return None if path is None else pd.read_parquet(path)
