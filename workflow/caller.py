"""The folder from which a step was called, which MLflow does not pass on.

MLflow starts a step in the project's folder, through a shell, with MLFLOW_RUN_ID set. The first
process above it whose own environment has another MLFLOW_RUN_ID, or none, is the one that asked for
the run (`mlflow run`, or a script that calls `mlflow.run`): its working directory is the user's.
"""

import os
from pathlib import Path

import psutil

from workflow.errors import WorkflowError

RUN_ID = "MLFLOW_RUN_ID"


def absolute(location: str) -> str:
    """Return a path relative to the caller's folder as an absolute one; leave URLs alone.

    Raises:
        WorkflowError: The path is relative and the caller's folder cannot be found out.
    """
    if "://" in location:
        return location
    try:
        path = Path(location).expanduser()
    except RuntimeError as error:
        raise WorkflowError(f"'{location}': {error} Give an absolute path.") from error
    return str(path if path.is_absolute() else Path(os.path.normpath(_folder(location) / path)))


def _folder(location: str) -> Path:
    run_id = os.environ.get(RUN_ID)
    if run_id is None:
        return Path.cwd()
    try:
        for process in psutil.Process().parents():
            if process.environ().get(RUN_ID) != run_id:
                return Path(process.cwd())
    except psutil.Error:
        pass  # the process belongs to another user, or is gone: said below
    raise WorkflowError(
        f"cannot find out which folder '{location}' is relative to, because the process that "
        "called `mlflow run` cannot be looked at: give an absolute path."
    )
