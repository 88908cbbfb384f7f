"""Runs that are still RUNNING though their process is gone: they are set to KILLED."""

import socket

import psutil
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from workflow.tracking import runs
from workflow.tracking.names import PARENT_TAG, PROCESS_TAG, SOURCE_TAG

TOLERANCE = 5.0  # seconds; a process' start time moves a little when the clock is corrected


def this_process() -> str:
    """Return the value of `PROCESS_TAG` here: host, process id, start time in seconds."""
    process = psutil.Process()
    return f"{socket.gethostname()} {process.pid} {process.create_time():.0f}"


def end(run_id: str) -> None:
    """Set a run and all runs below it to KILLED, as far as they are still RUNNING."""
    client = MlflowClient()
    run = client.get_run(run_id)
    for child in runs.children(run):
        if child.info.status == "RUNNING":
            end(child.info.run_id)
    if run.info.status == "RUNNING":
        client.set_terminated(run_id, "KILLED")


def sweep(workflow: Run) -> list[str]:
    """Set the stale runs of a workflow's experiment to KILLED; return their names.

    A run of another host is left alone: nothing is known of its process.
    """
    client = MlflowClient()
    ended = []
    for run in client.search_runs([workflow.info.experiment_id], "attributes.status = 'RUNNING'"):
        if run.info.run_id != workflow.info.run_id and _is_stale(run, workflow):
            end(run.info.run_id)
            ended.append(run.info.run_name)
    return ended


def _is_stale(run: Run, workflow: Run) -> bool:
    if process := run.data.tags.get(PROCESS_TAG):
        host, pid, start = process.rsplit(" ", 2)
        return host == socket.gethostname() and not _is_running(int(pid), float(start))
    if parent := run.data.tags.get(PARENT_TAG):
        return _is_ended_step(parent)
    return _never_started(run, workflow)


def _is_ended_step(run_id: str) -> bool:
    """Tell whether a step has ended: then nothing below it can be at work any more."""
    run = runs.get(run_id)
    if run is None or PROCESS_TAG not in run.data.tags:
        return False  # not a run of this project
    return bool(run.info.status != "RUNNING")


def _is_running(pid: int, start: float) -> bool:
    try:
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE
        return bool(alive and abs(process.create_time() - start) < TOLERANCE)
    except psutil.NoSuchProcess:
        return False


def _never_started(run: Run, workflow: Run) -> bool:
    """Tell whether `mlflow run` made a run and was killed before the run's process started.

    Such a run has no `PROCESS_TAG`. Nor has one whose `mlflow run` is still building the
    environment; so this is only said where no other `mlflow run` is at work on this host.
    """
    if run.data.tags.get(SOURCE_TAG) != workflow.data.tags.get(SOURCE_TAG, ""):
        return False
    if not MlflowClient().tracking_uri.startswith("sqlite"):
        return False  # a server, whose runs may be of any host
    ours = {process.pid for process in [psutil.Process(), *psutil.Process().parents()]}
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if process.pid not in ours and "run" in words and any("mlflow" in word for word in words):
            return False
    return True
