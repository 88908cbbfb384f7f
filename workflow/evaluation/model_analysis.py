"""The analysis of the winning model: which features matter, and where it is wrong.

`register` makes it, as it has the model and the test split in memory; the report draws it. It is
JSON of under 150 kB, whatever the table.
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
from workflow.evaluation.scores import codes, new_labels
from workflow.models.metrics import Metric
from workflow.plain_values import significant, text

IMPORTANT = 50  # features whose importance is kept
CELLS, BARS = 50, 60  # cells of a density along each axis, bars of a histogram
FEATURES = 12  # the most important ones, by whose values errors are shown
BINNED = 100_000  # most rows that are put into bins; more would not change the picture
WORST = 20  # rows
CLASSES, LABELS = 30, 100  # most classes of the confusion matrix, and most that are listed
POINTS, POINTS_OF_MANY = 200, 100  # most points of a curve that is alone, and of one of several


@dataclass(frozen=True, kw_only=True)
class _Errors:
    """A model's errors on test.

    Attributes:
        labels: Every class's.
        charts: The parts of the analysis that are drawn, as JSON.
        measures: What is measured of the rows in a bin.
        worst: (n_worst,) positions of the rows that are predicted worst, the worst first.
        columns: (n_worst,) actual and predicted values of these rows, by column.
    """

    labels: Sequence[object] = ()
    charts: dict[str, Any]
    measures: Measures
    worst: np.ndarray
    columns: dict[str, np.ndarray]


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
    """Return the analysis of a model, as JSON without NaN.

    Args:
        model: SqlFeatures, encoding and estimator, fitted.
        metric: By which the model was chosen; its task is the model's.
        validation: Raw rows and targets, on which importance is measured.
        test: Raw rows and targets, on which all else is measured.
        predictions: Of the test rows: (n_rows,) values or (n_rows, n_classes) probabilities.
        seed: For rows that are drawn and values that are shuffled.
        fitted_on_validation: Whether the model was fitted on validation too; it is noted, no more.

    Returns:
        Names, labels and values are shortened; what is not defined is null::

            task, rows, classes (how many; 0 for a regression), labels (of the first 100)
            importance: metric, split, rows, fitted_on, left_out (how many features),
                features: [{feature, importance, std}], the most important first
            by_feature_rows: n rows that are in the bins of by_feature
            by_feature: [{feature, kind, bins (labels), rows,
                mean, p10, p90 (of actual - predicted) or error_rate, log_loss}]
            worst: columns (three of actual and predicted values, then raw ones), rows, positions
                (of the rows in the split, from 0)

        and for a regression::

            density: actual, predicted (edges), counts (by predicted within actual), outside
            residuals: edges, counts, outside, mean, p10, p50, p90

        or for classes::

            unseen_rows: n rows whose label is not in train
            confusion: labels, counts (by predicted within actual)
            curve_rows: n rows of which the curves and the histogram are made
            roc, precision_recall, calibration: [{label, of, x, y, area, chance}], as `Curve`
            probability_histogram: edges, counts, of (whose probability)
    """
    (raw, actual), sql = test, model[0]
    ranked = _importance(model, metric, validation, seed)
    if metric.task == "regression":
        errors = _regression_errors(actual.to_numpy("float64"), np.asarray(predictions, "float64"))
    else:
        errors = _classification_errors(
            actual, np.asarray(predictions, "float64"), model.labels, seed
        )
    order = list(ranked["feature"])
    some = sampled(len(raw), BINNED, seed)
    first = SqlFeatures({name: sql.features[name] for name in order[:FEATURES]}, sql.columns)
    x = first.fit(raw).transform(raw.iloc[some])
    measures = {name: (values[some], of) for name, (values, of) in errors.measures.items()}
    return {
        "task": metric.task,
        "rows": len(raw),
        "classes": len(errors.labels),
        "labels": [text(one) for one in errors.labels[:LABELS]],
        "importance": {
            "metric": metric.name,
            "split": "validation",
            "rows": len(permutation_importance.drawn_rows(len(validation[0]), len(order), seed)),
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
        **errors.charts,
        "by_feature_rows": len(some),
        "by_feature": [
            {"feature": text(name, NAME), "kind": kind, **by_value(x[name], kind, measures)}
            for name, kind in first.kinds_.items()
        ],
        "worst": worst_rows(
            raw, errors.worst, errors.columns, [sql.features[name] for name in order]
        ),
    }


def _importance(
    model: Pipeline,
    metric: Metric,
    validation: tuple[pd.DataFrame, pd.Series],
    seed: int,
) -> pd.DataFrame:
    """Return the features' importances, the most important first."""
    (raw, actual), (sql, *_) = validation, model
    some = permutation_importance.drawn_rows(len(raw), len(sql.features), seed)
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


def _regression_errors(actual: np.ndarray, predicted: np.ndarray) -> _Errors:
    """Analyse (n_rows,) targets and predictions."""
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
    charts = {
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
    # A residual that is no number comes first.
    worst = np.argsort(-np.nan_to_num(np.abs(residual), nan=np.inf), kind="stable")[:WORST]
    columns = {"actual": actual, "predicted": predicted, "residual": residual}
    return _Errors(
        charts=charts,
        measures={name: measures[name] for name in ("mean", "p10", "p90")},
        worst=worst,
        columns={name: values[worst] for name, values in columns.items()},
    )


def _classification_errors(
    target: pd.Series, probabilities: np.ndarray, known: Sequence[object], seed: int
) -> _Errors:
    """Analyse (n_rows,) labels and (n_rows, n_classes) probabilities.

    Args:
        target: Labels, some of which train may lack.
        probabilities: Of the classes that train has.
        known: The labels of these classes.
        seed: For the rows that curves are made of.
    """
    labels = [*known, *new_labels(target, known)]
    actual, predicted = codes(target, known), probabilities.argmax(axis=1)
    rows, classes = probabilities.shape
    some = classification_curves.rows_of_curves(rows, classes, seed)
    truth, given = actual[some], probabilities[some]
    calibration, histogram = classification_curves.calibration(truth, given)
    seen = actual < classes
    own = np.zeros(rows)  # the probability of the actual class
    own[seen] = probabilities[seen, actual[seen]]
    charts = {
        "unseen_rows": int(rows - seen.sum()),
        "confusion": _confusion(actual, predicted, labels),
        "curve_rows": len(some),
        "roc": _curves_as_json(classification_curves.roc(truth, given), labels),
        "precision_recall": _curves_as_json(
            classification_curves.precision_recall(truth, given), labels
        ),
        "calibration": _curves_as_json(calibration, labels),
        "probability_histogram": {
            "edges": rounded(histogram.edges),
            "counts": histogram.counts.tolist(),
            "of": _class_name(histogram.code, labels),
        },
    }
    least = np.finfo("float64").eps  # as scikit-learn's log_loss has it
    worst = np.argsort(own, kind="stable")[:WORST]
    return _Errors(
        labels=labels,
        charts=charts,
        measures={
            "error_rate": (predicted != actual, np.mean),
            "log_loss": (-np.log(np.clip(own, least, 1)), np.mean),
        },
        worst=worst,
        columns={
            "actual": np.array([text(labels[code]) for code in actual[worst]], dtype=object),
            "predicted": np.array([text(labels[code]) for code in predicted[worst]], dtype=object),
            "probability of actual": own[worst],
        },
    )


def _confusion(
    actual: np.ndarray, predicted: np.ndarray, labels: Sequence[object]
) -> dict[str, Any]:
    """Count rows by actual and predicted class; of many, the less frequent ones as one class."""
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


def _curves_as_json(curves: list[Curve], labels: Sequence[object]) -> list[dict[str, Any]]:
    most = POINTS if len(curves) == 1 else POINTS_OF_MANY
    found = []
    for curve in curves:
        kept = classification_curves.thinned(curve.x, curve.y, most)
        average = curve.of in ("macro", "micro")
        found.append(
            {
                "label": f"{curve.of} average" if average else _class_name(curve.code, labels),
                "of": curve.of,
                "x": curve.x[kept].round(4).tolist(),
                "y": curve.y[kept].round(4).tolist(),
                "area": significant(curve.area),
                "chance": significant(curve.chance),
            }
        )
    return found


def _class_name(code: int | None, labels: Sequence[object]) -> str:
    return "the predicted class" if code is None else text(labels[code])
