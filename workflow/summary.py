"""What the workflow says in the end: what was compared, what won, and what to do with it."""

import io

import mlflow
import pandas as pd
from mlflow.entities import Run

from workflow import checks, reuse, runs
from workflow.dataset import Dataset

SHOWN = 5  # warnings; the summary fits a screen


def show(
    workflow: Run,
    dataset: Dataset,
    metric: str,
    preprocess: Run,
    compared: list[Run],
    register: Run,
    told: dict[str, str],
) -> None:
    """Print the summary.

    Args:
        workflow: The workflow's own run.
        dataset: What it was about.
        metric: What models were judged by.
        preprocess: The preprocess run, whose checks may warn.
        compared: The train and hpo runs.
        register: The register run, finished.
        told: By step, what it was reused from, or why it was run.
    """
    val, test = f"val_{metric}", f"test_{metric}"
    text = mlflow.artifacts.load_text(f"runs:/{register.info.run_id}/leaderboard.csv")
    finalists = pd.read_csv(io.StringIO(text))
    known = set(finalists["run"])
    rest = [
        {
            "run": run.info.run_name,
            "family": run.data.tags[runs.FAMILY_TAG],
            **runs.chosen_features(run),
            val: run.data.metrics[val],
            "fit_seconds": run.data.metrics["fit_seconds"],
        }
        for run in runs.candidates([run.info.run_id for run in compared])
        if run.info.run_name not in known
    ]
    # The baseline stands last in both.
    table = pd.concat([finalists.iloc[:-1], pd.DataFrame(rest), finalists.iloc[-1:]])
    print()
    print(dataset.description or dataset.name)
    wide = max(12, len(test) + 2)
    texts = [name for name in ("run", "family", runs.FEATURES) if name in table]
    heads = "".join(f"{name:<20}" for name in texts)
    print(f"  {heads}{val:>{wide}}{test:>{wide}}{'fit s':>9}")
    table[texts] = table[texts].fillna("-")
    for number, row in enumerate(table.to_dict("records")):
        names = "".join(f"{row[name]:<20}" for name in texts)
        scores = "".join(f"{_number(row[key], '.6g'):>{wide}}" for key in (val, test))
        mark = "*" if number == 0 else " "
        print(f"{mark} {names}{scores}{_number(row['fit_seconds'], '.1f'):>9}")
    print("\n".join(["", *_warnings(preprocess), *_steps(told), *_next(workflow, register)]))


def _warnings(preprocess: Run) -> list[str]:
    text = mlflow.artifacts.load_text(f"runs:/{preprocess.info.run_id}/{runs.CHECKS}")
    found = checks.warnings(pd.read_csv(io.StringIO(text)))
    lines = [f"! {line}" for line in found[:SHOWN]]
    if more := found[SHOWN:]:
        lines.append(f"! and {len(more)} more, in {runs.CHECKS} of the preprocess run")
    return [*lines, ""] if lines else []


def _steps(told: dict[str, str]) -> list[str]:
    """Return what became of each step, unless it was the first time for all of them."""
    if all(line.endswith(reuse.FIRST) for line in told.values()):
        return []
    return [*(f"  {step:<11} {line}" for step, line in told.items()), ""]


def _number(value: float, form: str) -> str:
    return "-" if pd.isna(value) else format(value, form)


def _next(workflow: Run, register: Run) -> list[str]:
    name = register.data.tags[runs.MODEL_TAG]
    version = register.data.tags[runs.VERSION_TAG]
    uri, store = f"models:/{name}@champion", mlflow.get_tracking_uri()
    info = workflow.info
    page = f"#/experiments/{info.experiment_id}/runs/{info.run_id}"
    if store.startswith("http"):
        look = [f"  {store}/{page}"]
    else:
        look = [f"  mlflow server --backend-store-uri {store}", f"  http://127.0.0.1:5000/{page}"]
    return [
        f"Registered {name} version {version}, @champion. It takes raw rows:",
        "",
        f"  export MLFLOW_TRACKING_URI={store}",
        f"  mlflow models serve -m {uri} --env-manager uv --port 5001",
        f"  mlflow models predict -m {uri} --env-manager uv -i rows.csv -t csv",
        *look,
    ]
