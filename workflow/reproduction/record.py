"""What a finished workflow has recorded of its work, in the order of the work."""

import io
from dataclasses import dataclass
from typing import Any

import pandas as pd
from mlflow.entities import Run

from sql_features.errors import WorkflowError
from workflow.data.split_rules import SPLITS
from workflow.models.metrics import TEST
from workflow.reproduction import model_files
from workflow.tracking import artifacts, model_loading, names, runs
from workflow.tracking.logged_models import model_uri
from workflow.tracking.workflow_runs import WorkflowRuns

# Metrics and columns that another run of the same work need not repeat: times, sizes that count the
# digits of addresses, ids.
OF_THE_MOMENT = (names.FIT_SECONDS, names.MODEL_BYTES, "run_id")
DATASET = "dataset"  # among the files: the definition in a dataset file
RAW = f"{names.RAW_DIGEST_TAG}."


@dataclass(frozen=True, kw_only=True)
class Record:
    """All of a workflow's work that a repetition must give again.

    Attributes:
        files: What was known of the dataset file and of each raw file, by its address: a digest or
            a version.
        data: Digest of the raw files by split, or of those of one table; of the dataset file.
        code: Digest by path of the project's files that can change a result.
        environment: Version by package; of Python, and the platform.
        splits: Digest of the rows by split.
        models: Hyperparameters and metrics of train's families and hpo's trials, by step and name,
            in the order of the work. What register has added to them is in `leaderboard`.
        leaderboard: The finalists and the baseline, with their scores, the winner first.
        predictions: The winner's on the test split, row by row.
        model: What counts of its files, by path: see `model_files.contents`.
    """

    files: dict[str, str]
    data: dict[str, str]
    code: dict[str, str]
    environment: dict[str, str]
    splits: dict[str, str]
    models: dict[str, dict[str, Any]]
    leaderboard: pd.DataFrame
    predictions: pd.DataFrame
    model: dict[str, str]


def read(workflow: WorkflowRuns) -> Record:
    """Return what a workflow has recorded, from the tracking store of this moment.

    Raises:
        WorkflowError: An artifact or the model is gone.
    """
    ingredients = [workflow.json(step, names.RECORD)["ingredients"] for step in workflow.steps]
    tags, files = workflow.of("preprocess").data.tags, ingredients[0]["inputs"]
    register = workflow.of("register")
    predictions = artifacts.predictions_on_test(register)
    if predictions is None:
        raise workflow.lacks("register", names.PREDICTIONS)
    winner = runs.get(register.data.tags[names.WINNER_TAG])
    if winner is None:
        raise WorkflowError(f"the run of {register.data.tags[names.MODEL_TAG]}'s model is gone.")
    return Record(
        files=files,
        data={
            **({"dataset file": files[DATASET]} if DATASET in files else {}),
            **{
                f"raw {key.removeprefix(RAW)}": tags[key]
                for key in sorted(tags)
                if key.startswith(RAW)
            },
        },
        code={path: digest for one in ingredients for path, digest in one["code"].items()},
        environment=ingredients[-1]["environment"],
        splits={split: tags[f"{names.DIGEST_TAG}.{split}"] for split in SPLITS},
        models={
            f"{step}: {run.info.run_name}": _model(run)
            for step in ("train", "hpo")
            for run in runs.children(workflow.of(step))
        },
        leaderboard=_leaderboard(workflow),
        predictions=predictions,
        model=model_files.contents(model_loading.download(model_uri(winner)).folder),
    )


def trial_count(workflow: WorkflowRuns) -> int:
    """Return how many trials a workflow's search has started."""
    return len(runs.children(workflow.of("hpo")))


def _model(run: Run) -> dict[str, Any]:
    """Return the family, hyperparameters and metrics of a model's run, those on test apart."""
    metrics = {
        name: value
        for name, value in run.data.metrics.items()
        if name not in OF_THE_MOMENT and not name.startswith(TEST)
    }
    return {"status": run.info.status, **dict(sorted({**run.data.params, **metrics}.items()))}


def _leaderboard(workflow: WorkflowRuns) -> pd.DataFrame:
    """Return the leaderboard as texts, in which no digit of a score is lost."""
    text = io.StringIO(workflow.text("register", names.LEADERBOARD))
    return pd.read_csv(text, dtype=str).drop(columns=list(OF_THE_MOMENT), errors="ignore")
