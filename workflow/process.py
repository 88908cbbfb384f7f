"""Imported first by every entry point: how its process treats bytecode and threads.

Bytecode: the entry points run under `python -B`, so that nothing is written beside the code. But an
environment made by uv has no bytecode yet, and where PYTHONDONTWRITEBYTECODE is set (images, CI) it
never gets any: `import mlflow, sklearn` then takes 10 s instead of 3, in every step. So bytecode of
packages is kept, and of the project it is not.

Threads: OpenMP's threads wait for each other by spinning. Where another process wants the cores too
(a second workflow, a browser), a fit of LightGBM takes four times as long as with threads that
sleep, and on an idle machine no less.
"""

import os
import sys


class _Rule:
    """Is asked first for each import, finds nothing, and decides for the module to come."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        sys.dont_write_bytecode = name.partition(".")[0] in ("main", "steps", "workflow")


sys.meta_path.insert(0, _Rule)
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when the first library loads OpenMP
