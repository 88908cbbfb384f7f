"""The tracking server goes away in the middle of a step: for 30 seconds, and for good."""

import time

import harness
import pytest
from conftest import new_store

AWAY = 30.0  # seconds
PATIENCE = 100.0  # seconds, within which a step gives up


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, empty_store, few_trips) -> dict[str, object]:
    """What a workflow comes to that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    store = new_store(empty_store, folder)
    harness.finished(folder, {"data": few_trips})
    return harness.outcome(store.client)


@pytest.mark.parametrize("step", ["preprocess", "train", "hpo", "register"])
def test_a_workflow_waits_for_a_server_that_is_away_for_half_a_minute(
    step, undisturbed, tracking_server, tmp_path, few_trips
):
    server = tracking_server
    given = {"data": few_trips}
    with harness.started(tmp_path, given, MLFLOW_TRACKING_URI=server.address) as running:
        running.until(lambda: harness.has_begun(server.store, step))
        server.kill()
        away = time.monotonic()
        time.sleep(AWAY)
        assert running.process.poll() is None, running.said
        server.start()
        print(f"in {step} the server was away for {time.monotonic() - away:.0f} s")
        assert running.wait() == 0, running.said
    assert harness.errors(running) == []
    assert {status for _, status in harness.statuses(server.client)} == {"FINISHED"}
    harness.check_nothing_lost(server.client)
    assert harness.outcome(server.client) == undisturbed


@pytest.mark.parametrize("step", ["train", "hpo"])
def test_a_server_gone_for_good_ends_a_workflow_in_one_line(
    step, undisturbed, tracking_server, tmp_path, few_trips
):
    server = tracking_server
    given = {"data": few_trips}
    # `mlflow run` itself goes on for four minutes with MLflow's own default.
    extra = {"MLFLOW_TRACKING_URI": server.address}
    few = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"} if step == "hpo" else {}
    with harness.started(tmp_path, given, **extra, **few) as running:
        running.until(lambda: harness.has_begun(server.store, step))
        server.kill()
        away = time.monotonic()
        running.until(lambda: "error: " in running.said)
        print(f"the first line was said after {time.monotonic() - away:.0f} s")
        ours = [one for one in running.processes() if one.pid != running.process.pid]
        for one in ours:
            one.wait(PATIENCE - (time.monotonic() - away))
        print(f"{len(ours)} processes had ended after {time.monotonic() - away:.0f} s")
        if few:
            assert running.wait(PATIENCE) != 0
    lines = harness.errors(running)
    print(running.our_words)
    assert lines, running.said
    for line in lines:
        assert line.startswith(
            "error: the tracking server or the artifact store cannot be reached, after retrying"
        )
        assert "give the same command again" in line
    server.start()
    done = harness.finished(tmp_path, given, **extra)
    assert "[preprocess] reused" in done.said
    assert ("[train] reused" in done.said) == (step == "hpo")
    harness.check_nothing_lost(server.client)
    assert harness.outcome(server.client) == undisturbed
