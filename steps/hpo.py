"""Searches for the best hyperparameters: each trial is a run, and the best models are kept."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import time

import click
import mlflow
import pandas as pd

from workflow import formatting, options
from workflow.data.dataset import Dataset
from workflow.evaluation.scores import check_defined
from workflow.models.families import FAMILIES, WEIGHT, Family, narrowed
from workflow.models.metrics import Metric, resolve
from workflow.runtime import terminal
from workflow.tracking import cache_key, dataset_inputs, names, reuse, step
from workflow.training.cross_validation import judged_splits
from workflow.training.search import search
from workflow.training.search_importance import importance
from workflow.training.trainer import Trainer
from workflow.training.training_data import TrainingData
from workflow.training.trial_columns import hyperparameters
from workflow.training.trial_runs import finished_trials
from workflow.training.trials import Study


@click.command()
@options.splits
@options.models(FAMILIES)
@options.features
@options.max_evals
@options.timeout
@options.metric
@options.validation
@options.top_n
@options.seed
@options.reuse
@step.verbose
def hpo(
    splits_uri: str,
    models: list[str],
    features: str,
    max_evals: int,
    timeout: float | None,
    metric: str,
    validation: str | None,
    top_n: int,
    seed: int,
    may_reuse: bool,
) -> None:
    splits = dataset_inputs.open_splits(splits_uri)
    dataset = splits.dataset
    judged = resolve(metric, dataset.task, dataset.metric)
    validation = validation or dataset.validation
    check_defined(splits, judged_splits(validation), [judged])
    selections = dataset.selections(features)
    searched = [_to_search(FAMILIES[name], dataset, judged) for name in models]
    ingredients = reuse.ingredients("hpo", step.parameters()).without(
        *cache_key.LEFT_OUT_OF_SEARCH_KEY
    )
    search_key = cache_key.key(ingredients.without(*cache_key.LEFT_OUT_OF_TRIAL_KEY))
    step_run = step.run("hpo", ingredients, **{names.SEARCH_TAG: search_key})
    with step_run as run, terminal.Progress("hpo", max_evals) as progress:
        dataset_inputs.log_splits(splits, "train", "validation")
        all_features = {name: sql for one in selections.values() for name, sql in one.items()}
        data = TrainingData.read(splits, all_features, seed=seed, validation=validation)
        data.check_defined(judged)
        study = Study(
            {name: Trainer(data.using(one)) for name, one in selections.items()},
            validation=validation,
            metric=judged,
            kept=top_n,
            earlier=finished_trials(search_key, run.info.experiment_id) if may_reuse else {},
            progress=progress,
        )
        begin = time.perf_counter()
        search(
            study.trial,
            searched,
            task=dataset.task,
            features=list(selections),
            max_evals=max_evals,
            is_over=lambda: (
                timeout is not None and time.perf_counter() - begin + study.seconds >= timeout
            ),
            seed=seed,
        )
        progress.close("keeping the best models")
        _log_search(study)
        step.log_summary(_summary(study, max_evals))


def _summary(study: Study, max_evals: int) -> str:
    """Return the result in one sentence: how many trials there were, and the best."""
    best, judged = study.best[0], study.metric.val_name
    done = len(study.trials) + study.failed
    count = (
        f"{done} trials"
        if done == max_evals
        else f"{done} of {max_evals} trials before the timeout"
    )
    again = f", {study.read_back} of them read back" if study.read_back else ""
    failed = f", {study.failed} failed" if study.failed else ""
    return (
        f"{count}{again}{failed}; best {best.run.info.run_name} {best.family.name} "
        f"{judged} {formatting.number(best.metrics[judged])}"
    )


def _to_search(family: Family, dataset: Dataset, metric: Metric) -> Family:
    """Return a family whose space is what is searched for this dataset and metric.

    Class weights are searched only where the metric counts all classes alike: elsewhere they bend
    the probabilities. What the dataset file says of the family comes before all else.
    """
    weighs = dataset.task != "regression" and family.weighs
    unweighted = {WEIGHT: None} if weighs and not metric.counts_classes_alike else {}
    changes = {**unweighted, **dataset.search.get(family.name, {})}
    return narrowed(family, changes, dataset.task)


def _log_search(study: Study) -> None:
    """Log the best models to the runs of their trials, and the table of trials to the active run.

    Raises:
        WorkflowError: All trials have failed.
    """
    with terminal.timed("hpo", "kept the best models"):
        study.keep()
    best, metric = study.best[0], study.metric
    mlflow.log_dict(
        {"run_id": best.run.info.run_id, "family": best.family.name, **study.chosen(best)},
        names.BEST,
    )
    mlflow.set_tags({names.FAMILY_TAG: best.family.name})
    mlflow.log_metrics(best.metrics)
    table = pd.DataFrame(
        {
            "trial": one.number,
            "run": one.run.info.run_name,
            "family": one.family.name,
            **study.chosen(one),
            metric.name: one.metrics[metric.val_name],
            names.FIT_SECONDS: one.seconds,
            "run_id": one.run.info.run_id,
        }
        for one in study.trials
    )
    mlflow.log_text(table.to_csv(index=False), names.TRIALS)
    losses = pd.Series([one.loss for one in study.trials])
    shares = importance(table, hyperparameters(table, metric.name), losses)
    mlflow.log_text(shares.to_csv(index=False), names.SEARCH_IMPORTANCE)


if __name__ == "__main__":
    step.execute(hpo)
