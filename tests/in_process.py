"""`mlflow run` in this process: for tests of what comes of a workflow, not of its processes.

MLflow makes the runs and the commands of MLproject, as ever. Only where it would start a process
for a command is the entry point called here, in a thread of its own, whose active runs are its own
as well. A workflow's five processes need some 20 s more, for imports.
"""

import importlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from types import SimpleNamespace

import mlflow
import pytest
from conftest import ROOT, Done, Store
from mlflow.projects.backend import local
from mlflow.projects.submitted_run import LocalSubmittedRun
from mlflow.projects.utils import get_run_env_vars

ENDED = SimpleNamespace(wait=lambda: 0)  # in place of the process of a command


def run_here(store: Store, entry_point: str = "main", **given: object) -> Done:
    """Run an entry point as `mlflow run . -e ENTRY_POINT -P name=value ...` would.

    Paths have to be absolute: there is no caller, whose folder they could be relative to. What
    goes wrong is raised.
    """
    out, err = StringIO(), StringIO()
    texts = {name: str(value) for name, value in given.items()}
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        patch.setattr(local, "_run_entry_point", _call)
        mlflow.set_tracking_uri(store.uri)
        mlflow.projects.run(
            str(ROOT), entry_point, parameters=texts, experiment_id="0", env_manager="local"
        )
    return Done(0, out.getvalue(), err.getvalue())


def _call(command: str, work_dir: str, experiment_id: str, run_id: str) -> LocalSubmittedRun:
    """Call what the command of an entry point starts, in the run that was made for it."""
    # A shell takes the command apart, as ever: what it would run or replace, it does here too.
    printed = subprocess.check_output(["bash", "-c", f"printf '%s\\0' {command}"], text=True)
    _, _, *words = printed.split("\0")[:-1]  # without "python -B"
    module, arguments = ("main", words[1:]) if words[0] == "main.py" else (words[1], words[2:])
    entry_point = getattr(importlib.import_module(module), module.rpartition(".")[2])
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
        for name, value in get_run_env_vars(run_id, experiment_id).items():
            patch.setenv(name, value)
        thread.submit(entry_point.main, arguments, standalone_mode=False).result()
    return LocalSubmittedRun(run_id, ENDED)
