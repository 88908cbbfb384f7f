"""One workflow interrupted twice; all else of the kind, SIGKILL too, is in tests/faults."""

import os
import signal
from pathlib import Path

import harness
import pytest
from conftest import new_store
from in_process import run_here

TIME = 20.0  # seconds, in which it has ended: 10 are promised, but half of the cores is another's


@pytest.fixture
def outcome(
    empty_store: Path, few_trips: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    """What the workflow comes to where nothing disturbs it."""
    store = new_store(empty_store, tmp_path_factory.mktemp("undisturbed"))
    run_here(store, data=few_trips, **harness.QUICK)
    return harness.outcome(store.client)


def test_interrupted_twice_a_workflow_gives_the_same_result(outcome, store, few_trips):
    given = {"data": few_trips}
    client = store.client
    for at_least, number in ((1, signal.SIGINT), (3, signal.SIGTERM)):
        with harness.started(store.folder, given) as running:
            running.until(lambda least=at_least: harness.finished_trials(store) >= least)
            if number == signal.SIGINT:  # what a terminal does on Ctrl-C
                os.killpg(running.process.pid, number)
            else:
                running.process.send_signal(number)
            harness.until_ended(running, client, TIME)
            assert "Traceback" not in running.said
        assert {status for _, status in harness.statuses(client)} == {"FINISHED", "KILLED"}
        assert [run.info.status for run in store.runs("main")][-1] == "KILLED"
    done = harness.finished(store.folder, given)
    assert "[train] reused" in done.said
    harness.check_nothing_lost(client)
    assert harness.outcome(client) == outcome
