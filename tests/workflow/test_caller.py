import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from workflow.caller import RUN_ID, absolute
from workflow.errors import WorkflowError

ROOT = Path(__file__).resolve().parents[2]
ASK = f"{sys.executable} -c \"from workflow.caller import absolute; print(absolute('data/x'))\""
# What MLflow does to start a step: a shell in the project's folder, with the run's id.
START = """
import os, subprocess, sys
run_id, folder, command = sys.argv[1:]
environment = {**os.environ, "MLFLOW_RUN_ID": run_id}
subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=True)
"""


def started(run_id: str, folder: Path, command: str) -> list[str]:
    """Return a command that starts another as a step of a run."""
    return [sys.executable, "-c", START, run_id, str(folder), command]


def environment(**extra: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != RUN_ID} | {
        "PYTHONPATH": str(ROOT), **extra,
    }  # fmt: skip


def output(command: list[str], cwd: Path, **extra: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environment(**extra), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "the user's folder"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("command", [ASK, f"{ASK}; true"], ids=["replaces the shell", "below it"])
def test_a_path_is_relative_to_the_folder_mlflow_run_was_called_in(user, project, command):
    assert output(started("a1", project, command), user) == f"{user}/data/x"


def test_in_a_step_of_a_workflow_it_is_relative_to_the_workflows_folder(user, project, tmp_path):
    workflow = tmp_path / "workflow"
    workflow.mkdir()
    (workflow / "start.py").write_text(START)
    (project / "ask.sh").write_text(ASK)
    step = f"{sys.executable} start.py step '{project}' 'bash ask.sh'"
    assert output(started("main", workflow, step), user) == f"{workflow}/data/x"


def test_a_run_of_another_id_around_the_users_shell_does_not_matter(user, project):
    assert output(started("a1", project, ASK), user, MLFLOW_RUN_ID="other") == f"{user}/data/x"


def test_without_a_run_a_path_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.delenv(RUN_ID, raising=False)
    monkeypatch.chdir(tmp_path)
    assert absolute("data") == f"{tmp_path}/data"
    assert absolute("./a/../b") == f"{tmp_path}/b"
    assert absolute(".") == str(tmp_path)


@pytest.mark.parametrize(
    "location", ["/data/trips", "s3://bucket/trips", "https://host/x", "file:///data/trips"]
)
def test_an_absolute_path_and_a_url_are_left_as_they_are(location, monkeypatch):
    monkeypatch.setenv(RUN_ID, "a1")
    assert absolute(location) == location


def test_a_tilde_is_the_users_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv(RUN_ID, "a1")
    assert absolute("~/data") == "/home/someone/data"


def test_the_home_of_a_user_who_does_not_exist_is_refused():
    with pytest.raises(WorkflowError, match="~nosuchuser/data"):
        absolute("~nosuchuser/data")


def denied(*_: object) -> None:
    raise psutil.AccessDenied


@pytest.mark.parametrize("method", ["parents", "environ", "cwd"])
def test_a_process_that_cannot_be_looked_at_is_said_with_what_to_do(monkeypatch, method):
    monkeypatch.setenv(RUN_ID, "a run that no process above has")
    monkeypatch.setattr(psutil.Process, method, denied)
    with pytest.raises(WorkflowError) as caught:
        absolute("data/trips")
    assert str(caught.value) == (
        "cannot find out which folder 'data/trips' is relative to, because the process that called "
        "`mlflow run` cannot be looked at: give an absolute path."
    )


def test_where_no_process_above_is_outside_the_run_it_is_said_as_well(monkeypatch):
    monkeypatch.setenv(RUN_ID, "a1")
    monkeypatch.setattr(psutil.Process, "parents", lambda _: [])
    with pytest.raises(WorkflowError, match="give an absolute path"):
        absolute("data")
