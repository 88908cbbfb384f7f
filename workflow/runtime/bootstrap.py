"""Imported first by every entry point: how its process treats bytecode, threads, memory, signals.

Bytecode: the entry points run under `python -B`, so that nothing is written beside the code. But an
environment made by uv has no bytecode yet, and where PYTHONDONTWRITEBYTECODE is set (images, CI) it
never gets any: `import mlflow, sklearn` then takes 10 s instead of 3, in every step. So bytecode of
packages is kept, and of the project it is not.

Threads: OpenMP and BLAS get one, where nothing else is said. OpenMP's threads wait for each other
by spinning, or asleep: the one takes several times as long where another process wants the cores
too, the other where none does. One thread is as fast in both.

Memory: Linux promises more than there is, and kills who takes it. Where a process is promised no
more than the machine or its container has, what asks for too much is an error that can be said:
of a trial, for example, while the search goes on.
"""

import os
import sys
from pathlib import Path

from workflow.paths import PACKAGES
from workflow.runtime import signals

CGROUP = Path("/sys/fs/cgroup/memory.max")  # of a container; "max" where it has no limit


class _Rule:
    """Is asked first for each import, finds nothing, and decides for the module to come."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        sys.dont_write_bytecode = name.partition(".")[0] in ("main", *PACKAGES)


def memory() -> int:
    """Return how many bytes the machine has, or the container that this process is in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CGROUP.read_text().strip() if CGROUP.is_file() else "max"
    return physical if limit == "max" else min(physical, int(limit))


def limit_memory(most: int) -> None:
    """Make it an error, here and in processes started from here, to ask for more than `most` bytes.

    A limit that is set already and lower stays.
    """
    import resource  # of Unix

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    known = [limit for limit in (soft, hard, most) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(known), hard))


sys.meta_path.insert(0, _Rule)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when the first library loads OpenMP
if sys.platform == "linux":
    limit_memory(memory())
signals.until_watched()
