"""How often the gate of `register` lets noise pass, and a weak signal: on predictions, and whole.

Every table is made anew. On predictions: features and target are drawn, a family is fitted with its
defaults on train, and compared with the baseline on the test rows, as `register` does. Whole:
`mlflow run` on a CSV, with nothing but `data`, `target` and the families given.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from workflow.data.row_clusters import RowClusters  # noqa: E402
from workflow.evaluation.comparison import compare_with_baseline  # noqa: E402
from workflow.models.families import FAMILIES  # noqa: E402
from workflow.models.metrics import METRICS  # noqa: E402

FEATURES, LEVEL = 6, 0.01
TEST_ROWS = (60, 300, 1_500)
METRICS_OF = {
    "regression": ("rmse", "mae"),
    "binary": ("log_loss", "roc_auc", "f1"),
    "multiclass": ("log_loss", "roc_auc", "f1"),
}


def table(task: str, rows: int, r2: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return features and a target, of whose variance a linear function of them is this share."""
    x = rng.normal(size=(rows, FEATURES))
    signal = x @ (np.sqrt(r2 / FEATURES) * np.ones(FEATURES))
    latent = signal + np.sqrt(1 - r2) * rng.normal(size=rows)
    frame = pd.DataFrame(x, columns=[f"x{place}" for place in range(FEATURES)])
    if task == "regression":
        return frame.assign(y=latent)
    cuts = [0.5] if task == "binary" else [-0.4, 0.6]
    return frame.assign(y=np.array(["a", "b", "c"])[np.searchsorted(cuts, latent)])


def predictions(
    task: str, family: str, train: pd.DataFrame, test: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the targets of the test rows, what the family and what the baseline predict."""
    x, new = train.drop(columns="y").to_numpy(), test.drop(columns="y").to_numpy()
    if task == "regression":
        model = LinearRegression() if family == "linear" else LGBMRegressor(**_defaults(task))
        predicted = model.fit(x, train["y"]).predict(new)
        return test["y"].to_numpy(), predicted, np.full(len(test), train["y"].mean())
    labels, codes = np.unique(train["y"], return_inverse=True)
    model = LogisticRegression() if family == "linear" else LGBMClassifier(**_defaults(task))
    shares = np.bincount(codes) / len(codes)
    predicted = model.fit(x, codes).predict_proba(new)
    return np.searchsorted(labels, test["y"]), predicted, np.tile(shares, (len(test), 1))


def _defaults(task: str) -> dict[str, object]:
    defaults = FAMILIES["lightgbm"].of(task).defaults
    return {**defaults, "n_jobs": 1, "verbose": -1}


def share_that_passes(
    task: str, metric: str, family: str, rows: int, r2: float, tables: int
) -> float:
    """Return the share of tables of so many test rows, and 4 times as many for train, that pass."""
    passed = 0
    for seed in range(tables):
        rng = np.random.default_rng([seed, rows])
        made = table(task, 5 * rows, r2, rng)
        y, predicted, baseline = predictions(task, family, made[rows:], made[:rows])
        found = compare_with_baseline(
            METRICS[task][metric],
            (y, predicted),
            (y, baseline),
            clusters=RowClusters(np.arange(rows), "rows"),
            seed=seed,
        )
        passed += found.improvement.lower_bound(LEVEL) > 0
    return passed / tables


def on_predictions(tables: int) -> Iterator[dict[str, object]]:
    """Yield a row for each task, metric and family: the shares that pass, by test rows."""
    for task, metrics in METRICS_OF.items():
        for metric in metrics:
            for family in ("linear", "lightgbm"):
                count = tables if family == "linear" else max(tables // 5, 20)
                shares = {
                    f"{kind}, {rows:,}": share_that_passes(task, metric, family, rows, r2, count)
                    for kind, r2 in (("noise", 0.0), ("R2 0.05", 0.05))
                    for rows in TEST_ROWS
                }
                named = {"task": task, "metric": metric, "family": family, "tables": count}
                yield named | {name: f"{100 * share:.1f} %" for name, share in shares.items()}


def whole(tables: int, rows: int, r2: float, families: str, evals: int) -> Iterator[str]:
    """Run the workflow on tables, a third of each task; yield what it said of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = f"sqlite:///{folder / 'mlflow.db'}"
        for seed in range(tables):
            task = list(METRICS_OF)[seed % 3]
            path = folder / f"table_{seed}.csv"
            made = table(task, rows, r2, np.random.default_rng([seed, rows, 1]))
            made.to_csv(path, index=False)
            given = {"data": path, "target": "y", "models": families, "max_evals": evals}
            words = [word for key, value in given.items() for word in ("-P", f"{key}={value}")]
            start = time.monotonic()
            done = subprocess.run(
                ["mlflow", "run", str(PROJECT), "--env-manager", "local", *words],
                cwd=folder, capture_output=True, text=True,
                env=os.environ | {"MLFLOW_TRACKING_URI": store},
            )  # fmt: skip
            refusals = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            came_out = [line for line in done.stdout.splitlines() if line.startswith("[register]")]
            said = refusals[-1] if refusals else came_out[-1]
            verdict = "refused" if refusals else "registered"
            yield f"{verdict:10} {task:10} {time.monotonic() - start:4.0f} s  {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=400, help="on predictions; lightgbm: a 5th")
    parser.add_argument("--whole", type=int, default=0, help="workflows of noise, and of signal")
    parser.add_argument("--noise-rows", type=int, default=1_500)
    parser.add_argument("--signal-rows", type=int, default=20_000)
    parser.add_argument("--models", default="linear,lightgbm")
    parser.add_argument("--max-evals", type=int, default=2)
    given = parser.parse_args()
    if given.tables:
        shown = pd.DataFrame(on_predictions(given.tables))
        print(shown.to_string(index=False), flush=True)
    for rows, r2 in ((given.noise_rows, 0.0), (given.signal_rows, 0.05)):
        if given.whole:
            print(f"{given.whole} tables of {rows:,} rows, R2 {r2}", flush=True)
        for line in whole(given.whole, rows, r2, given.models, given.max_evals):
            print(line, flush=True)


if __name__ == "__main__":
    main()
