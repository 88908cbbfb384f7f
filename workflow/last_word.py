"""Says how a run has really ended after `mlflow run` has said that it FAILED.

MLflow means to leave a run alone that has ended by itself, but compares its status with numbers
where it is a text (`RunStatus.is_terminated` in mlflow.projects, as of 3.17). So the last word is
its own; whoever wants a later one must outlive it.
"""

import subprocess
import sys
import time
from pathlib import Path

import psutil

from workflow import caller

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0  # seconds


def have(run_id: str, calling: psutil.Process, status: str) -> None:
    """Start a process that waits until `calling` is gone, and then sets the run's status."""
    subprocess.Popen(
        [sys.executable, "-B", "-m", __name__, run_id, str(calling.pid), status],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )


def main(run_id: str, pid: int, status: str) -> None:
    """Wait for the process, and set the run's status."""
    import mlflow  # while the process ends

    try:
        calling = psutil.Process(pid)
    except psutil.NoSuchProcess:
        calling = None
    end = time.monotonic() + PATIENCE
    while calling and not caller.is_gone(calling) and time.monotonic() < end:
        time.sleep(0.1)
    client = mlflow.MlflowClient()
    if client.get_run(run_id).info.status == "FAILED":
        client.set_terminated(run_id, status)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
