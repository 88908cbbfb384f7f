"""Finished workflows that were never run, for tests of what is shown of them."""

from typing import Any

import pandas as pd
from mlflow.entities import Metric as RunMetric
from mlflow.entities import Param as RunParam
from mlflow.entities import Run, RunData, RunInfo, RunTag

from workflow.data.dataset import Dataset
from workflow.data.split_rules import ByHash
from workflow.models import metrics
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.report.leaderboard import Leaderboard
from workflow.report.prepared_data import PreparedData
from workflow.report.registered_model import RegisteredModel
from workflow.reproduction import recipe
from workflow.tracking.workflow_runs import STEPS, Step, WorkflowRuns

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS = {
    split: {"read": 1_200, "kept": kept, "dropped": {"target missing": 1_200 - kept}}
    for split, kept in (("train", 1_100), ("validation", 1_150), ("test", 1_200))
}

BEATS_BASELINE = {
    "baseline_p_value": 0.0021, "baseline_improvement": 0.33, "baseline_improvement_at_least": 0.123
}  # fmt: skip


def run(
    name: str,
    seconds: float = 1.0,
    params: dict[str, str] | None = None,
    metrics: dict[str, float] | None = None,
    **tags: str,
) -> Run:
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
            metrics=[RunMetric(*one, 0, 0) for one in (metrics or {}).items()],
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


def finished(
    *,
    task: str = "regression",
    metric: str = "auto",
    models: int = 7,
    warnings: tuple[str, ...] = (),
    notes: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
    reused: tuple[str, ...] = (),
    tags: dict[str, str] | None = None,
    name: str = "x",
    label: str = "yes",
    scores: dict[str, float] | None = None,
    **definition: Any,
) -> FinishedWorkflow:
    """Return a finished workflow.

    Args:
        task: The dataset's.
        metric: What models were judged by.
        models: How many were compared.
        warnings: Of the checks.
        notes: Of the checks, by column.
        params: Of the workflow.
        reused: Steps that were not run again.
        tags: More of the workflow's run; None for one that it does not have.
        name: Of a column, a feature, a hyperparameter's value and a reason.
        label: A class.
        scores: Those of the registered model that are not as `leaderboard` has them.
        definition: More of the dataset's.
    """
    runs = workflow_runs(name, reused, params, tags)
    judged = metrics.resolve(metric, task)
    board = leaderboard(task, models)
    for key, score in (scores or {}).items():
        board.loc[0, key] = score
    given = {
        "name": "houses", "description": "Houses.", "task": task, "data": "houses.csv",
        "split": ByHash(), "target": "price", "features": {"x": "x"},
    }  # fmt: skip
    return FinishedWorkflow(
        runs=runs,
        dataset=Dataset(**given | definition),
        data=PreparedData(
            rows=ROWS,
            columns=[column(name), column("y", "target")],
            notes=notes or {},
            warnings=list(warnings),
            digests={split: split[0] * 32 for split in ROWS},
            raw_digests={"table": "r" * 32},
        ),
        leaderboard=Leaderboard(board, judged),
        trials=pd.DataFrame(
            {
                "trial": [0, 1, 2], "run": ["trial-000", "trial-001", "trial-002"],
                "family": ["lightgbm", "lightgbm", "linear"], "leaves": [3, 8, None],
                "how": [name, "b", None], judged.name: [0.7, 0.5, 0.9], "fit_seconds": 1.0,
                "run_id": "i",
            }
        ),
        hyperparameter_importance=pd.DataFrame(
            {"family": "lightgbm", "hyperparameter": ["leaves", "how"], "importance": [0.7, 0.3]}
        ),
        model=RegisteredModel(
            "houses",
            "3",
            run("trial-000", 1.0, {"leaves": "3", "how": name}, workflow__validation="cv:5"),
            regression(name) if task == "regression" else classes(name, label),
        ),
        reproduction=recipe.read(runs),
    )  # fmt: skip


def workflow_runs(
    name: str = "x",
    reused: tuple[str, ...] = (),
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> WorkflowRuns:
    """Return the runs of a finished workflow; see `finished`."""
    source = {
        "mlflow.source.name": "https://host/org/project",
        "mlflow.source.git.repoURL": "https://host/org/project",
        "mlflow.source.git.commit": COMMIT,
        "workflow.step": "main",
        "workflow.version": "1.2.3",
    } | (tags or {})
    source = {key: text for key, text in source.items() if text is not None}
    steps = {}
    for place, step in enumerate(STEPS):
        its = {"workflow.result": f"{step} has come out: {name}", "workflow.reason": "the first"}
        its |= {"workflow.family": "lightgbm"} if step == "train" else {}
        metrics = BEATS_BASELINE if step == "register" else {}
        worker = run(f"{step}-run", place + 1.0, {"models": "linear,lightgbm"}, metrics, **its)
        shown = run(f"{step}-shown", place + 1.0) if step in reused else worker
        steps[step] = Step(shown, worker)
    return WorkflowRuns(run("main", 60.0, {"metric": "auto", **(params or {})}, **source), steps)


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
