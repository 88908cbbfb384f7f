"""One workflow disturbed again and again; all else of the kind is in tests/faults."""

import os
import signal

import harness
from conftest import Store

TIME = 20.0  # seconds, in which it has ended: 10 are promised, but half of the cores is another's


def kill_at(write: str, store: Store, given: dict[str, object]) -> None:
    """Run the workflow until all its processes are killed, just before a write."""
    counted = store.folder / f"{write}.txt"
    inject = {"FAULTS_WRITES": str(counted), "FAULTS_AT": write, "FAULTS_WHEN": "before"}
    killed = harness.run(store.folder, given, **inject)
    assert killed.process.returncode == -signal.SIGKILL, killed.said
    assert ("main", "RUNNING") in harness.statuses(store.client)


def test_interrupted_everywhere_a_workflow_gives_the_same_result(undisturbed, store, few_trips):
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
    kill_at("register.py set_registered_model_alias", store, given)
    done = harness.finished(store.folder, given)
    assert "[hpo] reused" in done.said
    harness.check_nothing_lost(client)
    assert harness.outcome(client) == undisturbed.outcome
