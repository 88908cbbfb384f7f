"""SIGKILL for all processes of a workflow, anywhere in it; the same command then finishes it."""

import signal
from pathlib import Path

import harness
import pytest
from conftest import Store
from harness import Undisturbed

EVENLY = 16  # writes, spread over all
# Where what is half done would show most.
NAMED = [
    ("before", "hpo.py finalize_logged_model"),
    ("after", "register.py create_registered_model"),
    ("after", "register.py create_model_version"),
    ("after", "register.py set_registered_model_alias"),
]


def test_the_writes_counted_are_of_every_process_and_kind(undisturbed):
    processes = [line.split()[0] for line in undisturbed.writes]
    methods = {line.split()[1] for line in undisturbed.writes}
    assert {"mlflow", "main.py", "preprocess.py", "train.py", "hpo.py", "register.py"} == set(
        processes
    )
    assert {"create_run", "update_run_info", "log_batch", "create_logged_model", "log_artifacts",
            "create_model_version", "set_registered_model_alias"} <= methods  # fmt: skip
    assert len(undisturbed.writes) > 2 * EVENLY


@pytest.mark.parametrize("point", range(EVENLY))
def test_a_workflow_killed_anywhere_is_finished_by_the_same_command(
    point: int, undisturbed: Undisturbed, store: Store, few_trips: Path
):
    number = 1 + round(point * (len(undisturbed.writes) - 1) / (EVENLY - 1))
    killed_then_finished(("before", "after")[point % 2], str(number), undisturbed, store, few_trips)


@pytest.mark.parametrize(("when", "write"), NAMED)
def test_a_model_half_logged_or_half_registered_is_finished_by_the_same_command(
    when: str, write: str, undisturbed: Undisturbed, store: Store, few_trips: Path
):
    assert write in undisturbed.writes
    killed_then_finished(when, write, undisturbed, store, few_trips)


def killed_then_finished(
    when: str, at: str, undisturbed: Undisturbed, store: Store, few_trips: Path
) -> None:
    given = {"data": few_trips}
    counted = store.folder / "writes.txt"
    inject = {"FAULTS_WRITES": str(counted), "FAULTS_AT": at, "FAULTS_WHEN": when}
    killed = harness.run(store.folder, given, **inject)
    last = counted.read_text().splitlines()[-1]
    print(f"killed {when} {at}: {last}; {dict(harness.statuses(store.client))}")
    assert killed.process.returncode == -signal.SIGKILL, killed.said
    # Which write has this number differs by one or two: processes write beside each other.
    assert last in (undisturbed.writes if at.isdigit() else [at])
    done = harness.finished(store.folder, given)
    print(done.our_words)
    harness.check_nothing_lost(store.client)
    assert harness.outcome(store.client) == undisturbed.outcome
