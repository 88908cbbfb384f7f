"""The model registry: what a model must score to be registered, its versions and their alias."""

from contextlib import suppress

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow import formatting
from workflow.data.dataset import Dataset
from workflow.data.row_clusters import LEAST_CLUSTERS
from workflow.data.splits import Splits
from workflow.evaluation.comparison import Comparison
from workflow.models.metrics import METRICS, TEST, VAL
from workflow.runtime.creating_requests import make_once
from workflow.tracking import model_versions, names, runs
from workflow.tracking.logged_models import model_uri

LEVEL = 0.01  # the probability with which a model that knows nothing may be registered


def check_gates(
    winner: pd.Series, baseline: pd.Series, comparison: Comparison, dataset: Dataset
) -> None:
    """Check that the winner beats the baseline and reaches the dataset's thresholds.

    Args:
        winner: Its row of the leaderboard.
        baseline: The baseline's row.
        comparison: The two on test, by the metric that the winner was chosen by; it must be better
            on validation, and by more than chance on test.
        dataset: Its thresholds hold on test.

    Raises:
        WorkflowError: It does not.
    """
    metric = comparison.metric
    model = f"nothing is registered: {winner['run']} ({winner['family']})"
    who = f"{model} has"
    for column in (metric.val_name, metric.test_name):
        if not metric.is_better(winner[column], baseline[column]):
            raise WorkflowError(
                f"{who} {column} {winner[column]:.6g}, no better than {baseline[column]:.6g} of "
                "the baseline, which knows no feature. Look for features that tell more about the "
                "target."
            )
    if comparison.improvement.lower_bound(LEVEL) <= 0:
        raise WorkflowError(f"{model} {_no_more_than_chance(comparison)}")
    for name, threshold in dataset.thresholds.items():
        gate = METRICS[dataset.task][name]
        score = winner[gate.test_name]
        if gate.is_better(threshold, score):
            raise WorkflowError(
                f"{who} {gate.test_name} {score:.6g}, worse than the threshold {threshold:.6g} in "
                f"dataset '{dataset.name}'. Look for a better model, or change `thresholds`."
            )


def _no_more_than_chance(comparison: Comparison) -> str:
    """Return why a comparison does not show that a model is better, and what would."""
    rows, clusters = f"{comparison.rows:,} rows", comparison.clusters
    if clusters.kind != "rows":
        rows += f" in {clusters.count:,} {clusters.kind}"
    p = formatting.p_value(comparison.improvement.p_value)
    few = clusters.count < LEAST_CLUSTERS
    why = (
        f"at least {LEAST_CLUSTERS} are needed"
        if few
        else f"one-sided {p}, less than {LEVEL} is needed"
    )
    needed = comparison.rows_to_tell(LEVEL)
    tell = f"; about {needed:,} test rows would tell" if needed else ""
    return (
        f"is not better than {comparison.against} by more than chance: "
        f"{comparison.metric.test_name} {comparison.score:.6g} against "
        f"{comparison.reference:.6g} on {rows} ({why}){tell}. Give more rows, or look for features "
        "that tell more about the target."
    )


def register_version(
    name: str, run: Run, winner: pd.Series, splits: Splits, notes: str = ""
) -> model_versions.RegisteredVersion:
    """Register the model of a run as a version, the challenger; of one that there is, return it.

    The active run is the one that does it.

    Args:
        name: Of the registered model, which is made if it does not exist.
        run: The run that has logged the model.
        winner: Its row of the leaderboard.
        splits: Those that it was trained on.
        notes: What its description says beside its scores, with a space behind.
    """
    client, register = MlflowClient(), mlflow.active_run()
    assert register is not None
    preprocess = client.get_run(splits.run_id)
    tags = {
        names.VERSION_RUN: run.info.run_id,
        names.VERSION_REGISTER: register.info.run_id,
        names.VERSION_SPLITS: splits.uri,
        names.VERSION_FAMILY: winner["family"],
        names.VERSION_COMMIT: runs.git_commit(run),
        **{
            key.removeprefix("workflow."): value
            for key, value in preprocess.data.tags.items()
            if key.startswith((names.DIGEST_TAG, names.RAW_DIGEST_TAG))
        },
        **{
            key: f"{winner[key]:.6g}"
            for key in winner.index
            if key.startswith((VAL, TEST)) and pd.notna(winner[key])
        },
    }
    scores = ", ".join(f"{key} {tags[key]}" for key in tags if key.startswith((VAL, TEST)))
    with suppress(MlflowException):
        client.create_registered_model(name, description=splits.dataset.description)
    client.get_registered_model(name)  # raises what has kept it from being made
    if earlier := _versions_of(name, model_uri(run)):
        version = earlier[0]
        if model_versions.champion(name) == str(version.version):
            return model_versions.RegisteredVersion(version)  # it is no challenger any more
    else:
        version = make_once(
            lambda: client.create_model_version(
                name,
                source=model_uri(run),
                run_id=run.info.run_id,
                model_id=model_uri(run).rpartition("/")[2],
                tags=tags,
                description=f"{splits.dataset.description} {winner['family']} of run "
                f"{winner['run']}; {scores}. {notes}{names.TAKES_RAW_ROWS}",
            ),
            lambda: _versions_of(name, model_uri(run)),
        )
    client.set_registered_model_alias(name, names.CHALLENGER, version.version)
    return model_versions.RegisteredVersion(version)


def _versions_of(name: str, model: str) -> list[ModelVersion]:
    """Return the versions that a model has under a registered name, the newest first."""
    found = MlflowClient().search_model_versions(f"source_path = '{model}'")
    own = [one for one in found if one.name == name]
    return sorted(own, key=lambda one: int(one.version), reverse=True)
