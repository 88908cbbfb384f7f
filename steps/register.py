"""Scores the finalists on the test split, and registers the one that was best on validation."""

import workflow.runtime.bootstrap  # noqa: F401

# isort: split

import json
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric as MlflowMetric
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from sklearn.pipeline import Pipeline

from sql_features.errors import WorkflowError
from workflow import formatting, options
from workflow.data.row_clusters import row_clusters
from workflow.data.splits import Splits
from workflow.evaluation import conformal, plausibility
from workflow.evaluation.comparison import Comparison, compare_with_baseline
from workflow.evaluation.conformal import Residuals
from workflow.evaluation.model_analysis import analysis
from workflow.evaluation.scores import check_defined, codes, score
from workflow.models.metrics import METRICS, TEST, VAL, Metric, resolve
from workflow.parameters import folds
from workflow.promotion import decision
from workflow.promotion.candidates import rows_of_test
from workflow.promotion.comparing import Candidate
from workflow.runtime import terminal
from workflow.tracking import dataset_inputs, descriptions, model_loading, names, reuse, runs, step
from workflow.tracking.logged_models import model_uri
from workflow.tracking.model_loading import ModelFiles, OwnModel
from workflow.tracking.registry import LEVEL, check_gates, register_version
from workflow.training.baseline import baseline_scores

SHOWN = 200  # raw columns that the description of a version may name


@click.command()
@options.splits
@options.candidates
@options.top_n
@options.metric
@options.register_as
@options.promote
@step.verbose
def register(
    splits_uri: str,
    run_ids: list[str],
    top_n: int,
    metric: str,
    register_as: str | None,
    promote: str,
) -> None:
    splits = dataset_inputs.open_splits(splits_uri)
    task = splits.dataset.task
    judged = resolve(metric, task, splits.dataset.metric)
    name = register_as or splits.dataset.name
    found = runs.candidates(run_ids)
    runs.check_splits(found, splits)
    how, seed = runs.judged_alike(found)
    gates = [METRICS[task][threshold] for threshold in splits.dataset.thresholds]
    check_defined(splits, ["test"], [judged, *gates])
    finalists = _finalists(found, judged)[:top_n]
    files = _files(finalists)
    with step.run("register", reuse.ingredients("register", step.parameters())):
        dataset_inputs.log_splits(splits, "validation", "test")
        scores_of_baseline, judged_baseline = baseline_scores(splits, how, seed)
        baseline = {"run": "baseline", "family": "baseline"} | scores_of_baseline
        with terminal.timed("register", f"scored {len(finalists)} finalists on the test split"):
            raw, actual = splits.read("test", splits.columns)
            rows, model, answer, predictions = _score(finalists, files, task, raw, actual)
        table = _leaderboard([*rows, baseline], judged)
        mlflow.log_text(table.to_csv(index=False), names.LEADERBOARD)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, names.PREDICTIONS)
            answer.assign(actual=actual.to_numpy()).to_parquet(path)
            mlflow.log_artifact(str(path))
        winner = table.iloc[0]
        y = actual.to_numpy() if task == "regression" else codes(actual, model.labels)
        clusters = row_clusters(splits, "test")
        comparison = compare_with_baseline(
            judged,
            (y, predictions),
            judged_baseline,
            clusters=clusters,
            seed=seed,
        )
        check_gates(winner, table.iloc[-1], comparison, splits.dataset)
        with terminal.timed("register", f"looked where {finalists[0].info.run_name} is wrong"):
            seen = analysis_of(
                finalists[0], model.pipeline, splits, raw, actual, predictions, judged
            )
        seen[names.INTERVALS] = intervals_of(finalists[0], model, splits, (y, predictions))
        mlflow.log_text(json.dumps(seen, allow_nan=False, ensure_ascii=False), names.WINNER)
        doubt = _doubt(winner, table.iloc[-1], splits, how, seen)
        version = register_version(name, finalists[0], winner, splits, _notes(seen, doubt))
        candidate = Candidate(
            version=version,
            dataset=splits.dataset,
            metric=judged,
            seed=seed,
            rows=rows_of_test(splits, raw, actual, clusters),
            predict=lambda: predictions,
            labels=model.labels,
        )
        with terminal.timed("register", "decided whether the version becomes the champion"):
            decided = decision.decide(candidate, promote)
        decision.log(decided)
        scores = {column: winner[column] for column in table if column.startswith((VAL, TEST))}
        mlflow.log_metrics(scores | _shown(comparison) | _shown_intervals(seen[names.INTERVALS]))
        mlflow.set_tags(
            {
                names.MODEL_TAG: name,
                names.VERSION_TAG: version.number,
                names.WINNER_TAG: winner["run_id"],
                names.FAMILY_TAG: winner["family"],
            }
        )
        who = dict.fromkeys([winner["run"], winner["family"]])  # often the same
        said = [
            f"{key} {formatting.number(winner[key])}" for key in (judged.val_name, judged.test_name)
        ]
        more = "" if decided.is_plain else f"; {decided.sentence}"
        step.log_summary(
            f"{name} version {version.number} is @{decided.alias}: {' '.join(who)}, "
            f"{', '.join(said)}, better than the baseline "
            f"({formatting.p_value(comparison.improvement.p_value)}){more}"
        )


def _doubt(
    winner: pd.Series, baseline: pd.Series, splits: Splits, how: str, seen: Mapping[str, Any]
) -> str | None:
    """Return, and say, what to look at where the winner's scores are implausibly good.

    Args:
        winner: Its row of the leaderboard.
        baseline: The baseline's.
        splits: Those that both were judged on.
        how: How they were judged, `holdout` or `cv:<folds>`.
        seen: The winner's analysis.
    """
    rows = splits.row_count(*(["validation"] if folds(how) is None else ["train", "validation"]))
    features = plausibility.leading_features(seen)
    doubt = plausibility.warning(splits.dataset.task, winner, baseline, rows, features)
    if doubt:
        step.remark("register", f"warning: {doubt}")
    return doubt


def _notes(seen: Mapping[str, Any], doubt: str | None) -> str:
    """Return the sentences of a version's description that stand behind its scores."""
    raw = descriptions.raw_columns(seen[names.RAW_COLUMNS])
    return " ".join([*raw, *([f"Warning: {descriptions.escaped(doubt)}"] if doubt else []), ""])


def _finalists(found: list[Run], metric: Metric) -> list[Run]:
    """Return the candidates, best on validation first.

    Raises:
        WorkflowError: Some have not been judged by this metric, or it has no value.
    """
    key = metric.val_name
    for run in found:
        if not math.isfinite(run.data.metrics.get(key, math.nan)):
            why = run.data.tags.get(names.NO_VALUE_TAG)
            raise WorkflowError(
                f"candidates: {run.info.run_name} has no {key}{f' ({why})' if why else ''}: give "
                "another metric."
            )
    return sorted(found, key=lambda run: metric.loss(run.data.metrics[key]))


def _files(finalists: list[Run]) -> list[ModelFiles]:
    """Bring the finalists' models here.

    Raises:
        WorkflowError: Another version of the project has logged one. It could be scored here, but
            not analysed: the analysis takes the pipeline apart, which needs the model's own code.
    """
    files = [model_loading.download(model_uri(run)) for run in finalists]
    for run, model in zip(finalists, files, strict=True):
        if not model.has_own_code:
            raise WorkflowError(
                f"candidates: the model of run {run.info.run_id} ({run.info.run_name}) was logged "
                "by another version of this project, so it cannot be analysed and registered here. "
                "Run train or hpo again, or register it with the version that has logged it."
            )
    return files


def _score(
    finalists: list[Run],
    files: list[ModelFiles],
    task: str,
    raw: pd.DataFrame,
    actual: pd.Series,
) -> tuple[list[dict], OwnModel, pd.DataFrame, np.ndarray]:
    """Score the finalists, as they are stored, on the test split.

    Returns:
        The rows of the leaderboard; of the first finalist the model, and its predictions as
        `LoadedModel.predict` returns them.
    """
    shown = (VAL, TEST, names.FIT_SECONDS, names.MODEL_BYTES)
    rows, first = [], None
    for run, stored in zip(finalists, files, strict=True):
        model = stored.load_here()
        answer, predictions = model.predict(raw)
        first = first or (model, answer, predictions)
        y = actual.to_numpy() if task == "regression" else codes(actual, model.labels)
        scores = score(task, "test", y, predictions)
        stamp = int(time.time() * 1000)
        logged = [MlflowMetric(key, value, stamp, 0) for key, value in scores.items()]
        MlflowClient().log_batch(run.info.run_id, metrics=logged)
        metrics = run.data.metrics | scores
        kept = {key: value for key, value in metrics.items() if key.startswith(shown)}
        rows.append(runs.leaderboard_row(run, kept))
    return rows, *first


def _shown(comparison: Comparison) -> dict[str, float]:
    """Return the metrics that tell how sure it is that the winner beats the baseline."""
    return {
        names.IMPROVEMENT: comparison.relative.value,
        names.IMPROVEMENT_BOUND: comparison.relative.lower_bound(LEVEL),
        names.P_VALUE: comparison.improvement.p_value,
    }


def _shown_intervals(intervals: dict[str, Any]) -> dict[str, float]:
    """Return the metrics that tell what intervals of `conformal.LEVEL` hold on test."""
    for one in intervals.get("coverage", []):
        if one["level"] == conformal.LEVEL:
            return {
                names.INTERVAL_COVERAGE: one["coverage"],
                names.INTERVAL_WIDTH: one["width"],
            }
    return {}


def _leaderboard(rows: list[dict], metric: Metric) -> pd.DataFrame:
    """Return the rows as a table, with the metric of the choice right after the names."""
    order = ["run", "family", metric.val_name, metric.test_name]
    table = pd.DataFrame(rows)
    return table[[*order, *(column for column in table if column not in order)]]


def analysis_of(
    run: Run,
    model: Pipeline,
    splits: Splits,
    raw: pd.DataFrame,
    actual: pd.Series,
    predictions: np.ndarray,
    metric: Metric,
) -> dict[str, Any]:
    """Return the analysis of a run's model (see `model_analysis.analysis`), and which model it is.

    Args:
        run: A train or trial run.
        model: Its model, as it was loaded from the store.
        splits: Those that it was fitted and judged on.
        raw: (n_rows, ...) raw rows of the test split.
        actual: (n_rows,) targets.
        predictions: As `LoadedModel.predict` returns them.
        metric: What it was chosen by.
    """
    return {
        "run_id": run.info.run_id,
        "run": run.info.run_name,
        "family": run.data.tags[names.FAMILY_TAG],
        names.RAW_COLUMNS: dict(list(model[0].columns.items())[:SHOWN]),
        **analysis(
            model,
            metric=metric,
            validation=splits.read("validation", model[0].columns),
            test=(raw, actual),
            predictions=predictions,
            seed=int(run.data.tags[names.SEED_TAG]),
            fitted_on_validation=folds(run.data.tags[names.VALIDATION_TAG]) is not None,
        ),
    }


def intervals_of(
    run: Run, model: OwnModel, splits: Splits, test: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any]:
    """Return how far a model is from the truth on rows it was not fitted on, and so on test.

    Of a holdout these are validation's rows, with folds those that each fold left out.

    Args:
        run: A train or trial run.
        model: Its model.
        splits: Those that it was fitted and judged on.
        test: (n_test,) targets or codes, and predictions as `LoadedModel.predict` returns them.

    Returns:
        "residuals" and "coverage", as `conformal` has them; empty where a run of an earlier
        version has kept none.
    """
    if folds(run.data.tags[names.VALIDATION_TAG]) is None:
        raw, actual = splits.read("validation", model.pipeline[0].columns)
        some = conformal.drawn(len(raw), int(run.data.tags[names.SEED_TAG]))
        _, predictions = model.predict(raw.iloc[some])
        y = actual.to_numpy() if not model.labels else codes(actual, model.labels)
        known = Residuals.of(conformal.residuals(y[some], predictions))
    else:
        made_by = run.data.tags.get(names.REUSED_TAG, run.info.run_id)
        if names.RESIDUALS_OF_FOLDS not in runs.sizes(MlflowClient().list_artifacts, made_by):
            return {}
        where = f"runs:/{made_by}/{names.RESIDUALS_OF_FOLDS}"
        known = Residuals.from_dict(mlflow.artifacts.load_dict(where))
    return {"residuals": asdict(known), "coverage": conformal.coverage(*test, known)}


if __name__ == "__main__":
    step.execute(register)
