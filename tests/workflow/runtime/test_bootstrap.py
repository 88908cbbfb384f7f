import os
import re
import subprocess
import sys

import pytest

from workflow.paths import PROJECT
from workflow.runtime import bootstrap


def printed(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.check_output(command, cwd=PROJECT, text=True).strip()


@pytest.mark.parametrize("entry_point", [["main.py"], ["-m", "steps.train"]], ids=str)
def test_a_python_without_the_packages_is_refused_in_one_line(entry_point):
    command = [sys.executable, "-S", "-B", *entry_point]  # -S: without site-packages
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert re.match(r"error: \S+ lacks packages of conda.yaml: \S+, \S+, \S+ and \d+ more\. ", line)
    assert "--env-manager uv" in line


def test_nothing_is_lacking_where_all_is_installed():
    assert bootstrap.lacking() == []


def test_a_package_that_only_some_runs_need_is_missed_too(monkeypatch, capsys):
    plain = bootstrap.PathFinder.find_spec

    def without(name: str) -> object:
        return None if name in ("xgboost", "yaml") else plain(name)

    monkeypatch.setattr(bootstrap.PathFinder, "find_spec", without)
    assert bootstrap.lacking() == ["yaml", "xgboost"]
    monkeypatch.setattr(bootstrap, "lacking", lambda: ["lightgbm"])
    with pytest.raises(SystemExit, match=r"lacks packages of conda\.yaml: lightgbm\. Run with"):
        bootstrap.check_packages()


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
