"""Time the course's four scripts and the workflow that replaces them, in turns.

    python benchmarks/course_speed.py --workflow-args same default lightgbm

Every run has a temporary directory and an initialised, empty SQLite store of its own. A first
round is not counted: it builds the project's environment and compiles what is imported, into a
bytecode cache of the benchmark's own, so that neither side pays for how Python was installed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import mlflow
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "benchmarks" / "course"
BIN = Path(sys.executable).parent
# Would make a child write to another store than its own, or compile every import each time.
NOT_INHERITED = {
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_RUN_ID",
    "PYTHONDONTWRITEBYTECODE",
}
# What `mlflow run` is given besides data; "same" asks for what the course's scripts do.
VARIANTS = {
    "same": ["features=zoomcamp", "models=random_forest", "tune=all", "max_evals=15", "seed=42"],
    "default": [],
    "lightgbm": ["models=lightgbm", "max_evals=25"],
}


@dataclass
class Result:
    """Seconds of each step, of the whole (`total`), and the winner's RMSE in minutes."""

    seconds: dict[str, float] = field(default_factory=dict)
    val_rmse: float = float("nan")
    test_rmse: float = float("nan")


def timed(command: Sequence[str | Path], folder: Path) -> float:
    """Run a command in a folder, tracking to its store; return wall-clock seconds."""
    env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    env["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    env["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
    env["PATH"] = f"{BIN}{os.pathsep}{env['PATH']}"
    log = folder / "log.txt"
    with log.open("wb") as file:
        start = time.perf_counter()
        code = subprocess.run(
            command, cwd=folder, env=env, stdout=file, stderr=subprocess.STDOUT
        ).returncode
        seconds = time.perf_counter() - start
    if code:
        tail = log.read_text(errors="replace")[-3000:]
        sys.exit(f"{tail}\nexit code {code}: {' '.join(map(str, command))}")
    return seconds


def store(folder: Path) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")


def initialise(folder: Path) -> None:
    """Create the store's tables in a process of its own, outside of what is timed."""
    timed([sys.executable, "-c", "import mlflow; mlflow.search_experiments()"], folder)


def run_course(data: Path, folder: Path) -> Result:
    initialise(folder)
    scripts = {
        "preprocess": ["preprocess_data.py", "--raw_data_path", data, "--dest_path", "output"],
        "train": ["train.py"],
        "hpo": ["hpo.py"],
        "register": ["register_model.py"],
    }
    seconds = {
        step: timed([sys.executable, COURSE / script, *options], folder)
        for step, (script, *options) in scripts.items()
    }
    seconds["total"] = sum(seconds.values())
    client = store(folder)
    (version,) = client.search_model_versions()
    metrics = client.get_run(version.run_id).data.metrics
    return Result(seconds, metrics["val_rmse"], metrics["test_rmse"])


def run_workflow(variant: str, data: Path, env_manager: str, folder: Path) -> Result:
    initialise(folder)
    params = [part for value in VARIANTS[variant] for part in ("-P", value)]
    command = [BIN / "mlflow", "run", ROOT, "-P", f"data={data}", *params]
    total = timed([*command, "--env-manager", env_manager], folder)
    client = store(folder)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(ids, order_by=["attributes.start_time ASC"])
    (main,) = (run for run in runs if MLFLOW_PARENT_RUN_ID not in run.data.tags)
    seconds: dict[str, float] = defaultdict(float)
    for run in runs:
        if run.data.tags.get(MLFLOW_PARENT_RUN_ID) == main.info.run_id:
            seconds[run.info.run_name] += (run.info.end_time - run.info.start_time) / 1000
    # What no step accounts for: mlflow's own start, the main program between the steps.
    seconds["between"] = total - sum(seconds.values())
    seconds["total"] = total
    metrics = main.data.metrics
    return Result(dict(seconds), metrics["val_rmse"], metrics["test_rmse"])


def report(results: dict[str, list[Result]]) -> None:
    print("\n| side | step | median s | fastest | slowest |\n|---|---|--:|--:|--:|")
    totals = {}
    for side, repeats in results.items():
        for step in repeats[0].seconds:
            values = [result.seconds[step] for result in repeats]
            figures = " | ".join(f"{f(values):.1f}" for f in (median, min, max))
            print(f"| {side} | {step} | {figures} |")
        totals[side] = median(result.seconds["total"] for result in repeats)
    print("\n| side | total s | of the course | times as fast | val_rmse | test_rmse |")
    print("|---|--:|--:|--:|--:|--:|")
    for side, total in totals.items():
        ratio = total / totals["course"]
        last = results[side][-1]
        print(
            f"| {side} | {total:.1f} | {ratio:.3f} | {1 / ratio:.2f} "
            f"| {last.val_rmse:.6f} | {last.test_rmse:.6f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/green_taxi")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--warm-up", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--env-manager", choices=["local", "uv"], default="local")
    parser.add_argument(
        "--workflow-args",
        nargs="*",
        choices=list(VARIANTS),
        default=["same"],
        help="which `mlflow run` to time; none: the course alone",
    )
    args = parser.parse_args()
    data = args.data.resolve(strict=True)
    sides = {"course": lambda folder: run_course(data, folder)}
    for variant in args.workflow_args:
        sides[f"workflow {variant}"] = lambda folder, variant=variant: run_workflow(
            variant, data, args.env_manager, folder
        )

    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.2f}, mlflow {mlflow.__version__}", flush=True)
    results: dict[str, list[Result]] = defaultdict(list)
    with TemporaryDirectory(prefix="course_speed_") as name:
        for repeat in range(0 if args.warm_up else 1, args.repeats + 1):
            for side, run in sides.items():
                with TemporaryDirectory(dir=name) as folder:
                    result = run(Path(folder).resolve())
                if repeat:
                    results[side].append(result)
                steps = ", ".join(f"{step} {value:.1f}" for step, value in result.seconds.items())
                print(f"{repeat}/{args.repeats} {side}: {steps}", flush=True)
    report(results)


if __name__ == "__main__":
    main()
