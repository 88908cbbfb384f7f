"""Compare the workflow's test RMSE, with nothing given but data and target, with FLAML's AutoML.

    python benchmarks/flaml_quality.py --rounds 3

FLAML gets the rows and columns of the workflow's own splits, where row numbers and what gives the
target away are left out, and as many cores, in an environment of its own; it is timed without the
making of that. It gets them in two ways: train to fit and validation to choose by, and both as one
to divide as it likes; either way it ends with a fit on both.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd

FLAML = ("flaml[automl]==2.7.0", "pyarrow", "xgboost==2.1.4")  # catboost is no part of `automl`
WAYS = ("with validation", "as one")  # that FLAML gets train and validation
SEED = 42  # of the first round, the workflow's default; the next ones count up


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of shared/data.

    Attributes:
        target: The column to predict.
        dates: How the text of a column is to be read. The workflow finds out, FLAML must be told.
    """

    file: str
    target: str
    dates: tuple[tuple[str, str], ...] = ()


TABLES = {
    "houses": Table(file="california_housing.csv", target="Price"),
    "bikes": Table(
        file="bike_sharing_hourly.csv",
        target="cnt",
        dates=(("dteday", "%m/%d/%y"),),
    ),
}


@dataclass
class Result:
    """Test RMSE of one side, in the unit of the target, its wall-clock seconds, and what won."""

    rmse: float
    seconds: float
    won: str


def run_workflow(table: Table, data: Path, seed: int, folder: Path) -> Result:
    """Start the workflow, and leave its splits in `folder`/splits."""
    # FLAML's environment, in which this file is run as well, has no MLflow.
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    import mlflow
    from course_speed import BIN, ROOT, initialise, store, timed
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

    initialise(folder)
    options = {"data": data / table.file, "target": table.target, "seed": seed}
    params = [part for name, value in options.items() for part in ("-P", f"{name}={value}")]
    seconds = timed([BIN / "mlflow", "run", ROOT, "--env-manager", "local", *params], folder)
    client = store(folder)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(ids)
    (main,) = (run for run in runs if MLFLOW_PARENT_RUN_ID not in run.data.tags)
    (split,) = (run for run in runs if run.info.run_name == "preprocess")
    mlflow.artifacts.download_artifacts(
        run_id=split.info.run_id,
        artifact_path="splits",
        dst_path=str(folder),
        tracking_uri=f"sqlite:///{folder}/mlflow.db",
    )
    (version,) = client.search_model_versions()
    won = client.get_run(version.run_id).info.run_name
    return Result(main.data.metrics["test_rmse"], seconds, won)


def run_flaml(table: Table, way: str, seed: int, seconds: int, python: str, folder: Path) -> Result:
    """Start this file in FLAML's environment, on the splits in `folder`."""
    command = [python]
    if not python:
        packages = (*FLAML, f"pandas=={pd.__version__}")
        uv = ["uv", "run", "--quiet", "--isolated", "--no-project", "--python", sys.executable]
        command = [*uv, *(part for package in packages for part in ("--with", package)), "python"]
    given = {"table": table.target, "way": way, "seed": seed, "seconds": seconds}
    done = subprocess.run(
        [*command, "-W", "ignore", Path(__file__).resolve(), "--flaml", json.dumps(given)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stderr[-3000:]}\nexit code {done.returncode} of FLAML")
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def fit_flaml(table: Table, way: str, seed: int, seconds: int) -> Result:
    """Fit FLAML on the splits in the working directory; runs in FLAML's environment."""
    from flaml import AutoML

    x, y = {}, {}
    for split in ("train", "validation", "test"):
        frame = pd.read_parquet(f"splits/{split}.parquet")
        y[split] = frame.pop("target")
        x[split] = frame.drop(columns=[table.target, "split position"], errors="ignore")
        for name, written in table.dates:
            x[split][name] = pd.to_datetime(x[split][name], format=written)
    rows = {"X_train": x["train"], "y_train": y["train"]}
    if way == "with validation":
        rows |= {"X_val": x["validation"], "y_val": y["validation"]}
    else:
        both = ("train", "validation")
        rows = {
            "X_train": pd.concat([x[split] for split in both], ignore_index=True),
            "y_train": pd.concat([y[split] for split in both], ignore_index=True),
        }
    automl = AutoML()
    start = time.perf_counter()
    automl.fit(**rows, task="regression", metric="rmse", time_budget=seconds, seed=seed, verbose=0)
    taken = time.perf_counter() - start
    wrong = automl.predict(x["test"]) - y["test"]
    return Result(float((wrong**2).mean() ** 0.5), taken, automl.best_estimator)


def report(results: dict[tuple[str, str], list[Result]]) -> None:
    """Print the medians over the rounds; `ratio` is the workflow's RMSE to FLAML's."""
    print("\n| data | side | test RMSE | ratio | seconds | won |\n|---|---|--:|--:|--:|---|")
    for (name, side), rounds in results.items():
        rmse = median(result.rmse for result in rounds)
        ours = median(result.rmse for result in results[name, "workflow"])
        ratio = "" if side == "workflow" else f"{ours / rmse:.3f}"
        seconds = median(result.seconds for result in rounds)
        won = ", ".join(sorted({result.won for result in rounds}))
        print(f"| {name} | {side} | {rmse:,.2f} | {ratio} | {seconds:.0f} | {won} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    shared = Path(__file__).resolve().parents[2] / "shared/data"
    parser.add_argument("--data", type=Path, default=shared, help="the folder of the two CSV files")
    parser.add_argument("--tables", nargs="*", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--rounds", type=int, default=1, help="each with another seed")
    parser.add_argument("--seconds", type=int, default=60, help="FLAML's time budget")
    parser.add_argument("--flaml-python", default="", help="of an environment; uv makes one else")
    parser.add_argument("--flaml", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.flaml:
        given = json.loads(args.flaml)
        target = given.pop("table")
        (table,) = (one for one in TABLES.values() if one.target == target)
        print(json.dumps(vars(fit_flaml(table, **given))))
        return
    data = args.data.resolve(strict=True)
    results: dict[tuple[str, str], list[Result]] = {}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}", flush=True)
    with TemporaryDirectory(prefix="flaml_quality_") as temporary:
        for number in range(args.rounds):
            seed = SEED + number
            for name in args.tables:
                folder = Path(temporary).resolve() / f"{name}-{seed}"
                folder.mkdir()
                table = TABLES[name]
                sides = {"workflow": lambda t=table, s=seed, f=folder: run_workflow(t, data, s, f)}
                for way in WAYS:
                    sides[f"FLAML, {way}"] = lambda t=table, w=way, s=seed, f=folder: run_flaml(
                        t, w, s, args.seconds, args.flaml_python, f
                    )
                for side, run in sides.items():
                    result = run()
                    results.setdefault((name, side), []).append(result)
                    shown = f"{result.rmse:,.2f} in {result.seconds:.0f} s ({result.won})"
                    print(f"{number + 1}/{args.rounds} {name}, {side}: {shown}", flush=True)
    report(results)


if __name__ == "__main__":
    main()
