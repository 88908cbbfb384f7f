"""Sets an interrupted run to KILLED, or a finished one back, after `mlflow run` has said FAILED.

MLflow means to leave a run alone that has a final status already, but compares the status, a text,
with numbers (`RunStatus.is_terminated` in mlflow.projects, as of 3.17). So `mlflow run` always
writes FAILED at its end, and a process that outlives it has to write KILLED after it. It also does
so of a finished step whose exit code tells an alert: that is to be FINISHED.
"""

import subprocess
import sys
import time

import psutil

from workflow.paths import PROJECT
from workflow.runtime import calling_process

PATIENCE = 30.0  # seconds to wait for `mlflow run` to end


def set_killed_later(run_id: str, calling: psutil.Process | None) -> None:
    """Start a process that waits until `mlflow run` has ended, and then sets its run to KILLED.

    Nothing is done if the caller is not known, has ended already, or is a workflow of this project:
    a workflow ends the runs of its steps itself.

    Args:
        run_id: The run of this process.
        calling: The process that called this one.
    """
    _set_later("KILLED", run_id, calling)


def set_finished_later(run_id: str, calling: psutil.Process | None) -> None:
    """Start a process that waits as that of `set_killed_later`, and then sets the run to FINISHED.

    Args:
        run_id: The run of this process.
        calling: The process that called this one.
    """
    _set_later("FINISHED", run_id, calling)


def _set_later(status: str, run_id: str, calling: psutil.Process | None) -> None:
    if calling is None or calling_process.is_gone(calling) or calling_process.is_run(calling):
        return
    subprocess.Popen(
        [sys.executable, "-B", "-m", __name__, run_id, str(calling.pid), status],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # neither Ctrl-C nor the end of this process ends it
    )


def is_setter(process: psutil.Process) -> bool:
    """Tell whether a process was started by `set_killed_later` or `set_finished_later`."""
    try:
        return __name__ in process.cmdline()
    except psutil.Error:
        return False


def main(run_id: str, pid: int, status: str) -> None:
    """Wait for the process to end, and set the run to a status if it is FAILED."""
    import mlflow  # takes seconds, while the process ends

    client = mlflow.MlflowClient()
    try:
        calling = psutil.Process(pid)
    except psutil.NoSuchProcess:
        calling = None
    end = time.monotonic() + PATIENCE
    while calling and not calling_process.is_gone(calling) and time.monotonic() < end:
        time.sleep(0.1)
    if client.get_run(run_id).info.status == "FAILED":
        client.set_terminated(run_id, status)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
