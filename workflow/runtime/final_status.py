"""Says that a run was KILLED after `mlflow run` has said that it FAILED.

MLflow means to leave a run alone that has ended by itself, but compares its status with numbers
where it is a text (`RunStatus.is_terminated` in mlflow.projects, as of 3.17). So the last word is
its own; whoever wants a later one must outlive it.
"""

import subprocess
import sys
import time

import psutil

from workflow.paths import PROJECT
from workflow.runtime import calling_process

PATIENCE = 30.0  # seconds


def have(run_id: str, calling: psutil.Process | None) -> None:
    """Start a process that waits until `mlflow run` is gone, and then sets its run KILLED.

    Args:
        run_id: The run of this process.
        calling: What it was started by. Nothing is to be done where that is not known, gone, or a
            workflow of this project, which ends its steps itself.
    """
    if calling is None or calling_process.is_gone(calling) or calling_process.is_run(calling):
        return
    subprocess.Popen(
        [sys.executable, "-B", "-m", __name__, run_id, str(calling.pid)],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it, nor the end of this process
    )


def is_spoken_by(process: psutil.Process) -> bool:
    """Tell whether a process is the one that `have` has started."""
    try:
        return __name__ in process.cmdline()
    except psutil.Error:
        return False


def main(run_id: str, pid: int) -> None:
    """Wait for the process, and set the run KILLED."""
    import mlflow  # while the process ends

    client = mlflow.MlflowClient()
    try:
        calling = psutil.Process(pid)
    except psutil.NoSuchProcess:
        calling = None
    end = time.monotonic() + PATIENCE
    while calling and not calling_process.is_gone(calling) and time.monotonic() < end:
        time.sleep(0.1)
    if client.get_run(run_id).info.status == "FAILED":
        client.set_terminated(run_id, "KILLED")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
