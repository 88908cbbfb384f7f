"""The finalists on the test split, and the best of validation in the model registry."""

import time
from contextlib import suppress

import click
import mlflow
import pandas as pd
from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from workflow import evaluate, models, runs, step
from workflow.errors import WorkflowError
from workflow.logged_models import as_served, load, model_of
from workflow.parameters import model_name, whole_number

ALIAS = "champion"


@click.command()
@click.option("--splits", "uri", required=True, help="runs:/<preprocess run id>/splits.")
@click.option("--candidates", required=True, help="Comma-separated ids of train and hpo runs.")
@click.option("--top_n", required=True, help="How many finalists see the test split.")
@click.option("--metric", required=True, help="'auto' or a metric of the task.")
@click.option("--register_as", required=True, help="Registered name; 'auto' is the dataset's.")
def register(uri: str, candidates: str, top_n: str, metric: str, register_as: str) -> None:
    start = time.perf_counter()
    most = whole_number("top_n", top_n, at_least=1)
    splits = runs.open_splits(uri)
    task = splits.dataset.task
    judged = evaluate.resolve_metric(metric, task)
    name = model_name(register_as) or splits.dataset.name
    found = runs.candidates([one.strip() for one in candidates.split(",") if one.strip()])
    finalists = _finalists(found, task, judged)[:most]
    with step.run("register"):
        splits.log_inputs("test")
        table = _leaderboard(finalists, splits, judged)
        mlflow.log_text(table.to_csv(index=False), "leaderboard.csv")
        winner, baseline = table.iloc[0], table.iloc[-1]
        for split in ("val", "test"):
            column = f"{split}_{judged}"
            if not _better(task, judged, winner[column], baseline[column]):
                raise WorkflowError(
                    f"nothing is registered: {winner['run']} ({winner['family']}) has {column} "
                    f"{winner[column]:.6g}, no better than {baseline[column]:.6g} of the baseline, "
                    "which knows no feature. Look for features that tell more about the target."
                )
        version = _register(name, finalists[0], winner, splits)
        scores = {column: winner[column] for column in table if column.startswith(("val", "test"))}
        mlflow.log_metrics(scores)
        mlflow.set_tags(
            {
                runs.MODEL_TAG: name,
                runs.VERSION_TAG: version,
                runs.WINNER_TAG: winner["run_id"],
                runs.FAMILY_TAG: winner["family"],
            }
        )
    step.say(
        "register",
        f"{name} version {version} is @{ALIAS}: {winner['run']} ({winner['family']}), "
        f"val_{judged} {winner[f'val_{judged}']:.6g}, test_{judged} {winner[f'test_{judged}']:.6g}",
        start,
    )


def _better(task: str, metric: str, one: float, other: float) -> bool:
    return evaluate.loss(task, metric, one) < evaluate.loss(task, metric, other)


def _finalists(found: list[Run], task: str, metric: str) -> list[Run]:
    """Return the candidates, best on validation first."""
    key = f"val_{metric}"
    if lacking := [run.info.run_name for run in found if key not in run.data.metrics]:
        raise WorkflowError(f"candidates {', '.join(lacking)} have no metric {key}.")
    return sorted(found, key=lambda run: evaluate.loss(task, metric, run.data.metrics[key]))


def _leaderboard(finalists: list[Run], splits: runs.Splits, metric: str) -> pd.DataFrame:
    """Score the finalists, as they are stored, on the test split; the baseline comes last."""
    task, client = splits.dataset.task, MlflowClient()
    rows = []
    for run in finalists:
        model = load(run)
        signature = model.metadata.signature
        raw, actual = splits.read("test", signature.inputs.input_names())
        predicted = model.predict(as_served(raw, signature))
        scores = evaluate.score(task, "test", actual, predicted)
        stamp = int(time.time() * 1000)
        logged = [Metric(key, value, stamp, 0) for key, value in scores.items()]
        client.log_batch(run.info.run_id, metrics=logged)
        rows.append(_row(run, run.data.metrics | scores))
    _, y_train = splits.read("train", [])
    baseline = models.BASELINE.estimator(task, 0).fit([[0]] * len(y_train), y_train)
    scores = {}
    for prefix, split in (("val", "validation"), ("test", "test")):
        _, actual = splits.read(split, [])
        scores |= evaluate.score(task, prefix, actual, baseline.predict([[0]] * len(actual)))
    rows.append({"run": models.BASELINE.name, "family": models.BASELINE.name, **scores})
    order = ["run", "family", f"val_{metric}", f"test_{metric}"]
    table = pd.DataFrame(rows)
    return table[[*order, *(column for column in table if column not in order)]]


def _row(run: Run, metrics: dict[str, float]) -> dict[str, object]:
    shown = ("val_", "test_", "fit_seconds", "model_bytes")
    return {
        "run": run.info.run_name,
        "family": run.data.tags[runs.FAMILY_TAG],
        **{key: value for key, value in metrics.items() if key.startswith(shown)},
        "run_id": run.info.run_id,
    }


def _register(name: str, run: Run, winner: pd.Series, splits: runs.Splits) -> str:
    """Make a new version of the registered model, and the alias point to it."""
    client = MlflowClient()
    preprocess = client.get_run(splits.run_id)
    tags = {
        "run_id": run.info.run_id,
        "splits": splits.uri,
        "family": winner["family"],
        "git_commit": runs.git_commit(run),
        **{
            key.removeprefix("workflow."): value
            for key, value in preprocess.data.tags.items()
            if key.startswith((runs.DIGEST_TAG, runs.RAW_DIGEST_TAG))
        },
        **{key: f"{winner[key]:.6g}" for key in winner.index if key.startswith(("val_", "test_"))},
    }
    scores = ", ".join(f"{key} {tags[key]}" for key in tags if key.startswith(("val_", "test_")))
    with suppress(MlflowException):
        client.create_registered_model(name, description=splits.dataset.description)
    client.get_registered_model(name)  # it exists, or what kept it from being made is raised here
    version = client.create_model_version(
        name,
        source=model_of(run),
        run_id=run.info.run_id,
        model_id=model_of(run).rpartition("/")[2],
        tags=tags,
        description=f"{splits.dataset.description} {winner['family']} of run {winner['run']}; "
        f"{scores}. Takes raw rows.",
    )
    client.set_registered_model_alias(name, ALIAS, version.version)
    return str(version.version)


if __name__ == "__main__":
    step.execute(register)
