"""Faults in the processes of a workflow, told by the environment; Python imports this at its start.

FAULTS_WRITES: file that every write to the tracking store, the model registry and the artifacts of
any of the processes gets a line in.
FAULTS_AT, FAULTS_WHEN: the write at which the whole process group is killed, "before" or "after":
what the file says of it ("hpo.py create_run"), with a number if it is not the first of its kind
("hpo.py create_run 3").
FAULTS_LONG_FIT: path of an estimator's class, whose fit does not come back from compiled code.
"""

import fcntl
import functools
import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType

WRITES = os.environ.get("FAULTS_WRITES")
AT = os.environ.get("FAULTS_AT")
WHEN = os.environ.get("FAULTS_WHEN", "after")
LONG_FIT = os.environ.get("FAULTS_LONG_FIT", "")
CLASSES = {
    "mlflow.store.tracking.sqlalchemy_store": (
        "SqlAlchemyStore",
        "create_run update_run_info log_batch log_metric log_param set_tag log_inputs log_outputs "
        "create_logged_model finalize_logged_model log_logged_model_params set_logged_model_tags "
        "record_logged_model",
    ),
    "mlflow.store.model_registry.sqlalchemy_store": (
        "SqlAlchemyStore",
        "create_registered_model create_model_version update_model_version "
        "set_registered_model_alias set_model_version_tag set_registered_model_tag",
    ),
    "mlflow.store.artifact.local_artifact_repo": (
        "LocalArtifactRepository",
        "log_artifact log_artifacts",
    ),
}


def counted(write: Callable) -> Callable:
    """Return a write that gets a line in the file, and may be the last one."""

    @functools.wraps(write)
    def method(*args: object, **kwargs: object) -> object:
        with open(WRITES, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            earlier = file.read().decode().splitlines()
            line = f"{os.path.basename(sys.argv[0])} {write.__name__}"
            file.write(f"{line}\n".encode())
        number = earlier.count(line) + 1  # of its kind
        last = AT in ((line, f"{line} 1") if number == 1 else (f"{line} {number}",))
        if last and WHEN == "before":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        try:
            return write(*args, **kwargs)
        finally:
            if last:
                os.killpg(os.getpgrp(), signal.SIGKILL)

    return method


def count_writes(module: ModuleType) -> None:
    name, methods = CLASSES[module.__name__]
    its_class = getattr(module, name)
    for method in methods.split():
        setattr(its_class, method, counted(getattr(its_class, method)))


def lengthen_fit(module: ModuleType) -> None:
    def fit(self: object, *args: object, **kwargs: object) -> None:
        import numpy as np

        np.linalg.svd(np.random.default_rng(0).normal(size=(6_000, 6_000)))  # minutes in LAPACK

    getattr(module, LONG_FIT.rpartition(".")[2]).fit = fit


class Patching(importlib.abc.MetaPathFinder):
    """Changes modules just after they have been imported."""

    def __init__(self, patches: dict[str, Callable[[ModuleType], None]]) -> None:
        self.patches = patches

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name not in self.patches:
            return None
        patch = self.patches.pop(name)  # so that it is found by the others now
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(
    0,
    Patching(
        (dict.fromkeys(CLASSES, count_writes) if WRITES else {})
        | ({LONG_FIT.rpartition(".")[0]: lengthen_fit} if LONG_FIT else {})
    ),
)
