"""Runs whose process is gone: ended as KILLED, with all that was running below them."""

import socket

import psutil
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from workflow.tracking import runs
from workflow.tracking.names import PARENT_TAG, PROCESS_TAG, SOURCE_TAG

TOLERANCE = 5.0  # seconds by which a process' start time differs, as the clock is set


def this_process() -> str:
    """Return what `PROCESS_TAG` says of this process."""
    process = psutil.Process()
    return f"{socket.gethostname()} {process.pid} {process.create_time():.0f}"


def end(run_id: str) -> None:
    """Set a run and all below it KILLED that are still running."""
    client = MlflowClient()
    run = client.get_run(run_id)
    for child in runs.children(run):
        if child.info.status == "RUNNING":
            end(child.info.run_id)
    if run.info.status == "RUNNING":
        client.set_terminated(run_id, "KILLED")


def sweep(workflow: Run) -> list[str]:
    """End the runs in a workflow's experiment whose process is gone; return their names.

    One on another host is left alone: nothing is known of its process.
    """
    client = MlflowClient()
    ended = []
    for run in client.search_runs([workflow.info.experiment_id], "attributes.status = 'RUNNING'"):
        if run.info.run_id != workflow.info.run_id and _is_orphan(run, workflow):
            end(run.info.run_id)
            ended.append(run.info.run_name)
    return ended


def _is_orphan(run: Run, workflow: Run) -> bool:
    if process := run.data.tags.get(PROCESS_TAG):
        host, pid, start = process.rsplit(" ", 2)
        return host == socket.gethostname() and not _is_running(int(pid), float(start))
    if parent := run.data.tags.get(PARENT_TAG):
        return _is_ended_step(parent)
    return _never_started(run, workflow)


def _is_ended_step(run_id: str) -> bool:
    """Tell whether a step has ended; while it runs, its process answers for all below it."""
    run = runs.get(run_id)
    if run is None or PROCESS_TAG not in run.data.tags:
        return False  # somebody else's
    return run.info.status != "RUNNING"


def _is_running(pid: int, start: float) -> bool:
    try:
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and abs(process.create_time() - start) < TOLERANCE
    except psutil.NoSuchProcess:
        return False


def _never_started(run: Run, workflow: Run) -> bool:
    """Tell a run of this project that `mlflow run` made before it was killed, on this host.

    Its process would say so as soon as it is started. Until then it may still be building its
    environment: so it counts as gone only where no other `mlflow run` is at work.
    """
    if run.data.tags.get(SOURCE_TAG) != workflow.data.tags.get(SOURCE_TAG, ""):
        return False
    if not MlflowClient().tracking_uri.startswith("sqlite"):
        return False  # the host is not known
    ours = {process.pid for process in [psutil.Process(), *psutil.Process().parents()]}
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if process.pid not in ours and "run" in words and any("mlflow" in word for word in words):
            return False
    return True
