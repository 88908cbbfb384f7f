"""The tracking server goes away in the middle of a step: for 30 seconds, and for good."""

import time

import harness
import pytest

AWAY = 30.0  # seconds
PATIENCE = 100.0  # seconds, within which a step gives up


@pytest.mark.parametrize("step", ["preprocess", "train", "hpo", "register"])
def test_a_workflow_waits_half_a_minute_for_a_server_that_is_away(
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
    assert harness.outcome(server.client) == undisturbed.outcome


@pytest.mark.parametrize(
    ("step", "retries"),
    [
        ("train", {}),  # as it is set by the project
        ("hpo", {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"}),  # by the user, for `mlflow run` too
    ],
    ids=["train", "hpo"],
)
def test_a_server_gone_for_good_ends_a_workflow_in_one_line(
    step, retries, undisturbed, tracking_server, tmp_path, few_trips
):
    server = tracking_server
    given, extra = {"data": few_trips}, {"MLFLOW_TRACKING_URI": server.address}
    with harness.started(tmp_path, given, **extra, **retries) as running:
        running.until(lambda: harness.has_begun(server.store, step))
        at_work, main = running.named(f"steps.{step}"), running.named("main.py")
        server.kill()
        away = time.monotonic()
        at_work.wait(PATIENCE)
        print(f"{step} ended after {time.monotonic() - away:.0f} s")
        assert "error: " in running.said
        main.wait(PATIENCE)  # which asks for as long again
        print(f"main ended after {time.monotonic() - away:.0f} s")
        if retries:  # else `mlflow run` goes on for four minutes, MLflow's own default
            assert running.wait(PATIENCE) != 0
            print(f"mlflow run ended after {time.monotonic() - away:.0f} s")
    lines = harness.errors(running)
    print(running.our_words)
    assert lines, running.said
    for line in lines:
        assert line.startswith(
            "error: the tracking server or the artifact store cannot be reached, though "
        )
        assert "give the same command again" in line
    server.start()
    done = harness.finished(tmp_path, given, **extra)
    assert "[preprocess] reused" in done.said
    assert ("[train] reused" in done.said) == (step == "hpo")
    harness.check_nothing_lost(server.client)
    assert harness.outcome(server.client) == undisturbed.outcome
