import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import psutil
import pytest
from conftest import Store
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from workflow.tracking import stale_runs
from workflow.tracking.names import PROCESS_TAG
from workflow.tracking.stale_runs import sweep

SOURCE = "/project"  # where `mlflow run` has the project


@dataclass(frozen=True)
class Experiment:
    """An experiment of its own with the run of a workflow that has just been started."""

    client: MlflowClient
    id: str
    workflow: Run

    def run(
        self, name: str, process: str = "", parent: Run | None = None, status: str = "RUNNING",
        **tags: str,
    ) -> Run:  # fmt: skip
        """Make a run; `process` is what it says of its process."""
        tags |= {PROCESS_TAG: process} if process else {}
        tags |= {"mlflow.parentRunId": parent.info.run_id} if parent else {}
        run = self.client.create_run(self.id, tags=tags, run_name=name)
        if status != "RUNNING":
            self.client.set_terminated(run.info.run_id, status)
        return run

    def status(self) -> dict[str, str]:
        """Return the status of all runs but the workflow's, by name."""
        found = self.client.search_runs([self.id])
        return {one.info.run_name: one.info.status for one in found if one.info.run_name != "main"}

    def sweep(self) -> list[str]:
        ended = sorted(sweep(self.workflow))
        assert self.client.get_run(self.workflow.info.run_id).info.status == "RUNNING"
        return ended


@pytest.fixture
def experiment(module_store: Store, request: pytest.FixtureRequest) -> Experiment:
    mlflow.set_tracking_uri(module_store.uri)
    client = module_store.client
    id = client.create_experiment(request.node.name)
    tags = {PROCESS_TAG: stale_runs.this_process(), "mlflow.source.name": SOURCE}
    return Experiment(client, id, client.create_run(id, tags=tags, run_name="main"))


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    processes = []

    def started(*command: str) -> subprocess.Popen:
        processes.append(subprocess.Popen(command or ("sleep", "60")))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.wait()


def tag(process: subprocess.Popen, later: float = 0) -> str:
    """Return what a process says of itself on its run."""
    created = psutil.Process(process.pid).create_time() + later
    _, _, _, *place = stale_runs.this_process().split()
    return " ".join([socket.gethostname(), str(process.pid), f"{created:.0f}", *place])


@pytest.fixture
def alive(start: Callable[..., subprocess.Popen]) -> str:
    return tag(start())


@pytest.fixture
def dead(start: Callable[..., subprocess.Popen]) -> str:
    process = start()
    said = tag(process)
    process.kill()
    process.wait()
    return said


CONTAINER, OTHER = "pid:[4026532451]", "pid:[4026532618]"
MACHINE = stale_runs.MACHINE


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], None]:
    """Says where this process is: the boot of a machine, and the namespace of process ids."""

    def move(boot: str, namespace: str) -> None:
        (tmp_path / "boot_id").write_text(f"{boot}\n")
        (tmp_path / "pid").unlink(missing_ok=True)
        (tmp_path / "pid").symlink_to(namespace)
        monkeypatch.setattr(stale_runs, "BOOT_ID", tmp_path / "boot_id")
        monkeypatch.setattr(stale_runs, "NAMESPACE", tmp_path / "pid")

    return move


def moved(said: str, *place: str, start: float | None = None) -> str:
    """Return what a process says of itself elsewhere."""
    host, pid, created, *_ = said.split()
    return " ".join([host, pid, created if start is None else f"{start:.0f}", *place])


def test_a_process_is_known_by_host_id_start_time_boot_and_namespace(at):
    at("b00t", CONTAINER)
    host, pid, created, *place = stale_runs.this_process().split()
    assert host == socket.gethostname()
    assert int(pid) == os.getpid()
    assert abs(float(created) - psutil.Process().create_time()) <= 0.5
    assert place == ["b00t", CONTAINER]


def test_where_there_is_no_boot_id_a_process_is_known_without(monkeypatch, tmp_path):
    monkeypatch.setattr(stale_runs, "BOOT_ID", tmp_path / "none")
    assert len(stale_runs.this_process().split()) == 3


@pytest.mark.parametrize("has_place", [True, False])
def test_a_run_of_0_1_0_is_judged_by_host_id_and_start_time(
    experiment, alive, dead, has_place, monkeypatch, tmp_path
):
    if not has_place:
        monkeypatch.setattr(stale_runs, "BOOT_ID", tmp_path / "none")
    experiment.run("other", moved(alive))
    experiment.run("old", moved(dead))
    assert experiment.sweep() == ["old"]


@pytest.mark.parametrize("namespace", [MACHINE, CONTAINER])
def test_a_dead_process_of_this_machine_or_container_is_found(
    experiment, alive, dead, at, namespace
):
    at("b00t", namespace)
    experiment.run("other", moved(alive, "b00t", namespace))
    experiment.run("old", moved(dead, "b00t", namespace))
    assert experiment.sweep() == ["old"]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (("b00t", CONTAINER), ("b00t", OTHER)),
        (("b00t", CONTAINER), ("b00t", MACHINE)),
        (("b00t", MACHINE), ("b00t", CONTAINER)),
        (("b00t", CONTAINER), ("another", CONTAINER)),  # by chance on another machine
        (("b00t", CONTAINER), ("another", MACHINE)),
        (("b00t", MACHINE), ("another", CONTAINER)),
    ],
)
def test_a_run_of_another_container_of_this_name_is_left_alone(experiment, dead, at, here, there):
    at(*here)
    experiment.run("other", moved(dead, *there, start=1.0))
    assert experiment.sweep() == []


def test_a_run_of_a_container_is_left_alone_where_there_are_none(
    experiment, dead, monkeypatch, tmp_path
):
    monkeypatch.setattr(stale_runs, "BOOT_ID", tmp_path / "none")
    experiment.run("other", moved(dead, "b00t", CONTAINER))
    assert experiment.sweep() == []


def test_a_run_from_before_the_machine_was_started_again_is_killed(experiment, alive, at):
    at("b00t", MACHINE)
    boot = psutil.boot_time()
    experiment.run("old", moved(alive, "before", MACHINE, start=boot - 60))
    experiment.run("of a namesake", moved(alive, "another", MACHINE, start=boot + 60))
    assert experiment.sweep() == ["old"]


def test_a_process_that_nobody_can_read_is_left_alone(experiment):
    experiment.run("other", "somebody's own words")
    assert experiment.sweep() == []


def test_a_run_without_process_is_killed_with_all_below(experiment, dead):
    main = experiment.run("old", dead)
    experiment.run("preprocess", dead, main, "FINISHED")
    experiment.run("train", dead, main, "FAILED")
    hpo = experiment.run("hpo", dead, main)
    for name, status in (("t0", "FINISHED"), ("t1", "FAILED"), ("t2", "RUNNING")):
        experiment.run(name, "", hpo, status)
    ended = experiment.sweep()
    assert "old" in ended
    assert experiment.status() == {
        "old": "KILLED", "preprocess": "FINISHED", "train": "FAILED", "hpo": "KILLED",
        "t0": "FINISHED", "t1": "FAILED", "t2": "KILLED",
    }  # fmt: skip


def test_a_killed_run_has_an_end_and_an_ended_one_keeps_its_own(experiment, dead):
    old, done = experiment.run("old", dead), experiment.run("done", dead, None, "FINISHED")
    before = experiment.client.get_run(done.info.run_id).info.end_time
    experiment.sweep()
    assert experiment.client.get_run(old.info.run_id).info.end_time >= old.info.start_time
    assert experiment.client.get_run(done.info.run_id).info.end_time == before


def test_a_step_at_work_is_killed_with_its_stale_workflow(experiment, dead, alive):
    experiment.run("hpo", alive, experiment.run("old", dead))
    experiment.sweep()
    assert experiment.status() == {"old": "KILLED", "hpo": "KILLED"}


def test_a_process_that_nobody_has_taken_note_of_is_gone(experiment, start):
    process = start()
    experiment.run("old", tag(process))
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
    assert experiment.sweep() == ["old"]


def test_what_runs_is_left_alone_with_all_below(experiment, alive):
    main = experiment.run("other", alive)
    hpo = experiment.run("hpo", alive, main)
    experiment.run("t0", "", hpo)
    experiment.run("register", "", main)  # its process is about to say what it is
    assert experiment.sweep() == []
    assert set(experiment.status().values()) == {"RUNNING"}


def test_a_process_that_is_stopped_is_not_gone(experiment, start):
    process = start()
    psutil.Process(process.pid).suspend()
    experiment.run("other", tag(process))
    assert experiment.sweep() == []


def test_a_run_of_another_host_is_left_alone(experiment, dead):
    elsewhere = dead.replace(socket.gethostname(), "another-host")
    experiment.run("t0", "", experiment.run("other", elsewhere))
    assert experiment.sweep() == []


@pytest.mark.parametrize("later", [-3600.0, 3600.0])
def test_a_new_process_with_an_old_id_is_another_one(experiment, start, later):
    experiment.run("old", tag(start(), later=later))
    assert experiment.sweep() == ["old"]


@pytest.mark.parametrize("later", [-2.0, 2.0])
def test_a_clock_that_was_set_a_little_does_not_matter(experiment, start, later):
    experiment.run("other", tag(start(), later=later))
    assert experiment.sweep() == []


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_child_running_below_an_ended_step_is_killed(experiment, dead, alive, status):
    hpo = experiment.run("hpo", dead, None, status)
    experiment.run("t0", "", hpo)
    experiment.run("t1", "", hpo, "FINISHED")
    assert experiment.sweep() == ["t0"]
    assert experiment.status() == {"hpo": status, "t0": "KILLED", "t1": "FINISHED"}


def test_a_run_of_somebody_elses_is_left_alone(experiment):
    group = experiment.run("a group of theirs", status="FINISHED")
    experiment.run("theirs", "", group)
    experiment.run("theirs, too", **{"mlflow.source.name": "/another/project"})
    experiment.run("from a notebook")
    assert experiment.sweep() == []


def test_a_run_whose_parent_is_deleted_does_not_stop_the_workflow(experiment, dead):
    experiment.run("theirs", **{"mlflow.parentRunId": "0" * 32})
    experiment.run("old", dead)
    assert experiment.sweep() == ["old"]


def test_a_run_below_a_deleted_step_is_killed(experiment, dead):
    hpo = experiment.run("hpo", dead, None, "FINISHED")
    experiment.run("t0", "", hpo)
    experiment.client.delete_run(hpo.info.run_id)
    assert experiment.sweep() == ["t0"]
    assert experiment.client.get_run(hpo.info.run_id).info.lifecycle_stage == "deleted"


def test_another_experiment_is_left_alone(experiment, dead):
    other = experiment.client.create_experiment("left alone")
    run = experiment.client.create_run(other, tags={PROCESS_TAG: dead})
    assert experiment.sweep() == []
    assert experiment.client.get_run(run.info.run_id).info.status == "RUNNING"


def test_the_second_of_two_workflows_that_sweep_finds_nothing(experiment, dead):
    experiment.run("old", dead)
    assert experiment.sweep() == ["old"]
    assert experiment.sweep() == []


@pytest.fixture
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process of anybody else's is seen, such as another test's `mlflow run`."""
    plain = psutil.process_iter

    def ours(attributes: list[str]) -> Iterator[psutil.Process]:
        below = {one.pid for one in psutil.Process().children(recursive=True)}
        above = {one.pid for one in [psutil.Process(), *psutil.Process().parents()]}
        return (one for one in plain(attributes) if one.pid in below | above)

    monkeypatch.setattr(psutil, "process_iter", ours)


WAIT = (sys.executable, "-c", "import time; time.sleep(60)")
STARTED = {"mlflow.source.name": SOURCE}  # what `mlflow run` says of the run that it makes


def test_a_run_whose_process_never_started_is_killed(experiment, only_ours):
    experiment.run("never started", **STARTED)
    assert experiment.sweep() == ["never started"]


@pytest.mark.parametrize(
    "words", [("/env/bin/mlflow", "run", "."), ("-m", "mlflow", "run", "https://host/repo")]
)
def test_a_starting_run_is_left_alone_while_another_mlflow_run_is_at_work(
    experiment, start, only_ours, words
):
    experiment.run("about to start", **STARTED)
    process = start(*WAIT, *words)
    assert experiment.sweep() == []
    process.kill()
    process.wait()
    assert experiment.sweep() == ["about to start"]


@pytest.mark.parametrize("words", [("mlflow", "ui"), ("mlflow", "server", "runs.db"), ("run",)])
def test_a_process_that_is_no_mlflow_run_does_not_count(experiment, start, only_ours, words):
    experiment.run("never started", **STARTED)
    start(*WAIT, *words)
    assert experiment.sweep() == ["never started"]


def test_a_starting_run_is_left_alone_on_a_server(experiment, only_ours, monkeypatch):
    experiment.run("about to start", **STARTED)
    monkeypatch.setattr(MlflowClient, "tracking_uri", "http://127.0.0.1:5000")
    assert experiment.sweep() == []


def test_a_starting_run_is_left_alone_by_a_workflow_without_mlflow_run(experiment, only_ours):
    run = experiment.client.create_run(experiment.id, run_name="main")
    experiment.run("about to start", **STARTED)
    experiment.run("from a notebook")
    assert sweep(run) == []


def test_ending_a_run_ends_all_that_runs_below_it(experiment, alive):
    main = experiment.run("m", alive)
    hpo = experiment.run("hpo", alive, main)
    experiment.run("t0", "", hpo)
    experiment.run("t1", "", hpo, "FINISHED")
    experiment.run("train", alive, main, "FAILED")
    experiment.run("beside", alive)
    stale_runs.end(main.info.run_id)
    assert experiment.status() == {
        "m": "KILLED", "hpo": "KILLED", "t0": "KILLED", "t1": "FINISHED", "train": "FAILED",
        "beside": "RUNNING",
    }  # fmt: skip


def test_ending_an_ended_run_ends_what_runs_below_it(experiment, dead):
    hpo = experiment.run("hpo", dead, None, "FAILED")
    experiment.run("t0", "", hpo)
    stale_runs.end(hpo.info.run_id)
    assert experiment.status() == {"hpo": "FAILED", "t0": "KILLED"}
