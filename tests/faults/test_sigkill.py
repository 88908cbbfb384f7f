"""SIGKILL for all processes of a workflow, anywhere in it; the same command then finishes it."""

from dataclasses import dataclass
from pathlib import Path

import harness
import pytest
from conftest import Store, new_store

POINTS = 24


@dataclass(frozen=True)
class Reference:
    """A workflow that nothing has disturbed.

    Attributes:
        writes: Each write, as "process method", in their order.
        outcome: Of it.
    """

    writes: list[str]
    outcome: dict[str, object]


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, empty_store: Path, few_trips: Path):
    folder = tmp_path_factory.mktemp("reference")
    store = new_store(empty_store, folder)
    counted = folder / "writes.txt"
    harness.finished(folder, {"data": few_trips}, FAULTS_WRITES=str(counted))
    harness.check_nothing_lost(store.client)
    return Reference(counted.read_text().splitlines(), harness.outcome(store.client))


def test_the_writes_counted_are_of_every_process_and_kind(reference):
    processes = [line.split()[0] for line in reference.writes]
    methods = {line.split()[1] for line in reference.writes}
    assert {"mlflow", "main.py", "preprocess.py", "train.py", "hpo.py", "register.py"} == set(
        processes
    )
    assert {"create_run", "update_run_info", "log_batch", "create_logged_model", "log_artifacts",
            "create_model_version", "set_registered_model_alias"} <= methods  # fmt: skip
    assert len(reference.writes) > 2 * POINTS


@pytest.mark.parametrize("point", range(POINTS))
def test_a_workflow_killed_anywhere_is_finished_by_the_same_command(
    point: int, reference: Reference, store: Store, few_trips: Path
):
    number = 1 + round(point * (len(reference.writes) - 1) / (POINTS - 1))
    when = ("before", "after")[point % 2]
    counted = store.folder / "writes.txt"
    killed = harness.run(
        store.folder,
        {"data": few_trips},
        FAULTS_WRITES=str(counted),
        FAULTS_AT=str(number),
        FAULTS_WHEN=when,
    )
    at = counted.read_text().splitlines()[number - 1]
    print(f"killed {when} write {number}: {at}; {dict(harness.statuses(store.client))}")
    assert killed.process.returncode == -9, killed.said
    assert killed.processes() == []
    done = harness.finished(store.folder, {"data": few_trips})
    print(done.our_words)
    harness.check_nothing_lost(store.client)
    assert harness.outcome(store.client) == reference.outcome
