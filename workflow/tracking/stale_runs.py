"""Runs that are still RUNNING though their process is gone: they are set to KILLED."""

import re
import socket
from pathlib import Path

import psutil
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from workflow.tracking import runs
from workflow.tracking.names import PARENT_TAG, PROCESS_TAG, SOURCE_TAG

TOLERANCE = 5.0  # seconds; a process' start time moves a little when the clock is corrected
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # a new one at every start of a machine
NAMESPACE = Path("/proc/self/ns/pid")  # what a process id belongs to: each container has its own
MACHINE = "pid:[4026531836]"  # the one outside of all containers: Linux' PROC_PID_INIT_INO
PROCESS = re.compile(r"(.+) (\d+) (\d+)(?: (\S+) (pid:\S+))?")  # the last two are of Linux only


def this_process() -> str:
    """Return the value of `PROCESS_TAG` here.

    It is the host, the process id and the start time in seconds; on Linux also the boot id and the
    namespace of process ids, because containers may share a host name and have the same few ids.
    """
    process = psutil.Process()
    known = [socket.gethostname(), str(process.pid), f"{process.create_time():.0f}"]
    return " ".join([*known, *(_place() or ())])


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

    A run of another host or container is left alone: nothing is known of its process.
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
        return _is_gone(process)
    if parent := run.data.tags.get(PARENT_TAG):
        return _is_ended_step(parent)
    return _never_started(run, workflow)


def _is_ended_step(run_id: str) -> bool:
    """Tell whether a step has ended: then nothing below it can be at work any more."""
    run = runs.get(run_id)
    if run is None or PROCESS_TAG not in run.data.tags:
        return False  # not a run of this project
    return bool(run.info.status != "RUNNING")


def _is_gone(process: str) -> bool:
    """Tell whether the process that a `PROCESS_TAG` names is known to have ended."""
    found = PROCESS.fullmatch(process)
    if found is None or found[1] != socket.gethostname():
        return False
    here, start = _place(), float(found[3])
    there = (found[4], found[5]) if found[4] else None  # 0.1.0 did not say it
    if there is None or there == here:
        return not _is_running(int(found[2]), start)
    if here is None or {here[1], there[1]} != {MACHINE}:
        return False  # in another container, where this process cannot look
    # Of two boots one is over. A process that is younger than this one is of a machine of its name.
    return bool(start < psutil.boot_time())


def _place() -> tuple[str, str] | None:
    """Return where process ids are valid: boot id and namespace. None if the system has none."""
    try:
        return BOOT_ID.read_text().strip(), str(NAMESPACE.readlink())
    except OSError:
        return None


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
