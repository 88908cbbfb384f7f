import os
import subprocess
import time
from collections.abc import Callable, Iterator

import mlflow
import psutil
import pytest
from conftest import Store

from workflow.runtime import final_status


@pytest.fixture
def run_of(module_store: Store) -> Iterator[Callable[[str], str]]:
    """Makes a run of a status and returns its id."""
    mlflow.set_tracking_uri(module_store.uri)

    def made(status: str) -> str:
        run = module_store.client.create_run("0")
        module_store.client.update_run(run.info.run_id, status)
        return run.info.run_id

    return made


@pytest.fixture
def calling() -> Iterator[subprocess.Popen]:
    """Stands for `mlflow run`."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def status(run_id: str) -> str:
    return mlflow.MlflowClient().get_run(run_id).info.status


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_run_that_has_failed_is_killed_once_the_caller_is_gone(run_of, calling):
    run_id = run_of("RUNNING")
    before = {one.pid for one in psutil.process_iter()}
    final_status.set_killed_later(run_id, psutil.Process(calling.pid))
    mlflow.MlflowClient().set_terminated(run_id, "FAILED")  # as `mlflow run` does at last
    (waiting,) = [one for one in psutil.Process().children() if one.pid not in before]
    time.sleep(0.5)
    assert status(run_id) == "FAILED"
    # Neither Ctrl-C nor a closed terminal reaches it, and it holds no terminal or pipe open.
    assert os.getsid(waiting.pid) == waiting.pid != os.getsid(0)
    assert {os.readlink(f"/proc/{waiting.pid}/fd/{n}") for n in range(3)} == {os.devnull}
    calling.kill()
    calling.wait()
    assert within(30, lambda: status(run_id) == "KILLED")
    assert within(30, lambda: waiting.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("FAILED", "KILLED"), ("FINISHED", "FINISHED"), ("RUNNING", "RUNNING"), ("KILLED", "KILLED")],
)
def test_only_a_run_that_has_failed_is_said_to_be_killed(run_of, calling, was, becomes):
    run_id = run_of(was)
    calling.kill()
    calling.wait()
    final_status.main(run_id, calling.pid, "KILLED")
    assert status(run_id) == becomes


def test_a_run_that_has_ended_with_an_alert_is_finished_again(run_of, calling):
    run_id = run_of("FAILED")
    final_status.set_finished_later(run_id, psutil.Process(calling.pid))
    calling.kill()
    calling.wait()
    assert within(30, lambda: status(run_id) == "FINISHED")


def test_a_caller_that_is_a_zombie_is_not_waited_for(run_of, calling):
    run_id = run_of("FAILED")
    calling.kill()
    os.waitid(os.P_PID, calling.pid, os.WEXITED | os.WNOWAIT)
    final_status.main(run_id, calling.pid, "KILLED")
    assert status(run_id) == "KILLED"


def test_a_caller_that_does_not_end_is_not_waited_for_forever(run_of, calling, monkeypatch):
    monkeypatch.setattr(final_status, "PATIENCE", 0.3)
    run_id = run_of("FAILED")
    start = time.monotonic()
    final_status.main(run_id, calling.pid, "KILLED")
    assert time.monotonic() - start >= 0.3
    assert status(run_id) == "KILLED"
    assert calling.poll() is None
