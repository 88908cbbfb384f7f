"""Workflows in sessions of their own: started, looked at from outside, disturbed, compared."""

import os
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from conftest import ROOT, Store, environment, parameters
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

INJECT = Path(__file__).resolve().parent / "inject"
MARK = "FAULTS_MARK"  # in the environment of every process of a workflow
QUICK = {"models": "linear", "tune": "all", "max_evals": 4, "top_n": 2}
NAME = "green-taxi-duration"
ALIVE = ("RUNNING", "SCHEDULED", "UNFINISHED")
REUSED = "workflow.reused_from"


@dataclass(frozen=True)
class Started:
    """A `mlflow run` in a session of its own.

    Attributes:
        process: It.
        folder: Where it was started.
        log: File of what it and all below it have said.
        mark: Value of `MARK`.
    """

    process: subprocess.Popen
    folder: Path
    log: Path
    mark: str

    @property
    def said(self) -> str:
        """All output up to now, errors too."""
        return self.log.read_text(errors="replace")

    @property
    def our_words(self) -> str:
        """Output without what MLflow's own command says."""
        return "\n".join(line for line in self.said.splitlines() if " INFO mlflow" not in line)

    def processes(self) -> list[psutil.Process]:
        """Return all processes of the workflow, `mlflow run` first, wherever they have gone to."""
        return [one for one in psutil.process_iter() if _environ(one).get(MARK) == self.mark]

    def named(self, word: str) -> psutil.Process:
        """Return the process with this word in its command: "main.py", "steps.hpo"."""
        return next(one for one in self.processes() if word in _words(one))

    def until(self, condition: Callable[[], bool], seconds: float = 180) -> None:
        """Wait for a condition while `mlflow run` is at work."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.05)

    def until_said(self, pattern: str) -> None:
        self.until(lambda: re.search(pattern, self.said) is not None)

    def wait(self, seconds: float = 300) -> int:
        """Return the exit code."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL for the whole process group, `mlflow run` and all below it."""
        os.killpg(self.process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Undisturbed:
    """A workflow that nothing has disturbed.

    Attributes:
        writes: Each write to the store and the artifacts, as "process method", in their order.
        outcome: What it has come to.
    """

    writes: list[str]
    outcome: dict[str, object]


def _environ(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def command(**given: object) -> list[str]:
    """Return `mlflow run` of the quick workflow; `given` are parameters."""
    return [
        "mlflow", "run", str(ROOT), "--env-manager", "local", *parameters(**(QUICK | given)),
    ]  # fmt: skip


@contextmanager
def started(
    folder: Path,
    given: dict[str, object],
    *,
    before: tuple[str, ...] = (),
    **extra: str,
) -> Iterator[Started]:
    """Start the quick workflow; whatever is left of it in the end is killed.

    Args:
        folder: Where it is started.
        given: Parameters.
        before: Words before `mlflow run`.
        extra: Environment.
    """
    log = folder / f"said-{time.time_ns()}.txt"
    mark = str(log)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*before, *command(**given)],
            cwd=folder,
            env=environment(**{MARK: mark, "PYTHONPATH": str(INJECT)}, **extra),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    running = Started(process, folder, log, mark)
    try:
        yield running
    finally:
        for one in running.processes():
            one.kill()
        process.wait(20)


def run(folder: Path, given: dict[str, object], **extra: str) -> Started:
    """Run the quick workflow to its end; return it, ended."""
    with started(folder, given, **extra) as running:
        running.wait()
    return running


def finished(folder: Path, given: dict[str, object], **extra: str) -> Started:
    """Run the quick workflow, which must finish."""
    done = run(folder, given, **extra)
    assert done.process.returncode == 0, done.said
    return done


def undisturbed(store: Store, data: Path) -> Undisturbed:
    """Run the quick workflow in an empty store."""
    counted = store.folder / "writes.txt"
    finished(store.folder, {"data": data}, FAULTS_WRITES=str(counted))
    check_nothing_lost(store.client)
    return Undisturbed(counted.read_text().splitlines(), outcome(store.client))


def runs(client: MlflowClient) -> list[Run]:
    """Return all runs of the experiment, in the order they were started."""
    return list(client.search_runs(["0"], order_by=["attributes.start_time ASC"], max_results=5000))


def trials(client: MlflowClient) -> list[Run]:
    return [run for run in runs(client) if run.info.run_name.startswith("trial-")]


def finished_trials(store: Store) -> int:
    """Return how many trials are finished now, without MLflow, which takes longer than a trial."""
    with sqlite3.connect(store.folder / "mlflow.db", timeout=30) as database:
        query = "SELECT count(*) FROM runs WHERE name LIKE 'trial-%' AND status = 'FINISHED'"
        return database.execute(query).fetchone()[0]


def has_begun(store: Store, step: str) -> bool:
    """Tell whether a step has started its run by now: it is in the middle of its work."""
    with sqlite3.connect(store.folder / "mlflow.db", timeout=30) as database:
        query = "SELECT count(*) FROM tags WHERE key = 'workflow.step' AND value = ?"
        return database.execute(query, [step]).fetchone()[0] > 0


def errors(running: Started) -> list[str]:
    """Return the lines in which processes of the project say what is wrong; check that is all."""
    ours = str(ROOT) + os.sep
    traced = [line for line in running.said.splitlines() if f'File "{ours}' in line]
    assert not traced, running.said
    return [line for line in running.said.splitlines() if line.startswith("error: ")]


def statuses(client: MlflowClient) -> Counter[tuple[str, str]]:
    """Return how many runs there are of a name and a status."""
    return Counter((run.info.run_name, run.info.status) for run in runs(client))


def until_ended(running: Started, client: MlflowClient, seconds: float) -> Counter[tuple[str, str]]:
    """Wait until all processes of a workflow are gone and no run is alive.

    A process that has just been started has no environment for a moment, and so is not found: what
    is looked for has to be so twice.

    Returns:
        How many runs there are of a name and a status.
    """
    start = time.monotonic()
    ended = 0
    while True:
        took = time.monotonic() - start
        left = [_words(one)[:4] for one in running.processes()]
        found = statuses(client)
        alive = [name for name, status in found if status in ALIVE]
        over = not left and not alive and running.process.poll() is not None
        ended = ended + 1 if over else 0
        if ended == 2:
            print(f"ended after {took:.1f} s: {dict(found)}")
            return found
        assert took < seconds, f"{left}\n{dict(found)}\n{running.said}"
        time.sleep(0.1)


def scores(run: Run) -> dict[str, float]:
    """Return what a model has reached, without times and sizes."""
    return {k: v for k, v in run.data.metrics.items() if k.startswith(("val_", "test_", "train_"))}


def outcome(client: MlflowClient) -> dict[str, object]:
    """Return all that an interruption must not change, of the newest workflow."""
    main = [run for run in runs(client) if run.info.run_name == "main"][-1]
    assert main.info.status == "FINISHED"
    winner = client.get_run(main.data.tags["workflow.winner"])
    version = client.get_model_version_by_alias(NAME, "champion")
    champion = client.get_run(version.run_id)
    # Of a trial that was shown again, all runs say the same.
    of_trials = {}
    for trial in trials(client):
        if trial.info.status == "FINISHED":
            said = (
                trial.data.tags["workflow.family"],
                trial.data.params,
                {k: v for k, v in scores(trial).items() if k.startswith("val_")},
            )
            assert of_trials.setdefault(trial.info.run_name, said) == said
    return {
        "main": scores(main),
        "winner": (winner.info.run_name, winner.data.params, scores(winner)),
        "champion": (champion.info.run_name, version.tags["family"], scores(champion)),
        "trials": of_trials,
    }


def check_nothing_lost(client: MlflowClient) -> None:
    """Check what holds after any interruption, once the same command has finished."""
    found = statuses(client)
    assert not [name for name, status in found if status in ALIVE], found
    worked = Counter(
        run.info.run_name
        for run in trials(client)
        if run.info.status == "FINISHED" and REUSED not in run.data.tags
    )
    assert worked and set(worked.values()) == {1}, worked
    champion = client.get_model_version_by_alias(NAME, "champion")
    versions = client.search_model_versions(f"name = '{NAME}'")
    assert [one.version for one in versions] == [champion.version]
    assert (champion.tags["replaced"], champion.tags["reason"]) == (
        "none", "promoted: the first version",
    )  # fmt: skip
    assert champion.tags["promoted_at"] and "earlier_promotions" not in champion.tags
