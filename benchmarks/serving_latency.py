"""CPU milliseconds of predicting one row: the SQL stage, and what is around it.

    python benchmarks/serving_latency.py

A table of 10 columns and one of 2,000, each a feature as it is. Beside the model stands the bare
scikit-learn pipeline of the same encoding and estimator, given the features. CPU time, since what a
machine does besides is no part of a prediction; of `mlflow models serve` the wall time, with and
without the model: the difference between a prediction and /ping.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from sql_features.expressions import quote  # noqa: E402
from sql_features.transformer import SqlFeatures  # noqa: E402
from sql_features.value_pipeline import ValuePipeline  # noqa: E402
from workflow.data.readers import MISSING  # noqa: E402
from workflow.models import encoding  # noqa: E402
from workflow.models.families import FAMILIES  # noqa: E402
from workflow.tracking import logged_models  # noqa: E402

ROWS = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--family", default="lightgbm", choices=list(FAMILIES))
    args = parser.parse_args()
    print("| | " + " | ".join(("10 columns", "2,000 columns")) + " |\n|---|--:|--:|")
    with TemporaryDirectory() as name:
        mlflow.set_tracking_uri(f"sqlite:///{name}/mlflow.db")
        mlflow.create_experiment("benchmark", artifact_location=f"{name}/artifacts")
        mlflow.set_experiment("benchmark")
        figures = [measured(width, args.family, args.repeats) for width in (10, 2_000)]
    for what in figures[0]:
        cells = [f"{one[what]:.2f}" if what in one else "" for one in figures]
        print(f"| {what} | {' | '.join(cells)} |")


def measured(width: int, family: str, repeats: int) -> dict[str, float]:
    """Return milliseconds by what they are spent on."""
    raw, target = table(width)
    pipeline = fitted(raw, target, family)
    row, bare = raw.head(1), Pipeline(pipeline.steps[1:])
    of_csv = clone(pipeline[0]).set_params(missing=list(MISSING)).fit(raw)
    of_csv.transform(row)
    features = pipeline[0].transform(row)
    with mlflow.start_run() as run:
        logged_models.log(pipeline, raw.head(5), FAMILIES[family], run.info.run_id)
    uri = logged_models.model_uri(mlflow.get_run(run.info.run_id))
    model = mlflow.pyfunc.load_model(uri)
    start = time.process_time()
    model.get_raw_model()[0].transform(row.assign(c1=1))  # of a type that has no plan yet
    first = time.process_time() - start
    calls = {
        "bare scikit-learn pipeline": lambda: bare.predict(features),
        "the model": lambda: pipeline.predict(row),
        "its SQL stage": lambda: pipeline[0].transform(row),
        "its SQL stage, trained on a CSV file": lambda: of_csv.transform(row),
        "the model by pyfunc": lambda: model.predict(row),
    }
    # In turns, so that a machine that slows down slows all.
    spent: dict[str, list[float]] = {what: [] for what in calls}
    for _ in range(repeats):
        for what, call in calls.items():
            spent[what].append(milliseconds(call))
    found = {what: median(times) for what, times in spent.items()}
    found["the model / bare"] = found["the model"] / found["bare scikit-learn pipeline"]
    found["the SQL stage's first row in a thread"] = first * 1_000
    if width == 10:
        found |= served(uri, row, repeats)
    return found


def table(width: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows with numbers and, in three of ten columns, texts; and targets."""
    rng = np.random.default_rng(0)
    columns = {
        f"c{n}": rng.choice(["red", "green", "blue"], ROWS) if n % 10 in (3, 6, 9)
        else rng.normal(size=ROWS)
        for n in range(width)
    }  # fmt: skip
    raw = pd.DataFrame(columns)
    return raw, np.asarray(raw["c1"] * 2 + (raw["c3"] == "red") + rng.normal(size=ROWS))


def fitted(raw: pd.DataFrame, target: np.ndarray, name: str) -> ValuePipeline:
    """Return the pipeline of a family with few trees, fitted."""
    types = {c: "DOUBLE" if raw[c].dtype == "float64" else "VARCHAR" for c in raw}
    sql = SqlFeatures({c: quote(c) for c in raw}, types, []).fit(raw)
    family, x = FAMILIES[name], sql.transform(raw)
    categories = dict.fromkeys((c for c in raw if types[c] == "VARCHAR"), 3)
    encoder = encoding.build(family.encoding, sql.kinds_, categories, 0, rows=ROWS, classes=False)
    estimator = family.estimator("regression", 0)
    estimator.fit(encoder.fit_transform(x, target), target)
    return ValuePipeline([("features", sql), ("encode", encoder), ("estimator", estimator)])


def milliseconds(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1_000


def served(uri: str, row: pd.DataFrame, repeats: int) -> dict[str, float]:
    """Return the wall milliseconds of one row, and of no work, at `mlflow models serve`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["mlflow", "models", "serve", "-m", uri, "--env-manager", "local", "-p", str(port)]
    env = {**os.environ, "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()}
    server = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path.home()
    )
    address, record = f"http://127.0.0.1:{port}", json.loads(row.to_json(orient="records"))
    body = json.dumps({"dataframe_records": record}).encode()
    predict = urllib.request.Request(
        f"{address}/invocations", body, {"Content-Type": "application/json"}
    )
    asked: dict[str, str | urllib.request.Request] = {
        "served, one row, wall": predict,
        "served, /ping, wall": f"{address}/ping",
    }
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/ping").read()
                break
            except OSError:
                time.sleep(0.3)
        found = {}
        for what, request in asked.items():
            times = []
            for _ in range(repeats):
                start = time.perf_counter()
                urllib.request.urlopen(request).read()
                times.append(time.perf_counter() - start)
            found[what] = median(times) * 1_000
        return found
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
