"""A search for the best hyperparameters, each trial a run, the best models kept."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import time

import click
import mlflow
import pandas as pd

from sql_features.errors import WorkflowError
from workflow import formatting, parameters
from workflow.data.dataset import Dataset
from workflow.models.families import FAMILIES, WEIGHT, Family, narrowed
from workflow.models.metrics import Metric, resolve
from workflow.runtime import terminal
from workflow.tracking import cache_key, dataset_inputs, names, step
from workflow.tracking.reuse import ingredients
from workflow.training import trials
from workflow.training.baseline import check_defined
from workflow.training.cross_validation import judged_on
from workflow.training.search import search
from workflow.training.search_importance import hyperparameters, importance
from workflow.training.trainer import Trainer


@click.command()
@click.option("--splits", "uri", required=True, help="runs:/<preprocess run id>/splits.")
@click.option("--models", "families", required=True, help="Comma-separated families.")
@click.option("--features", required=True, help="'all', a feature set, or a list of features.")
@click.option("--max_evals", required=True, help="How many trials.")
@click.option("--timeout", required=True, help="Seconds, or 'none'.")
@click.option("--metric", required=True, help="'auto' or a metric of the task.")
@click.option("--top_n", required=True, help="How many of the best models are kept.")
@click.option("--validation", required=True, help="'auto', 'holdout' or 'cv:<folds>'.")
@click.option("--seed", required=True)
@click.option("--reuse", required=True, help="Whether finished trials are read back: 'true'.")
@step.verbosity
def hpo(
    uri: str,
    families: str,
    features: str,
    max_evals: str,
    timeout: str,
    metric: str,
    top_n: str,
    validation: str,
    seed: str,
    reuse: str,
) -> None:
    seeded = parameters.seed(seed)
    most = parameters.whole_number("max_evals", max_evals, at_least=1)
    kept = parameters.whole_number("top_n", top_n, at_least=1)
    limit = parameters.seconds("timeout", timeout)
    goes_on = parameters.yes_or_no("reuse", reuse)
    asked = parameters.names("models", families, list(FAMILIES))
    splits = dataset_inputs.open_splits(uri)
    dataset = splits.dataset
    judged = resolve(metric, dataset.task, dataset.metric)
    how = parameters.validation(validation, dataset.validation)
    check_defined(splits, judged_on(how), [judged])
    selections = dataset.selections(features)
    searched = [_searched(FAMILIES[name], dataset, judged) for name in asked]
    made_of = ingredients("hpo", step.parameters()).without(*cache_key.NOT_OF_A_SEARCH)
    alike = cache_key.key(made_of.without(*cache_key.NOT_OF_TRIALS))
    searching = step.run("hpo", made_of, **{names.SEARCH_TAG: alike})
    with searching as run, terminal.Progress("hpo", most) as progress:
        dataset_inputs.log_splits(splits, "train", "validation")
        every = {name: sql for one in selections.values() for name, sql in one.items()}
        whole = Trainer(splits, every, seeded, how)
        study = trials.Study(
            {name: whole.using(one) for name, one in selections.items()},
            validation=how,
            metric=judged,
            kept=kept,
            earlier=trials.finished(alike, run.info.experiment_id) if goes_on else {},
            progress=progress,
        )
        begin = time.perf_counter()
        search(
            study.trial,
            searched,
            task=dataset.task,
            features=list(selections),
            max_evals=most,
            is_over=lambda: (
                limit is not None and time.perf_counter() - begin + study.seconds >= limit
            ),
            seed=seeded,
        )
        progress.close("keeping the best models")
        _close(study)
        step.result(_told(study, most))


def _told(study: trials.Study, most: int) -> str:
    """Return what came out, in one sentence."""
    best, judged = study.best[0], study.metric.val_name
    done = len(study.trials) + study.failed
    count = f"{done} trials" if done == most else f"{done} of {most} trials before the timeout"
    again = f", {study.read_back} of them read back" if study.read_back else ""
    failed = f", {study.failed} failed" if study.failed else ""
    return (
        f"{count}{again}{failed}; best {best.run.info.run_name} {best.family.name} "
        f"{judged} {formatting.number(best.metrics[judged])}"
    )


def _searched(family: Family, dataset: Dataset, metric: Metric) -> Family:
    """Return a family with the space to search in this dataset, judged by this metric."""
    weighs = dataset.task != "regression" and family.weighs
    unweighted = {WEIGHT: None} if weighs and not metric.counts_classes_alike else {}
    asked = {**unweighted, **dataset.search.get(family.name, {})}
    return narrowed(family, asked, dataset.task)


def _close(study: trials.Study) -> None:
    """Log the kept models to their trials, and the search to the active run."""
    if not study.trials:
        raise WorkflowError(
            "no trial was finished: give it more seconds (timeout) or more trials (max_evals)."
        )
    with terminal.timed("hpo", "kept the best models"):
        study.keep()
    best, metric = study.best[0], study.metric
    mlflow.log_dict(
        {"run_id": best.run.info.run_id, "family": best.family.name, **study.chosen(best)},
        "best.json",
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
            "fit_seconds": one.seconds,
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
