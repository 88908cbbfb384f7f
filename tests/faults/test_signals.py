"""Signals to single processes of a workflow and to all: nothing is left alive, nothing RUNNING."""

import os
import signal

import harness
import psutil
import pytest
from harness import Started

TIME = 10.0  # seconds, as promised


def send(running: Started, number: signal.Signals, target: str) -> None:
    if target == "all":  # what a terminal does on Ctrl-C
        os.killpg(running.process.pid, number)
    elif target == "mlflow run":
        running.process.send_signal(number)
    else:
        running.named(target).send_signal(number)


@pytest.mark.parametrize(
    ("number", "target"),
    [
        (signal.SIGINT, "all"),
        (signal.SIGTERM, "mlflow run"),
        (signal.SIGTERM, "main.py"),
        (signal.SIGKILL, "mlflow run"),
        (signal.SIGHUP, "all"),
    ],
    ids=lambda one: str(getattr(one, "name", one)),
)
def test_a_search_ended_by_a_signal_is_killed_and_goes_on_later(number, target, store, few_trips):
    given = {"data": few_trips, "max_evals": 12}
    with harness.started(store.folder, given) as running:
        running.until(lambda: harness.finished_trials(store) >= 2)
        send(running, number, target)
        found = harness.until_ended(running, store.client, TIME)
        assert running.process.returncode != 0
    stopped = {name for name, status in found if status == "KILLED"}
    assert {"main", "hpo"} <= stopped, running.said
    assert {status for _, status in found} == {"FINISHED", "KILLED"}
    assert "Traceback" not in running.said
    before = harness.finished_trials(store)
    done = harness.finished(store.folder, given)
    assert f"12 trials, {before} of them read back" in done.said
    harness.check_nothing_lost(store.client)


@pytest.mark.parametrize(
    ("number", "target"),
    [(signal.SIGINT, "all"), (signal.SIGTERM, "mlflow run")],
    ids=lambda one: str(getattr(one, "name", one)),
)
def test_a_signal_ends_a_long_fit_in_compiled_code(number, target, store, few_trips):
    given = {"data": few_trips}
    long = {"FAULTS_LONG_FIT": "sklearn.linear_model.Ridge", "OPENBLAS_NUM_THREADS": "1"}
    with harness.started(store.folder, given, **long) as running:
        running.until(lambda: ("linear", "RUNNING") in harness.statuses(store.client))
        step = running.named("steps.train")
        psutil.wait_procs([step], timeout=2)
        assert step.is_running(), running.said
        send(running, number, target)
        found = harness.until_ended(running, store.client, TIME)
    assert {name for name, status in found if status == "KILLED"} == {"main", "train", "linear"}
    assert "Traceback" not in running.said
    done = harness.finished(store.folder, given)
    assert "[preprocess] reused" in done.said
    harness.check_nothing_lost(store.client)


def test_a_step_that_is_killed_fails_the_workflow_with_a_reason(store, few_trips):
    given = {"data": few_trips, "max_evals": 12}
    with harness.started(store.folder, given) as running:
        running.until(lambda: harness.finished_trials(store) >= 2)
        send(running, signal.SIGKILL, "steps.hpo")
        found = harness.until_ended(running, store.client, TIME)
        assert running.process.returncode != 0
    assert {name for name, status in found if status == "FAILED"} == {"main", "hpo"}
    (main,) = store.runs("main")
    reason = main.data.tags["workflow.error"]
    assert "it was ended from outside" in reason and "\n" not in reason
    assert f"error: {reason}" in running.said
    assert "Traceback" not in running.said
    before = harness.finished_trials(store)
    done = harness.finished(store.folder, given)
    assert f"12 trials, {before} of them read back" in done.said
    harness.check_nothing_lost(store.client)
