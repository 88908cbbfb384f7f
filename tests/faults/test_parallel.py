"""Workflows at the same time, on one SQLite store and on one tracking server."""

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import harness
import pytest
from mlflow.tracking import MlflowClient

STEPS = ("preprocess", "train", "hpo", "register")
LONGEST = 100.0  # seconds a workflow: something waits for a lock, not for the processor
GIVEN = {"max_evals": 2, "top_n": 1}
pytestmark = pytest.mark.xdist_group("parallel")  # one test after the other


def run_at_once(number: int, folder: Path, few_trips: Path, **extra: str) -> None:
    """Start workflows that differ in their seed, so that none finds another's results."""
    start = time.monotonic()
    with ExitStack() as stack:
        every = []
        for seed in range(number):
            caller = folder / f"caller-{seed}"
            caller.mkdir()
            given = {"data": few_trips, "seed": seed, **GIVEN}
            every.append(stack.enter_context(harness.started(caller, given, **extra)))
        codes = [one.wait(number * LONGEST) for one in every]
    took = time.monotonic() - start
    print(f"{number} workflows at once took {took:.0f} s")
    assert codes == [0] * number, [one.said for one in every if one.process.returncode]
    assert not [one for one in every if harness.errors(one)]


def check_complete(client: MlflowClient, number: int) -> None:
    """Check that each workflow has all its runs, each with what it is to hold."""
    found = harness.runs(client)
    assert {run.info.status for run in found} == {"FINISHED"}, harness.statuses(client)
    mains = [run for run in found if run.info.run_name == "main"]
    assert len(mains) == number
    below: dict[str, list] = {run.info.run_id: [] for run in found}
    for run in found:
        if parent := run.data.tags.get("mlflow.parentRunId"):
            below[parent].append(run)
    for main in mains:
        assert {"val_rmse", "test_rmse"} <= main.data.metrics.keys()
        steps = {run.info.run_name: run for run in below[main.info.run_id]}
        assert sorted(steps) == sorted(STEPS)
        assert not [run for run in steps.values() if harness.REUSED in run.data.tags]
        for step in steps.values():
            files = {one.path for one in client.list_artifacts(step.info.run_id)}
            assert "step.json" in files, step.info.run_name
        names = {name: sorted(run.info.run_name for run in below[steps[name].info.run_id])
                 for name in STEPS}  # fmt: skip
        assert names["train"] == ["baseline", "linear"]
        assert names["hpo"] == ["trial-000", "trial-001"]
        for run in (*below[steps["train"].info.run_id], *below[steps["hpo"].info.run_id]):
            assert "val_rmse" in run.data.metrics
    versions = client.search_model_versions(f"name = '{harness.NAME}'")
    assert sorted(int(one.version) for one in versions) == list(range(1, number + 1))
    assert len(Counter(one.source for one in versions)) == number
    winners = {main.data.tags["workflow.registered_version"] for main in mains}
    assert winners == {str(one.version) for one in versions}
    assert client.get_model_version_by_alias(harness.NAME, "champion")


def test_eight_workflows_at_once_finish_on_one_sqlite_store(store, few_trips):
    run_at_once(8, store.folder, few_trips, MLFLOW_TRACKING_URI=store.uri)
    check_complete(store.client, 8)


def test_four_workflows_at_once_finish_on_a_tracking_server(tracking_server, tmp_path, few_trips):
    run_at_once(4, tmp_path, few_trips, MLFLOW_TRACKING_URI=tracking_server.address)
    check_complete(tracking_server.client, 4)
