"""Stories of workflows that were never run, for what is said of them."""

from typing import Any

import pandas as pd
from mlflow.entities import Param as RunParam
from mlflow.entities import Run, RunData, RunInfo, RunTag

from workflow.data.dataset import Dataset
from workflow.data.split_rules import ByHash
from workflow.report.finished_workflow import FinishedWorkflow, Step
from workflow.tracking import names

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS = {
    split: {"read": 1_200, "kept": kept, "dropped": {"target missing": 1_200 - kept}}
    for split, kept in (("train", 1_100), ("validation", 1_150), ("test", 1_200))
}


def run(name: str, seconds: float = 1.0, params: dict[str, str] | None = None, **tags: str) -> Run:
    """Return a finished run; its id is its name."""
    info = RunInfo(
        run_id=name, experiment_id="0", user_id="me", status="FINISHED", start_time=0,
        end_time=int(1000 * seconds), lifecycle_stage="active", run_name=name,
        artifact_uri=f"/store/{name}/artifacts",
    )  # fmt: skip
    named = {key.replace("__", "."): text for key, text in tags.items()}
    return Run(
        info,
        RunData(
            params=[RunParam(*one) for one in (params or {}).items()],
            tags=[RunTag(*one) for one in named.items()],
        ),
    )


def leaderboard(task: str, models: int) -> pd.DataFrame:
    names = (
        ("rmse", "mae", "mape", "r2")
        if task == "regression"
        else ("log_loss", "accuracy", "balanced_accuracy", "f1", "roc_auc")
    )
    rows = [
        {
            "run": f"trial-{place:03d}", "family": "lightgbm", "fit_seconds": 1.5,
            "model_bytes": 1e6, "run_id": f"id-{place}",
            **{f"val_{name}": 0.5 + place / 100 for name in names},
            **({f"test_{name}": 0.6 + place / 100 for name in names} if place < 5 else {}),
        }
        for place in range(models)
    ]  # fmt: skip
    rows.append(
        {"run": "baseline", "family": "baseline"}
        | {f"{split}_{name}": 0.9 for split in ("val", "test") for name in names}
    )
    return pd.DataFrame(rows)


def story(
    *,
    task: str = "regression",
    models: int = 7,
    warnings: tuple[str, ...] = (),
    params: dict[str, str] | None = None,
    reused: tuple[str, ...] = (),
    tags: dict[str, str] | None = None,
    name: str = "x",
    label: str = "yes",
    **about: Any,
) -> FinishedWorkflow:
    """Return a workflow's story.

    Args:
        task: The dataset's.
        models: How many were compared.
        warnings: Of the checks.
        params: Of the workflow.
        reused: Steps that were not run again.
        tags: More of the workflow's run.
        name: Of a column, a feature, a hyperparameter's value and a reason.
        label: A class.
        about: More of the dataset.
    """
    found = object.__new__(FinishedWorkflow)
    metric = "rmse" if task == "regression" else "log_loss"
    source = {
        "mlflow.source.name": "https://host/org/project",
        "mlflow.source.git.repoURL": "https://host/org/project",
        "mlflow.source.git.commit": COMMIT,
        "workflow.step": "main",
    } | (tags or {})
    found.run = run("main", 60.0, {"metric": "auto", **(params or {})}, **source)
    digests = {f"workflow.digest.{split}": split[0] * 32 for split in ROWS}
    more = {
        "preprocess": digests | {"workflow.raw_digest.table": "r" * 32},
        "train": {"workflow.family": "lightgbm"},
        "hpo": {},
        "register": {
            "workflow.registered_model": "houses",
            "workflow.registered_version": "3",
            "workflow.winner": "id-0",
        },
    }
    found.steps = {}
    for place, (one, its_tags) in enumerate(more.items()):
        said = {names.RESULT_TAG: f"{one} has come out: {name}", "workflow.reason": "the first"}
        worker = run(f"{one}-run", place + 1.0, {"models": "linear,lightgbm"}, **said, **its_tags)
        shown = run(f"{one}-shown", place + 1.0) if one in reused else worker
        found.steps[one] = Step(one, shown, worker)
    table = pd.DataFrame(
        {"check": "c", "split": "train", "column": name, "value": 1.0, "level": "warning",
         "message": list(warnings)}
    )  # fmt: skip
    given = {
        "name": "houses", "description": "Houses.", "task": task, "data": "houses.csv",
        "split": ByHash(), "target": "price", "features": {"x": "x"},
    }  # fmt: skip
    trials = pd.DataFrame(
        {
            "trial": [0, 1, 2], "run": ["trial-000", "trial-001", "trial-002"],
            "family": ["lightgbm", "lightgbm", "linear"], "leaves": [3, 8, None],
            "how": [name, "b", None], metric: [0.7, 0.5, 0.9], "fit_seconds": 1.0, "run_id": "i",
        }
    )  # fmt: skip
    importance = pd.DataFrame(
        {"family": ["lightgbm"] * 2, "hyperparameter": ["leaves", "how"], "importance": [0.7, 0.3]}
    )
    winner = run("trial-000", 1.0, {"leaves": "3", "how": name}, **{"workflow.validation": "cv:5"})
    for attribute, value in {
        "dataset": Dataset(**given | about),
        "metric": metric,
        "leaderboard": leaderboard(task, models),
        "rows": ROWS,
        "checks": table,
        "trials": trials,
        "hyperparameter_importance": importance,
        "profile": {"rows": {}, "columns": [column(name), column("y", "target")]},
        "winner": regression(name) if task == "regression" else classes(name, label),
        "_winner": winner,
    }.items():
        found.__dict__[attribute] = value
    return found


def column(name: str, role: str = "feature column") -> dict[str, Any]:
    """Return a column of profile.json."""
    by_split, is_target = dict.fromkeys(ROWS, 0.25), role == "target"
    return {
        "name": name, "role": role, "type": "DOUBLE", "kind": "number" if is_target else "text",
        "missing": by_split, "drift": {"validation": 0.3, "test": None},
        "drift_level": {"validation": "warning", "test": None},
        **({"edges": [0.0, 1.0, 2.0]} if is_target else {"values": [name, "other values"]}),
        "shares": {split: [0.75, 0.25] for split in ROWS},
    }  # fmt: skip


def _common(name: str, task: str) -> dict[str, Any]:
    importance = {
        "metric": "rmse", "split": "validation", "rows": 100, "fitted_on": True,
        "features": [{"feature": name, "importance": 1.0, "std": 0.1}],
    }  # fmt: skip
    worst = {"columns": ["actual", "predicted", name], "rows": [[1.5, None, name]]}
    return {"run": "trial-000", "task": task, "rows": 1_200, "importance": importance,
            "worst": worst}  # fmt: skip


def regression(name: str) -> dict[str, Any]:
    """Return a winner.json of a regression."""
    edges = [0.0, 1.0, 2.0]
    bins = {"feature": name, "bins": [name, "b"], "rows": [3, 4]}
    return _common(name, "regression") | {
        "labels": [],
        "density": {"actual": edges, "predicted": edges, "counts": [[5, 0], [1, 9]], "outside": 2},
        "residuals": {"edges": edges, "counts": [5, 6], "outside": 0, "mean": 0.1, "p10": -1.0,
                      "p50": 0.0, "p90": 1.0},
        "by_feature": [bins | {"mean": [0.1, None], "p10": [-1, None], "p90": [1, None]}],
    }  # fmt: skip


def classes(name: str, label: str) -> dict[str, Any]:
    """Return a winner.json of a classification."""
    curve = [{"label": label, "of": "class", "area": 0.8, "chance": 0.4, "x": [0.0, 0.5, 1.0],
              "y": [0.0, 0.9, 1.0]}]  # fmt: skip
    return _common(name, "binary") | {
        "labels": ["no", label],
        "confusion": {"labels": ["no", label], "counts": [[5, 1], [0, 9]]},
        "roc": curve, "precision_recall": curve, "calibration": [curve[0] | {"area": None}],
        "probability_histogram": {"edges": [0.0, 0.5, 1.0], "counts": [4, 8], "of": label},
        "by_feature": [{"feature": name, "bins": [name, "b"], "rows": [3, 4],
                        "error_rate": [0.5, None]}],
    }  # fmt: skip
