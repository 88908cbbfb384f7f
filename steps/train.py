"""Families of models at their default settings, beside a baseline, judged on validation."""

import time

import click
import mlflow
from sklearn.utils import estimator_html_repr

from workflow import evaluate, importance, logged_models, models, parameters, plots, runs, step
from workflow.errors import WorkflowError
from workflow.fitting import Bench, Fitted


@click.command()
@click.option("--splits", "uri", required=True, help="runs:/<preprocess run id>/splits.")
@click.option("--models", "families", required=True, help="Comma-separated families.")
@click.option("--features", required=True, help="'all', a feature set, or a list of features.")
@click.option("--hyperparameters", required=True, help="JSON; overrides one family's defaults.")
@click.option("--metric", required=True, help="'auto' or a metric of the task.")
@click.option("--seed", required=True)
def train(
    uri: str, families: str, features: str, hyperparameters: str, metric: str, seed: str
) -> None:
    start = time.perf_counter()
    seeded = parameters.seed(seed)
    asked = parameters.names("models", families, list(models.FAMILIES))
    given = parameters.json_object("hyperparameters", hyperparameters)
    if given and len(asked) > 1:
        raise WorkflowError(
            f"hyperparameters={hyperparameters} are for one family, but models={families}: "
            "give one of them."
        )
    splits = runs.open_splits(uri)
    judged = evaluate.resolve_metric(metric, splits.dataset.task)
    selected = splits.dataset.select(features)
    with step.run("train"):
        splits.log_inputs("train", "validation")
        bench = Bench(splits, selected, seeded)
        scores = {}
        for family in [models.BASELINE, *(models.FAMILIES[name] for name in asked)]:
            with mlflow.start_run(run_name=family.name, nested=True):
                fitted = bench.fit(family, given if family is not models.BASELINE else {})
                _log(bench, family, fitted, judged)
            scores[family.name] = fitted.metrics[f"val_{judged}"]
        task = splits.dataset.task
        best = min(asked, key=lambda name: evaluate.loss(task, judged, scores[name]))
        mlflow.set_tags({runs.FAMILY_TAG: best})
        mlflow.log_metric(f"val_{judged}", scores[best])
    line = ", ".join(f"{name} {value:.6g}" for name, value in scores.items())
    step.say("train", f"val_{judged}: {line}", start)


def _log(bench: Bench, family: models.Family, fitted: Fitted, metric: str) -> None:
    mlflow.set_tags({runs.FAMILY_TAG: family.name})
    mlflow.log_params(fitted.hyperparameters)
    mlflow.log_metrics(fitted.metrics | bench.train_metrics(family, fitted))
    mlflow.log_metric("fit_seconds", fitted.seconds)
    if family is models.BASELINE:
        return  # a number for comparison, not a candidate
    logged_models.log(fitted.pipeline, bench.example, family)
    mlflow.log_text(estimator_html_repr(fitted.pipeline), "estimator.html")
    actual, predicted = bench.y_validation.to_numpy(), fitted.predictions
    weights = importance.permutation(bench, fitted, metric)
    of = f"{family.name} on validation"
    for name, figure in {
        "predicted_vs_actual": plots.predicted_against_actual(
            actual, predicted, f"Predicted against actual: {of}"
        ),
        "residuals": plots.residuals(actual, predicted, f"Residuals: {of}"),
        "feature_importance": plots.feature_importance(
            weights, f"Permutation importance: {of}", f"{metric} lost when a feature is shuffled"
        ),
    }.items():
        mlflow.log_figure(figure, f"plots/{name}.png")
        plots.close(figure)


if __name__ == "__main__":
    step.execute(train)
