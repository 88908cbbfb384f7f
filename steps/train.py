"""Fits model families at their default settings, and compares them and a baseline on validation."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

from typing import Any

import click
import mlflow
import pandas as pd
from matplotlib.figure import Figure
from sklearn.utils import estimator_html_repr

from sql_features.errors import WorkflowError
from workflow import formatting, options
from workflow.data.dataset import ALL, SEARCH
from workflow.evaluation import (
    classification_curves,
    classification_plots,
    permutation_importance,
    regression_plots,
)
from workflow.evaluation.scores import check_defined
from workflow.models.families import BASELINE, FAMILIES, Family
from workflow.models.metrics import Metric, resolve
from workflow.runtime import terminal
from workflow.tracking import dataset_inputs, logged_models, names, reuse, runs, step
from workflow.training.cross_validation import judged_splits
from workflow.training.fold_residuals import log_residuals
from workflow.training.trainer import Fitted, Trainer
from workflow.training.training_data import TrainingData


@click.command()
@options.splits
@options.models(FAMILIES)
@options.features
@options.hyperparameters
@options.metric
@options.validation
@options.seed
@step.verbose
def train(
    splits_uri: str,
    models: list[str],
    features: str,
    hyperparameters: dict[str, Any],
    metric: str,
    validation: str | None,
    seed: int,
) -> None:
    if hyperparameters and len(models) > 1:
        given = step.parameters()
        raise WorkflowError(
            f"hyperparameters={given['hyperparameters']} are for one family, but "
            f"models={given['models']}: give one of them."
        )
    splits = dataset_inputs.open_splits(splits_uri)
    dataset = splits.dataset
    judged = resolve(metric, dataset.task, dataset.metric)
    validation = validation or dataset.validation
    check_defined(splits, judged_splits(validation), [judged])
    # Families are compared on the same features; the search may choose among the sets.
    selected = dataset.select(ALL if features == SEARCH else features)
    with step.run("train", reuse.ingredients("train", step.parameters())):
        dataset_inputs.log_splits(splits, "train", "validation")
        data = TrainingData.read(splits, selected, seed=seed, validation=validation)
        data.check_defined(judged)
        trainer = Trainer(data)
        scores = {}
        for family in [BASELINE, *(FAMILIES[name] for name in models)]:
            with step.child(family.name, names.MODEL) as run:
                fitted = trainer.fit(family, hyperparameters if family is not BASELINE else {})
                mlflow.set_tags(
                    runs.model_tags(family.name, validation, seed, splits, data.without_value)
                )
                mlflow.log_param(names.FAMILY, family.name)
                if features == SEARCH:
                    mlflow.log_param(names.FEATURES, ALL)
                _log(trainer, family, fitted, judged, run.info.run_id)
            scores[family.name] = fitted.metrics[judged.val_name]
            fitted_as = f"{family.name} {judged.val_name} {formatting.number(scores[family.name])}"
            terminal.detail("train", f"{fitted_as}, fitted", seconds=fitted.seconds)
        best = min(models, key=lambda name: judged.loss(scores[name]))
        mlflow.set_tags({names.FAMILY_TAG: best})
        mlflow.log_metric(judged.val_name, scores[best])
        order = sorted(scores, key=lambda name: judged.loss(scores[name]))
        line = ", ".join(f"{name} {formatting.number(scores[name])}" for name in order)
        lacking = [f"; {name} has no mean: {why}" for name, why in data.without_value.items()]
        step.log_summary(f"{judged.val_name}: {line}{''.join(lacking)}")


def _log(trainer: Trainer, family: Family, fitted: Fitted, metric: Metric, run_id: str) -> None:
    """Log a family to its run: scores, model and plots; of the baseline only the scores."""
    data = trainer.data
    mlflow.log_params(fitted.hyperparameters)
    mlflow.log_metrics(fitted.metrics | trainer.train_metrics(fitted))
    mlflow.log_metric(names.FIT_SECONDS, fitted.seconds)
    if family is BASELINE:
        return  # its scores are for comparison; it is never registered
    log_residuals(trainer, fitted)
    pipeline = trainer.pipeline(fitted.model)
    logged_models.log(pipeline, data.example, family, run_id)
    mlflow.log_text(estimator_html_repr(pipeline), names.ESTIMATOR)
    figures = _figures(data, fitted, f"{family.name} on validation")
    figures[names.FEATURE_IMPORTANCE] = regression_plots.feature_importance(
        _importance(data, fitted, metric),
        f"Permutation importance: {family.name} on validation",
        formatting.worsening(
            metric.name,
            data.splits.dataset.unit,
            greater_is_better=metric.greater_is_better,
        ),
    )
    for name, figure in figures.items():
        mlflow.log_figure(figure, f"{names.PLOTS_FOLDER}/{name}")


def _importance(data: TrainingData, fitted: Fitted, metric: Metric) -> pd.DataFrame:
    """Return the permutation importance of each feature, on the last rows that were judged."""
    model, judged = fitted.last
    x, y = data.x.iloc[judged], data.y[judged]
    some = permutation_importance.drawn_rows(*x.shape, data.seed)
    return permutation_importance.permutation(
        model.predict, x.iloc[some], y[some], metric=metric, seed=data.seed
    )


def _figures(data: TrainingData, fitted: Fitted, of: str) -> dict[str, Figure]:
    """Return plots of predictions by file name; `of` says whose in titles."""
    actual, predicted, unit = data.y_judged, fitted.predictions, data.splits.dataset.unit
    if data.task == "regression":
        return {
            names.PREDICTED_VS_ACTUAL: regression_plots.predicted_against_actual(
                actual, predicted, f"Predicted against actual: {of}", unit
            ),
            names.RESIDUALS: regression_plots.residuals(
                actual, predicted, f"Residuals: {of}", unit
            ),
        }
    labels = data.labels
    some = classification_curves.rows_of_curves(*predicted.shape, data.seed)
    curves = actual[some], predicted[some], labels
    on = of if len(some) == len(actual) else f"{of}, {len(some):,} of its rows"
    return {
        names.CONFUSION_MATRIX: classification_plots.confusion_matrix(
            actual, predicted.argmax(axis=1), labels, f"Confusion matrix: {of}"
        ),
        names.ROC: classification_plots.roc(*curves, f"ROC: {on}"),
        names.PRECISION_RECALL: classification_plots.precision_recall(
            *curves, f"Precision and recall: {on}"
        ),
        names.CALIBRATION: classification_plots.calibration(*curves, f"Calibration: {on}"),
    }


if __name__ == "__main__":
    step.execute(train)
