"""The run of a trial: made by fitting a suggestion, or copied from an earlier search."""

import math
from typing import Any

import mlflow
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow.models.families import Family
from workflow.models.metrics import TEST, Metric
from workflow.tracking import names, runs, step
from workflow.training.fold_residuals import log_residuals
from workflow.training.trainer import Fitted, Trainer


def trial_name(number: int) -> str:
    """Return the name of a trial's run.

    >>> trial_name(7)
    'trial-007'
    """
    return f"{names.TRIAL_PREFIX}{number:03d}"


def finished_trials(search: str, experiment_id: str) -> dict[int, Run]:
    """Return the finished trials of equal searches, by their number.

    Searches are equal if they make the same suggestions for the same results. Of several trials
    with one number, it is the newest that has a model: that need not be fitted again.

    Args:
        search: The searches' `names.SEARCH_TAG`.
        experiment_id: The experiment that is looked through.
    """
    found: dict[int, Run] = {}
    searches = MlflowClient().search_runs(
        [experiment_id],
        f"tags.`{names.SEARCH_TAG}` = '{search}'",
        order_by=["attributes.start_time ASC"],
    )
    for parent in searches:
        for run in runs.children(parent):
            number = run.info.run_name.removeprefix(names.TRIAL_PREFIX)
            if run.info.status != "FINISHED" or not number.isdecimal():
                continue  # not finished, or renamed by somebody
            if int(number) not in found or runs.models(run):
                found[int(number)] = run
    return found


def run_trial(
    number: int,
    trainer: Trainer,
    family: Family,
    suggestion: dict[str, Any],
    *,
    params: dict[str, Any],
    metric: Metric,
    validation: str,
) -> tuple[Run, Fitted]:
    """Fit and judge a family with suggested hyperparameters, in a run below the active one.

    Args:
        trainer: Has the features that were suggested.
        params: What is logged as the run's parameters.
        metric: A trial without a finite value of it fails.
        validation: `holdout` or `cv:<folds>`.

    Raises:
        WorkflowError: It cannot be fitted or judged. The run has ended FAILED, and has the reason.
    """
    try:
        with step.child(trial_name(number), names.TRIAL) as run:
            data = trainer.data
            tags = runs.model_tags(
                family.name, validation, data.seed, data.splits, data.without_value
            )
            mlflow.set_tags(tags)
            mlflow.log_params(params)
            fitted = trainer.fit(family, suggestion)
            value = fitted.metrics[metric.val_name]
            if not math.isfinite(value):
                raise WorkflowError(
                    f"{family.name} fitted with {suggestion} has {metric.val_name} {value}."
                )
            mlflow.log_metrics(fitted.metrics | {names.FIT_SECONDS: fitted.seconds})
            log_residuals(trainer, fitted)
    except WorkflowError as error:
        MlflowClient().set_tag(run.info.run_id, names.ERROR_TAG, str(error))
        raise
    return run, fitted


def copy_trial(run: Run) -> Run:
    """Copy a trial of an earlier search, with the model that it has logged, below the active run.

    Scores on the test split are left out: this search's `register` adds its own.

    Returns:
        The copy, which names the trial that was run first in `names.REUSED_TAG`.
    """
    search = mlflow.active_run()
    assert search is not None
    tags = run.data.tags | {
        names.PARENT_TAG: search.info.run_id,
        names.KIND_TAG: names.TRIAL,
        names.REUSED_TAG: run.data.tags.get(names.REUSED_TAG, run.info.run_id),
    }
    copied = runs.copy(run, tags, without=(TEST, names.MODEL_BYTES))
    models = [model for model in runs.models(run) if runs.model_files(model)]
    # The size is logged last: without it, the model may be incomplete.
    if models and names.MODEL_BYTES in run.data.metrics:
        client, copy_id = MlflowClient(), copied.info.run_id
        runs.show_model(copy_id, models[-1])
        client.log_metric(copy_id, names.MODEL_BYTES, run.data.metrics[names.MODEL_BYTES])
        copied = client.get_run(copy_id)
    return copied
