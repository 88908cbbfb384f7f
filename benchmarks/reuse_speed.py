"""Seconds of a second, identical `mlflow run .`, beside those of a project whose main does nothing.

python benchmarks/reuse_speed.py
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
MLPROJECT = """
name: nothing
entry_points:
  main:
    command: python main.py
"""
MAIN = """
import mlflow

with mlflow.start_run():
    pass
"""


def mlflow_run(project: Path, folder: Path) -> float:
    """Run a project from a folder, in this environment; return the seconds it has taken."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["mlflow", "run", str(project), "--env-manager", "local"]
    start = time.perf_counter()
    environment = os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with TemporaryDirectory() as name:
        folder, nothing = Path(name, "caller"), Path(name, "nothing")
        folder.mkdir()
        nothing.mkdir()
        (nothing / "MLproject").write_text(MLPROJECT)
        (nothing / "main.py").write_text(MAIN)
        print(f"the first run: {mlflow_run(ROOT, folder):.1f} s", flush=True)
        again, empty = [], []
        for _ in range(args.repeats):
            empty.append(mlflow_run(nothing, folder))
            again.append(mlflow_run(ROOT, folder))
            print(f"nothing {empty[-1]:.1f} s, again {again[-1]:.1f} s", flush=True)
    ratio = median(one / other for one, other in zip(again, empty, strict=True))
    print(f"medians: nothing {median(empty):.1f} s, again {median(again):.1f} s; ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
