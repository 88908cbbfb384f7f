"""What there is to see of the winning model: on what it leans, and where it is wrong.

It is found out once, by `register`, which has the model and the test split in memory, and is kept
as plain JSON of bounded size, whatever the table: under 150 kB. The report draws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from sql_features.transformer import SqlFeatures
from workflow.binning import even_edges, rounded, sampled
from workflow.evaluation import classification_curves, permutation_importance
from workflow.evaluation.classification_curves import Curve
from workflow.evaluation.error_analysis import NAME, Measures, by_value, measured, worst_rows
from workflow.evaluation.scores import codes
from workflow.formatting import significant, text
from workflow.models.metrics import Metric

IMPORTANT = 50  # features whose importance is kept
CELLS, BARS = 50, 60  # of a density along each axis, of a histogram
FEATURES = 12  # by which errors are told
BINNED = 100_000  # rows; more would not change the picture
WORST = 20  # rows
CLASSES, LABELS = 30, 100  # of a confusion matrix, and named at all
POINTS, POINTS_OF_MANY = 200, 100  # of a curve that is alone, of one beside others


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What test says of a model.

    Attributes:
        labels: Of the classes.
        pictures: Plain JSON.
        measures: Of its errors, a value a row.
        worst: (n_worst,) positions of rows.
        told: (n_worst,) values of these rows, by column.
    """

    labels: Sequence[object] = ()
    pictures: dict[str, Any]
    measures: Measures
    worst: np.ndarray
    told: dict[str, np.ndarray]


def analysis(
    model: Pipeline,
    *,
    metric: Metric,
    validation: tuple[pd.DataFrame, pd.Series],
    test: tuple[pd.DataFrame, pd.Series],
    predictions: np.ndarray,
    seed: int,
    fitted_on_validation: bool,
) -> dict[str, Any]:
    """Return what there is to see of a model, as plain JSON without NaN.

    Args:
        model: SqlFeatures, encoding, estimator; fitted.
        metric: By which the model was chosen; its task is the model's.
        validation: Raw rows and targets; importance is measured on them.
        test: Raw rows and targets; all else is counted on them.
        predictions: Of the test rows: (n_rows,) values or (n_rows, n_classes) probabilities.
        seed: Of all that is drawn by chance.
        fitted_on_validation: Whether the model was fitted on these rows too, which is only said.

    Returns:
        What JSON can hold; names, labels and values are shortened, and null is what is not
        defined::

            task, rows, classes (how many; 0 for a regression), labels (of the first 100)
            importance: metric, split, rows, fitted_on, left_out (how many features),
                features: [{feature, importance, std}], the most important first
            by_feature_rows: n, of which by_feature tells
            by_feature: [{feature, kind, bins (labels), rows,
                mean, p10, p90 (of actual - predicted) or error_rate, log_loss}]
            worst: columns, rows, positions (of the rows in the split, from 0); the first three
                columns are told of a row, the others are raw

        of a regression::

            density: actual, predicted (edges), counts (by predicted within actual), outside
            residuals: edges, counts, outside, mean, p10, p50, p90

        and of classes::

            unseen_rows: of labels that train has not seen
            confusion: labels, counts (by predicted within actual)
            curve_rows: n, of which the curves and the histogram are made
            roc, precision_recall, calibration: [{label, of, x, y, area, chance}], as `Curve`
            probability_histogram: edges, counts, of (whose probability)
    """
    (raw, actual), sql = test, model[0]
    ranked = _importance(model, metric, validation, seed)
    if metric.task == "regression":
        found = _of_values(actual.to_numpy("float64"), np.asarray(predictions, "float64"))
    else:
        found = _of_classes(actual, np.asarray(predictions, "float64"), model.labels, seed)
    order = list(ranked["feature"])
    some = sampled(len(raw), BINNED, seed)
    first = SqlFeatures({name: sql.features[name] for name in order[:FEATURES]}, sql.columns)
    x = first.fit(raw).transform(raw.iloc[some])
    measures = {name: (errors[some], of) for name, (errors, of) in found.measures.items()}
    return {
        "task": metric.task,
        "rows": len(raw),
        "classes": len(found.labels),
        "labels": [text(one) for one in found.labels[:LABELS]],
        "importance": {
            "metric": metric.name,
            "split": "validation",
            "rows": len(permutation_importance.drawn(len(validation[0]), len(order), seed)),
            "fitted_on": fitted_on_validation,
            "features": [
                {
                    "feature": text(name, NAME),
                    "importance": significant(mean),
                    "std": significant(std),
                }
                for name, mean, std in ranked.head(IMPORTANT).itertuples(index=False)
            ],
            "left_out": max(len(order) - IMPORTANT, 0),
        },
        **found.pictures,
        "by_feature_rows": len(some),
        "by_feature": [
            {"feature": text(name, NAME), "kind": kind, **by_value(x[name], kind, measures)}
            for name, kind in first.kinds_.items()
        ],
        "worst": worst_rows(raw, found.worst, found.told, [sql.features[name] for name in order]),
    }


def _importance(
    model: Pipeline,
    metric: Metric,
    validation: tuple[pd.DataFrame, pd.Series],
    seed: int,
) -> pd.DataFrame:
    """Return the features' importances, the most important first."""
    (raw, actual), (sql, *_) = validation, model
    some = permutation_importance.drawn(len(raw), len(sql.features), seed)
    rest = Pipeline(model.steps[1:])
    regression = metric.task == "regression"
    found = permutation_importance.permutation(
        rest.predict if regression else rest.predict_proba,
        sql.transform(raw.iloc[some]),
        (actual.to_numpy() if regression else codes(actual, model.labels))[some],
        metric=metric,
        seed=seed,
    )
    return found.sort_values("importance", ascending=False, kind="stable", na_position="last")


def _of_values(actual: np.ndarray, predicted: np.ndarray) -> _Found:
    """Look at (n_rows,) targets and predictions."""
    with np.errstate(over="ignore", invalid="ignore"):
        residual = actual - predicted
    across, up = even_edges(actual, CELLS), even_edges(predicted, CELLS)
    along = even_edges(residual, BARS)
    cells = np.histogram2d(actual, predicted, bins=(across, up))[0].astype(int)
    bars = np.histogram(residual, bins=along)[0]
    measures: Measures = {
        "mean": (residual, np.mean),
        "p10": (residual, lambda values: np.quantile(values, 0.1)),
        "p50": (residual, np.median),
        "p90": (residual, lambda values: np.quantile(values, 0.9)),
    }
    pictures = {
        "density": {
            "actual": rounded(across),
            "predicted": rounded(up),
            "counts": cells.tolist(),
            "outside": len(actual) - int(cells.sum()),
        },
        "residuals": {
            "edges": rounded(along),
            "counts": bars.tolist(),
            "outside": len(actual) - int(bars.sum()),
            **{name: measured(*of) for name, of in measures.items()},
        },
    }
    # What is no number is as wrong as can be.
    worst = np.argsort(-np.nan_to_num(np.abs(residual), nan=np.inf), kind="stable")[:WORST]
    told = {"actual": actual, "predicted": predicted, "residual": residual}
    return _Found(
        pictures=pictures,
        measures={name: measures[name] for name in ("mean", "p10", "p90")},
        worst=worst,
        told={name: values[worst] for name, values in told.items()},
    )


def _of_classes(
    target: pd.Series, probabilities: np.ndarray, known: Sequence[object], seed: int
) -> _Found:
    """Look at (n_rows,) labels and (n_rows, n_classes) probabilities.

    Args:
        target: Labels, of which some may not have been seen in training.
        probabilities: Of the classes known.
        known: Their labels.
        seed: Of the rows that curves are made of.
    """
    labels = [*known, *sorted(set(target.unique().tolist()) - set(known))]
    actual, predicted = codes(target, known), probabilities.argmax(axis=1)
    rows, classes = probabilities.shape
    some = classification_curves.rows_of_curves(rows, classes, seed)
    truth, given = actual[some], probabilities[some]
    calibration, histogram = classification_curves.calibration(truth, given)
    seen = actual < classes
    own = np.zeros(rows)  # the probability of the actual class
    own[seen] = probabilities[seen, actual[seen]]
    pictures = {
        "unseen_rows": int(rows - seen.sum()),
        "confusion": _confusion(actual, predicted, labels),
        "curve_rows": len(some),
        "roc": _plain_curves(classification_curves.roc(truth, given), labels),
        "precision_recall": _plain_curves(
            classification_curves.precision_recall(truth, given), labels
        ),
        "calibration": _plain_curves(calibration, labels),
        "probability_histogram": {
            "edges": rounded(histogram.edges),
            "counts": histogram.counts.tolist(),
            "of": _of(histogram.code, labels),
        },
    }
    least = np.finfo("float64").eps  # as scikit-learn's log_loss has it
    worst = np.argsort(own, kind="stable")[:WORST]
    return _Found(
        labels=labels,
        pictures=pictures,
        measures={
            "error_rate": (predicted != actual, np.mean),
            "log_loss": (-np.log(np.clip(own, least, 1)), np.mean),
        },
        worst=worst,
        told={
            "actual": np.array([text(labels[code]) for code in actual[worst]], dtype=object),
            "predicted": np.array([text(labels[code]) for code in predicted[worst]], dtype=object),
            "probability of actual": own[worst],
        },
    )


def _confusion(
    actual: np.ndarray, predicted: np.ndarray, labels: Sequence[object]
) -> dict[str, Any]:
    """Count rows by actual and predicted class: of many, the most frequent and all others."""
    shown = np.arange(len(labels))
    names = [text(one) for one in labels]
    if len(labels) > CLASSES:
        rows = np.bincount(actual, minlength=len(labels))
        shown = np.sort(np.argsort(-rows, kind="stable")[:CLASSES])
        names = [*(names[code] for code in shown), "other classes"]
    place = np.full(len(labels), len(names) - 1)
    place[shown] = np.arange(len(shown))
    cells = place[actual] * len(names) + place[predicted]
    counts = np.bincount(cells, minlength=len(names) ** 2).reshape(len(names), len(names))
    return {"labels": names, "counts": counts.tolist()}


def _plain_curves(curves: list[Curve], labels: Sequence[object]) -> list[dict[str, Any]]:
    most = POINTS if len(curves) == 1 else POINTS_OF_MANY
    found = []
    for curve in curves:
        kept = classification_curves.thinned(curve.x, curve.y, most)
        average = curve.of in ("macro", "micro")
        found.append(
            {
                "label": f"{curve.of} average" if average else _of(curve.code, labels),
                "of": curve.of,
                "x": curve.x[kept].round(4).tolist(),
                "y": curve.y[kept].round(4).tolist(),
                "area": significant(curve.area),
                "chance": significant(curve.chance),
            }
        )
    return found


def _of(code: int | None, labels: Sequence[object]) -> str:
    return "the predicted class" if code is None else text(labels[code])
