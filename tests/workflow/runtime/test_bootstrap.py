import os
import subprocess
import sys

import pytest

from workflow.paths import PROJECT
from workflow.runtime import bootstrap


def printed(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.check_output(command, cwd=PROJECT, text=True).strip()


def test_asking_for_more_memory_than_there_is_is_an_error():
    code = (
        "import workflow.runtime.bootstrap as process, numpy\n"
        "try: numpy.ones(process.memory() // 8 + 1)\n"
        "except MemoryError: print('an error')"
    )
    assert printed(code) == "an error"


def test_a_lower_limit_stays():
    code = (
        "import resource; kind = resource.RLIMIT_DATA\n"
        "resource.setrlimit(kind, (2**31, 2**32))\n"
        "import workflow.runtime.bootstrap as process\n"
        "print(resource.getrlimit(kind)); process.limit_memory(2**30)\n"
        "print(resource.getrlimit(kind))"
    )
    assert printed(code).splitlines() == [f"({2**31}, {2**32})", f"({2**30}, {2**32})"]


@pytest.mark.parametrize(("text", "limited"), [("max\n", False), ("1048576\n", True)])
def test_a_container_has_the_memory_that_its_limit_says(monkeypatch, tmp_path, text, limited):
    monkeypatch.setattr(bootstrap, "CGROUP", tmp_path / "none")
    physical = bootstrap.memory()
    assert physical > 2**30
    (tmp_path / "memory.max").write_text(text)
    monkeypatch.setattr(bootstrap, "CGROUP", tmp_path / "memory.max")
    assert bootstrap.memory() == (2**20 if limited else physical)


@pytest.mark.parametrize("given", [{}, {"OMP_NUM_THREADS": "2"}])
def test_a_fit_has_one_thread_whatever_the_environment_says(given):
    code = (
        "import workflow.runtime.bootstrap\n"
        "import numpy, lightgbm, xgboost, sklearn.ensemble, threadpoolctl\n"
        "print({one['num_threads'] for one in threadpoolctl.threadpool_info()})"
    )
    kept = {name: text for name, text in os.environ.items() if not name.endswith("NUM_THREADS")}
    command = [sys.executable, "-c", code]
    out = subprocess.check_output(command, cwd=PROJECT, text=True, env=kept | given)
    assert out.strip() == "{1}"
