"""All that monitoring looks at, of one set of rows: of all new ones, or of those of a window."""

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import duckdb
import numpy as np
import pandas as pd

from sql_features.errors import WorkflowError
from sql_features.expressions import TARGET, quote
from workflow.checks.value_counts import Numbers, Texts, read_values
from workflow.data import row_clusters, splits
from workflow.data.row_clusters import RowClusters
from workflow.data.split_rules import ByTime, Split
from workflow.evaluation.scores import codes, value
from workflow.models.metrics import Metric
from workflow.monitoring import domain_classifier, drift, performance, reference, unseen
from workflow.monitoring.drift import Pair
from workflow.monitoring.finding import ALERT, WARNING, Finding, worst
from workflow.monitoring.new_table import TOGETHER, NewTable
from workflow.monitoring.performance import Performance
from workflow.monitoring.reference import Reference
from workflow.monitoring.sampling import one_of
from workflow.plain_values import quoted

PREDICTION = "prediction"  # what a finding about the predictions has for a column


class Model(Protocol):
    """What predicts: a `tracking.model_loading.LoadedModel`."""

    labels: list[Any]

    def predict(self, raw: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Predict raw rows; see `LoadedModel.predict`."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """By what rows are judged.

    Attributes:
        metric: What the model was chosen by.
        split: How the rows of training were split.
        needed: Raw columns that the model cannot do without.
        max_degradation: The share of the loss on test by which it may be worse.
        kept: How many raw rows counted in training, and of how many whose target was known.
        seed: Of everything random.
    """

    metric: Metric
    split: Split
    needed: frozenset[str]
    max_degradation: float
    kept: tuple[int, int]
    seed: int


@dataclass(kw_only=True)
class Judgement:
    """What was found of one set of rows.

    Attributes:
        rows: Those that count.
        labelled: Those whose target is known.
        findings: In the order in which they were looked for.
        values: The values of the sample by column, to be drawn.
        predictions: The predictions of the sample.
        auc: How well a classifier tells the rows from training rows; None of too few.
        performance: Where the target is known.
        estimates: Of classes without labels: what a metric is expected to be, by its name.
    """

    rows: int
    labelled: int
    findings: list[Finding] = field(default_factory=list)
    values: dict[str, Numbers | Texts] = field(default_factory=dict)
    predictions: Numbers | Texts | None = None
    auc: float | None = None
    performance: Performance | None = None
    estimates: dict[str, float] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """The worst level of the findings."""
        return worst(one.level for one in self.findings)


def judge(
    connection: duckdb.DuckDBPyConnection,
    table: NewTable,
    window: str | None,
    where: str,
    model: Model,
    known: Reference,
    rules: Rules,
) -> Judgement:
    """Judge the new rows, or those of a window.

    Args:
        connection: Any.
        table: The new rows.
        window: The beginning of the window; None for all rows.
        where: What a message calls the rows of the window, such as " in the month 2023-03"; "".
        model: The version's.
        known: The rows that it was trained and tested on.
        rules: By what they are judged.
    """
    rows, labelled, dropped = table.count(connection, window)
    found = Judgement(rows=rows, labelled=labelled)
    if labelled + dropped and not table.unlabelled:
        found.findings.append(unseen.counted(labelled, labelled + dropped, *rules.kept))
    if not rows:
        found.findings.append(_no_rows(dropped, where))
        return found
    there = {name: type for name, type in known.columns.items() if name in table.types}
    drawn = table.sql(window, one_of=one_of(rows))
    found.values = dict(read_values(connection, drawn, there, reference.kinds(there)))
    found.findings += [
        unseen.absent(name, name in rules.needed) for name in known.columns if name not in there
    ]
    found.findings += [
        unseen.misfits(name, known.columns[name], count, rows, example)
        for name, (count, example) in table.misfits(connection, window).items()
        if name in there
    ]
    found.findings += unseen.findings(
        {name: known.known[name] for name in found.values}, found.values
    )
    predicted = _predict(connection, drawn, there, model, found)
    _drift(found, known, predicted, model.labels)
    found.findings = [_expected(one, known.moving) for one in found.findings]
    still = {name: type for name, type in there.items() if name not in known.moving}
    frame = reference.comparable(connection, drawn, still)
    domain = domain_classifier.classify(known.frame[list(frame)], frame, rules.seed)
    if domain is not None:
        found.auc = domain.auc
        sides = {"training": len(known.frame), "new": len(frame)}
        told = domain_classifier.finding(domain, sides)
        # Rows that are split by time can be told apart at test already: no news.
        if told.level == ALERT and (known.test_auc or 0.0) >= domain_classifier.TELLS_APART:
            message = f"{told.message.rstrip('.')}; test rows with one of {known.test_auc:.2f}."
            told = replace(told, level=WARNING, message=message)
        found.findings.append(told)
    if predicted is not None:
        if labelled:
            _measure(connection, table, window, there, model, known, rules, found)
        elif model.labels:
            _estimate(predicted, known, rules, found)
    return found


def _expected(found: Finding, moving: frozenset[str]) -> Finding:
    """Return a finding; of a column that moves by itself, an alert of other values is a warning."""
    is_of_values = found.check in (drift.CHECK, unseen.CATEGORIES, unseen.RANGE)
    if not (is_of_values and found.column in moving and found.level == ALERT):
        return found
    message = f"{found.message.rstrip('.')}; it had shifted between train and test already."
    return replace(found, level=WARNING, message=message)


def _no_rows(dropped: int, where: str) -> Finding:
    message = f"there are no rows{where}"
    if dropped:
        message = f"none of the {dropped:,} rows{where} counts by the dataset's filter"
    return Finding(check="rows", value=0.0, level=ALERT, message=f"{message}.")


def _predict(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    columns: dict[str, str],
    model: Model,
    found: Judgement,
) -> np.ndarray | None:
    try:
        return model.predict(splits.read_frame(connection, rows, columns))[1]
    except WorkflowError as error:
        found.findings.append(
            Finding(check=PREDICTION, value=None, level=ALERT, message=str(error))
        )
        return None


def _drift(
    found: Judgement, known: Reference, predicted: np.ndarray | None, labels: list[Any]
) -> None:
    pairs = [
        Pair(name, f"column {quoted(name)}", one, found.values[name])
        for name, one in known.sample.items()
        if name in found.values and reference.is_comparable(known.columns[name])
    ]
    if predicted is not None:
        found.predictions = reference.prediction_values(predicted, labels)
        pairs.append(Pair("", "the prediction", known.predictions, found.predictions))
    found.findings += drift.shifts(pairs)


def _measure(
    connection: duckdb.DuckDBPyConnection,
    table: NewTable,
    window: str | None,
    columns: dict[str, str],
    model: Model,
    known: Reference,
    rules: Rules,
    found: Judgement,
) -> None:
    """Score the rows whose target is known."""
    rows = table.sql(window, labelled=True, one_of=one_of(found.labelled))
    ordered = f"(SELECT * FROM {rows} ORDER BY {quote(TOGETHER)})"
    frame = splits.read_frame(connection, ordered, columns, TARGET, TOGETHER)
    actual, together = frame.pop(TARGET), frame.pop(TOGETHER)
    predicted = model.predict(frame)[1]
    truth = codes(actual, model.labels) if model.labels else actual.to_numpy("float64")
    measured = performance.measure(
        rules.metric,
        (truth, predicted),
        known.test,
        clusters=(_clusters(together, rules.split), known.clusters),
        seed=rules.seed,
    )
    if isinstance(measured, str):
        found.findings.append(
            Finding(check="performance", value=None, level=WARNING, message=measured)
        )
        return
    found.performance = measured
    found.findings.append(performance.finding(measured, rules.max_degradation))


def _clusters(together: pd.Series, split: Split) -> RowClusters:
    if together.isna().all():
        return row_clusters.each(len(together))
    if isinstance(split, ByTime):
        return row_clusters.of_moments(together)
    return row_clusters.of_keys(together.to_numpy())


def _estimate(predicted: np.ndarray, known: Reference, rules: Rules, found: Judgement) -> None:
    metric, test = rules.metric, known.test
    expected = performance.estimate(metric, predicted, rules.seed)
    if not np.isfinite(expected):
        return
    found.estimates[metric.name] = expected
    own = performance.estimate(metric, np.asarray(test[1]), rules.seed)
    found.findings.append(
        performance.estimated(metric, expected, (own, value(metric, *test)), found.rows)
    )
