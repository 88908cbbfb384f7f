import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sql_features.errors import WorkflowError
from workflow.paths import PROJECT
from workflow.runtime import calling_process
from workflow.runtime.calling_process import RUN_ID, absolute

CODE = "from workflow.runtime.calling_process import absolute; print(absolute('data/x'))"
ASK = f'{sys.executable} -c "{CODE}"'
# What MLflow does to start a step: a shell in the project's folder, with the run's id.
START = """
import os, subprocess, sys
run_id, folder, command = sys.argv[1:]
environment = {**os.environ, "MLFLOW_RUN_ID": run_id}
subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=True)
"""
# The same, and it says first who it is.
SAYING = f"import os; print(os.getpid(), flush=True)\n{START}"


def started(run_id: str, folder: Path, command: str) -> list[str]:
    """Return a command that starts another as a step of a run."""
    return [sys.executable, "-c", START, run_id, str(folder), command]


def environment(**extra: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != RUN_ID} | {
        "PYTHONPATH": str(PROJECT), **extra,
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
def test_a_path_is_relative_to_where_mlflow_run_was_called(user, project, command):
    assert output(started("a1", project, command), user) == f"{user}/data/x"


def test_in_a_step_a_path_is_relative_to_the_workflows_folder(user, project, tmp_path):
    workflow = tmp_path / "workflow"
    workflow.mkdir()
    (workflow / "start.py").write_text(START)
    (project / "ask.sh").write_text(ASK)
    step = f"{sys.executable} start.py step '{project}' 'bash ask.sh'"
    assert output(started("main", workflow, step), user) == f"{workflow}/data/x"


def test_a_run_around_the_users_shell_does_not_matter(user, project):
    assert output(started("a1", project, ASK), user, MLFLOW_RUN_ID="other") == f"{user}/data/x"


def test_without_a_run_a_path_is_relative_to_the_folder(tmp_path, monkeypatch):
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
def test_an_unreadable_caller_is_refused_with_what_to_do(monkeypatch, method):
    monkeypatch.setenv(RUN_ID, "a run that no process above has")
    monkeypatch.setattr(psutil.Process, method, denied)
    with pytest.raises(WorkflowError) as caught:
        absolute("data/trips")
    assert str(caught.value) == (
        "cannot find out which folder 'data/trips' is relative to, because the process that called "
        "`mlflow run` cannot be looked at: give an absolute path."
    )


# As on macOS, where the environment of the system's own programs is empty: here of those on a list.
HIDING = """
import sys, psutil
from pathlib import Path
from workflow.runtime import calling_process
plain, names = psutil.Process.environ, sys.argv[1].split(",")
def environ(process):
    return {} if Path(process.exe()).name in names else plain(process)
psutil.Process.environ = environ
calling = calling_process.process()
print(calling and calling.pid)
try:
    print(calling_process.absolute("data/x"))
except calling_process.WorkflowError as error:
    print(error)
"""
SHELL = Path(shutil.which("bash")).resolve().name
PYTHON = Path(sys.executable).resolve().name


@pytest.fixture
def hiding(tmp_path: Path) -> Callable[..., str]:
    """A command that asks for the caller where some programs show no environment."""
    (tmp_path / "ask.py").write_text(HIDING)
    return lambda *programs: f"{sys.executable} '{tmp_path}/ask.py' {','.join(programs)}; true"


def test_a_shell_that_hides_its_environment_is_not_the_caller(user, project, hiding):
    start = [sys.executable, "-c", SAYING, "a1", str(project), hiding(SHELL)]
    asking, found, path = output(start, user).splitlines()
    assert found == asking
    assert path == f"{user}/data/x"


@pytest.mark.parametrize("words", [["mlflow", "run", "."], ["-m", "mlflow", "run", "."]])
def test_an_mlflow_run_that_hides_its_environment_is_the_caller(user, project, hiding, words):
    script = user / "start.py"
    script.write_text(SAYING.replace("sys.argv[1:]", "sys.argv[1:4]"))
    start = [sys.executable, str(script), "a1", str(project), hiding(SHELL, PYTHON), *words]
    asking, found, path = output(start, user).splitlines()
    assert found == asking
    assert path == f"{user}/data/x"


def test_a_script_that_hides_its_environment_is_not_guessed_at(user, project, hiding):
    start = [sys.executable, "-c", SAYING, "a1", str(project), hiding(SHELL, PYTHON)]
    _, found, refusal = output(start, user).splitlines()
    assert found == "None"
    assert refusal.startswith("cannot find out which folder 'data/x' is relative to")
    assert refusal.endswith("give an absolute path.")


def test_a_missing_caller_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setenv(RUN_ID, "a1")
    monkeypatch.setattr(psutil.Process, "parents", lambda _: [])
    with pytest.raises(WorkflowError, match="give an absolute path"):
        absolute("data")


WHO_CODE = "from workflow.runtime.calling_process import process; print(process().pid)"
WHO = f'{sys.executable} -c "{WHO_CODE}"'


@pytest.mark.parametrize("command", [WHO, f"{WHO}; true"], ids=["replaces the shell", "below it"])
def test_the_caller_is_mlflow_run_and_not_the_shell_between(project, command):
    start = [sys.executable, "-c", SAYING, "a1", str(project), command]
    asking, found = output(start, project).split()
    assert found == asking


def test_a_process_that_is_no_step_has_no_caller(monkeypatch):
    monkeypatch.delenv(RUN_ID, raising=False)
    assert calling_process.process() is None


@pytest.mark.parametrize("method", ["parents", "environ"])
def test_a_caller_that_cannot_be_looked_at_is_none(monkeypatch, method):
    monkeypatch.setenv(RUN_ID, "a run that no process above has")
    monkeypatch.setattr(psutil.Process, method, denied)
    assert calling_process.process() is None


@pytest.fixture
def sleeping() -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_process_that_runs_is_not_gone(sleeping):
    assert not calling_process.is_gone(psutil.Process(sleeping.pid))
    assert not calling_process.is_gone(psutil.Process())


def test_an_ended_process_is_gone_as_a_zombie_and_after(sleeping):
    process = psutil.Process(sleeping.pid)
    sleeping.kill()
    os.waitid(os.P_PID, sleeping.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
    assert process.status() == psutil.STATUS_ZOMBIE
    assert calling_process.is_gone(process)
    sleeping.wait()
    assert calling_process.is_gone(process)


def test_a_process_whose_id_another_one_has_now_is_gone(sleeping, monkeypatch):
    process = psutil.Process(sleeping.pid)
    monkeypatch.setattr(process, "_ident", (sleeping.pid, 1.0))
    assert calling_process.is_gone(process)


def test_a_process_that_ends_while_it_is_looked_at_is_gone(sleeping, monkeypatch):
    def vanished(_: object) -> None:
        raise psutil.NoSuchProcess(sleeping.pid)

    process = psutil.Process(sleeping.pid)
    monkeypatch.setattr(psutil.Process, "name", vanished)
    assert calling_process.is_gone(process)


def test_an_unreadable_process_is_not_said_to_be_gone(sleeping, monkeypatch):
    process = psutil.Process(sleeping.pid)
    monkeypatch.setattr(psutil.Process, "name", denied)
    assert not calling_process.is_gone(process)


@pytest.mark.parametrize(("name", "gone"), [("process_api", True), ("python3.11", False)])
def test_a_hidden_first_process_is_judged_by_its_name(sleeping, monkeypatch, name, gone):
    process = psutil.Process(sleeping.pid)
    monkeypatch.setattr(process, "_pid", 1)
    monkeypatch.setattr(psutil.Process, "is_running", lambda _: True)
    monkeypatch.setattr(psutil.Process, "status", lambda _: psutil.STATUS_SLEEPING)
    monkeypatch.setattr(psutil.Process, "name", lambda _: name)
    monkeypatch.setattr(psutil.Process, "exe", denied)
    assert calling_process.is_gone(process) is gone


@pytest.mark.parametrize(
    ("pid", "name", "exe", "gone"),
    [
        (1, "init", "/sbin/init", True),
        (1, "tini", "/usr/bin/tini", True),
        (812, "systemd", "/usr/lib/systemd/systemd", True),  # a user's own
        (1, "mlflow", "/usr/local/bin/python3.11", False),  # `docker run image mlflow run ...`
        (812, "bash", "/bin/bash", False),
        (812, "mlflow", "/usr/local/bin/python3.11", False),
    ],
)
def test_a_process_that_adopts_orphans_is_no_caller(sleeping, monkeypatch, pid, name, exe, gone):
    process = psutil.Process(sleeping.pid)
    monkeypatch.setattr(process, "_pid", pid)
    monkeypatch.setattr(psutil.Process, "is_running", lambda _: True)
    monkeypatch.setattr(psutil.Process, "status", lambda _: psutil.STATUS_SLEEPING)
    monkeypatch.setattr(psutil.Process, "name", lambda _: name)
    monkeypatch.setattr(psutil.Process, "exe", lambda _: exe)
    assert calling_process.is_gone(process) is gone
