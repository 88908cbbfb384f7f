"""Rules for the process: bytecode, threads, memory, signals. Every entry point imports this first.

Packages: `mlflow run --env-manager local` takes the Python that is first on PATH. If it lacks some,
the step ends in one line here, before anything imports them.

Bytecode: the entry points run under `python -B`, so that nothing is written beside the project's
code. But an environment made by uv has no bytecode yet, and never gets any where
PYTHONDONTWRITEBYTECODE is set (images, CI): `import mlflow, sklearn` then takes 10 s instead of 3,
in every step. So bytecode is written for installed packages and not for the project.

Threads: OpenMP gets one thread, whatever OMP_NUM_THREADS says, because sums by several threads may
differ in the last digit. Several threads also wait for each other either spinning or asleep:
spinning is several times slower where another process uses the cores too, sleeping where none does.
One thread is about as fast as several in both cases.

Memory: Linux promises more memory than there is, and kills the process that uses it. Where a limit
is set at what the machine or its container has, the process gets a MemoryError instead, which can
be handled: one trial fails, and the search goes on.
"""

import os
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from workflow.paths import CONDA, PACKAGES

# What packages are imported as, where that is not their name.
MODULES = {"pyyaml": "yaml", "scikit-learn": "sklearn", "xgboost-cpu": "xgboost"}
CGROUP = Path("/sys/fs/cgroup/memory.max")  # a container's limit in bytes, or "max" for none


class _BytecodeSwitch:
    """An import hook that finds no module, but says of each whether its bytecode is written."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        sys.dont_write_bytecode = name.partition(".")[0] in ("main", *PACKAGES)


def lacking() -> list[str]:
    """Return the modules that conda.yaml pins by hand and that this Python does not have."""
    by_hand = CONDA.read_text(encoding="utf-8").partition("# Pulled in")[0]
    packages = re.findall(r"^ +- ([\w-]+)==", by_hand, re.MULTILINE)
    modules = dict.fromkeys(MODULES.get(package, package) for package in packages)
    return [module for module in modules if PathFinder.find_spec(module) is None]


def check_packages() -> None:
    """End the process with one line if packages are not installed."""
    if names := lacking():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        sys.exit(
            f"error: {sys.executable} lacks packages of conda.yaml: {', '.join(names[:3])}{more}. "
            "Run with --env-manager uv, which installs them, or put a Python on PATH that has them "
            "(`uv pip install -r tests/requirements.txt`)."
        )


def memory() -> int:
    """Return how many bytes of memory the machine or this process' container has."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CGROUP.read_text().strip() if CGROUP.is_file() else "max"
    return physical if limit == "max" else min(physical, int(limit))


def limit_memory(most: int) -> None:
    """Let this process and its children get a MemoryError beyond `most` bytes.

    A lower limit that is set already stays.
    """
    import resource  # exists on Unix only

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    known = [limit for limit in (soft, hard, most) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(known), hard))


check_packages()
sys.meta_path.insert(0, _BytecodeSwitch)
os.environ["OMP_NUM_THREADS"] = "1"  # read when the first library loads OpenMP
if sys.platform == "linux":
    limit_memory(memory())

from workflow.runtime import signals  # noqa: E402 (it needs packages that may be lacking)

signals.until_watched()
