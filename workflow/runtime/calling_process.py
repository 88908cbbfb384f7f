"""The process that called a step, and its working directory, which MLflow does not pass on.

MLflow starts a step in the project's folder, through a shell, with MLFLOW_RUN_ID set. The first
process above it whose own environment has another MLFLOW_RUN_ID, or none, is the
caller (`mlflow run`, or a script that calls `mlflow.run`): its working directory is the user's.

Not every environment can be read: macOS shows that of its own programs, /bin/bash among them, as
empty. Such a process is told by its command line: MLflow's shell stands between, an `mlflow run` is
the caller, and of any other it is not known.
"""

import os
from pathlib import Path

import psutil

from sql_features.errors import WorkflowError

RUN_ID = "MLFLOW_RUN_ID"


def absolute(location: str) -> str:
    """Return a path relative to the caller's folder as an absolute one, and a URL as it is.

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


def process() -> psutil.Process | None:
    """Return the process that called this step, or None if there is none or it cannot be read."""
    run_id = os.environ.get(RUN_ID)
    if run_id is None:
        return None
    try:
        for above in psutil.Process().parents():
            if environment := _environment(above):
                if environment.get(RUN_ID) != run_id:
                    return above
            elif _is_mlflow_run(command := above.cmdline()):
                return above
            elif not _is_shell_of_mlflow(command):
                return None
    except psutil.Error:
        pass  # a process above belongs to another user, or is gone
    return None


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended; a zombie, which its parent has not waited for, has."""
    try:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        # Init and systemd adopt the children of a process that has ended; they call no step.
        adopts = process.pid == 1 or process.name() == "systemd"
        return adopts and "python" not in _program(process)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def is_run(process: psutil.Process) -> bool:
    """Tell whether MLflow started a process for a run: then it is a workflow."""
    try:
        return RUN_ID in process.environ()
    except psutil.Error:
        return False


def _environment(process: psutil.Process) -> dict[str, str]:
    """Return the environment that a process was started with; empty if it cannot be read."""
    try:
        return dict(process.environ())
    except psutil.AccessDenied:
        return {}


def _is_mlflow_run(command: list[str]) -> bool:
    """Tell whether a command line is that of `mlflow run`, however it is spelled.

    >>> _is_mlflow_run(["/env/bin/python", "/env/bin/mlflow", "run", "."])
    True
    >>> _is_mlflow_run(["python", "-m", "mlflow", "run", "."])
    True
    >>> _is_mlflow_run(["bash", "run", "mlflow"])
    False
    """
    words = [Path(word).name for word in command]
    return "mlflow" in words and "run" in words[words.index("mlflow") :]


def _is_shell_of_mlflow(command: list[str]) -> bool:
    """Tell whether a command line is such as `mlflow.projects` starts a step with."""
    return [Path(word).name for word in command[:2]] == ["bash", "-c"]


def _program(process: psutil.Process) -> str:
    try:
        return Path(process.exe()).name
    except psutil.AccessDenied:
        return str(process.name())


def _folder(location: str) -> Path:
    if RUN_ID not in os.environ:
        return Path.cwd()
    try:
        if (calling := process()) and not is_gone(calling):
            return Path(calling.cwd())
    except psutil.Error:
        pass
    raise WorkflowError(
        f"cannot find out which folder '{location}' is relative to, because the process that "
        "called `mlflow run` cannot be looked at: give an absolute path."
    )
