"""What new rows are compared with: the rows that a version was trained and tested on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from sql_features.expressions import connect, quote
from sql_features.labelled_pipeline import PREDICTION, PROBABILITY
from workflow.checks.drift import SHIFTED, binned, stability_by_chance, stability_index
from workflow.checks.value_counts import (
    Numbers,
    Sample,
    Texts,
    ValueKind,
    read_values,
    value_kind,
    value_sql,
)
from workflow.data.parquet import scan_parquet
from workflow.data.row_clusters import RowClusters, row_clusters
from workflow.data.splits import Splits
from workflow.evaluation.scores import Judged, codes
from workflow.monitoring import domain_classifier
from workflow.monitoring.sampling import drawn, one_of
from workflow.monitoring.unseen import Known

SEED = 42  # of the classifier that tells test rows from training rows
MOST_TEXTS = 1_000_000  # different ones in a column, beyond which new ones are not looked for


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The rows that a version was trained and tested on.

    Attributes:
        columns: DuckDB type by raw column that the model reads.
        known: What all training rows have, by column.
        sample: Values of at most `MOST` training rows, by column that can be compared.
        frame: The same rows, for a classifier.
        test_frame: As many test rows.
        rows: Training rows.
        moving: Columns that had shifted between train and test already, such as the month of rows
            that are split by time: new rows will differ in them too.
        predictions: The predictions on test, as `prediction_values` makes them.
        test: Targets and predictions of the test rows.
        clusters: Of the test rows.
    """

    columns: dict[str, str]
    known: dict[str, Known]
    sample: Sample
    frame: pd.DataFrame
    test_frame: pd.DataFrame
    rows: int
    moving: frozenset[str]
    predictions: Numbers | Texts
    test: Judged
    clusters: RowClusters

    @cached_property
    def test_auc(self) -> float | None:
        """How well a classifier tells test rows from training rows, by columns that do not move."""
        still = [name for name in self.frame if name not in self.moving]
        domain = domain_classifier.classify(self.frame[still], self.test_frame[still], SEED)
        return None if domain is None else domain.auc


def read(
    splits: Splits, columns: Mapping[str, str], answers: pd.DataFrame, labels: list[object]
) -> Reference:
    """Read the reference of a version.

    Args:
        splits: Those that it was trained on.
        columns: DuckDB type by raw column that the model reads.
        answers: (n_test_rows, ...) predictions and "actual" of its register run.
        labels: (n_classes,) the model's; none of a regression.
    """
    path = splits.path("train")
    with connect() as connection:
        (rows,) = _row(connection, f"count(*) FROM {scan_parquet([path])}")
        known = {
            column: _known(connection, scan_parquet([path]), column, type, rows)
            for column, type in columns.items()
        }
        table = drawn(path, splits.columns, [], one_of(rows))
        sample = read_values(connection, table, columns, kinds(columns))
        frame = comparable(connection, table, columns)
        of_test = _drawn_of_test(connection, splits)
        test_frame = comparable(connection, of_test, columns)
        moving = _moving(read_values(connection, of_test, columns, kinds(columns)), columns, sample)
    actual = answers["actual"]
    probabilities = [f"{PROBABILITY}{label}" for label in labels]
    predictions = answers[probabilities if labels else PREDICTION].to_numpy()
    truth = codes(actual, labels) if labels else actual.to_numpy()
    return Reference(
        columns=dict(columns),
        known=known,
        sample=sample,
        frame=frame,
        test_frame=test_frame,
        rows=rows,
        moving=moving,
        predictions=prediction_values(predictions, labels),
        test=(truth, predictions),
        clusters=row_clusters(splits, "test"),
    )


def _drawn_of_test(connection: duckdb.DuckDBPyConnection, splits: Splits) -> str:
    path = splits.path("test")
    (rows,) = _row(connection, f"count(*) FROM {scan_parquet([path])}")
    return drawn(path, splits.columns, [], one_of(rows))


def _moving(test: Sample, columns: Mapping[str, str], train: Sample) -> frozenset[str]:
    """Return the columns that have shifted between train and test, by more than chance."""
    found = set()
    for column, values in test.items():
        if is_comparable(columns[column]):
            _, (before, after) = binned(train[column], values)
            least = max(SHIFTED, stability_by_chance(before, after))
            if stability_index(before, after) >= least:
                found.add(column)
    return frozenset(found)


def kinds(columns: Mapping[str, str]) -> dict[str, ValueKind]:
    """Return the kind of each column's values."""
    return {column: value_kind(type) for column, type in columns.items()}


def is_comparable(type: str) -> bool:
    """Tell whether values of a type are compared: a time moves on by itself."""
    return value_kind(type) in ("number", "boolean", "text")


def comparable(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]
) -> pd.DataFrame:
    """Return the columns of a table that can be compared, as numbers and texts."""
    wanted = {column: type for column, type in columns.items() if is_comparable(type)}
    selected = ", ".join(
        f"{value_sql(column, type, value_kind(type))} AS {quote(column)}"
        for column, type in wanted.items()
    )
    if not selected:
        return pd.DataFrame()
    return connection.execute(f"SELECT {selected} FROM {table}").df()


def prediction_values(predictions: np.ndarray, labels: list[object]) -> Numbers | Texts:
    """Return predictions as they are compared.

    Args:
        predictions: (n_rows,) values or (n_rows, n_classes) probabilities.
        labels: (n_classes,): of two, the second one's probability counts; of more, which one is
            the most probable.
    """
    if not labels:
        return Numbers.of(np.asarray(predictions, "float64"))
    if len(labels) == 2:
        return Numbers.of(np.asarray(predictions[:, 1], "float64"))
    most = predictions.argmax(axis=1)
    return Texts.of(pa.array([str(label) for label in labels]).take(pa.array(most)))


def _known(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, type: str, rows: int
) -> Known:
    kind, name = value_kind(type), quote(column)
    if kind == "text":
        value = value_sql(column, type, kind)
        known, distinct = _row(
            connection, f"count({name}), approx_count_distinct({name}) FROM {table}"
        )
        if distinct > MOST_TEXTS:
            return Known(rows=rows, missing=rows - known)
        counted = connection.execute(
            f"SELECT {value} AS text, count(*) FROM {table} WHERE text IS NOT NULL GROUP BY 1"
        ).fetchall()
        return Known(rows=rows, missing=rows - known, counts=dict(counted))
    if kind == "number":
        value = value_sql(column, type, kind)
        finite = f"isfinite(CAST({value} AS DOUBLE))"
        known, least, greatest = _row(
            connection,
            f"count(*) FILTER (WHERE {finite}), min({value}) FILTER (WHERE {finite}), "
            f"max({value}) FILTER (WHERE {finite}) FROM {table}",
        )
        ends = (float(least), float(greatest)) if known else None
        return Known(rows=rows, missing=rows - known, ends=ends)
    (known,) = _row(connection, f"count({name}) FROM {table}")
    return Known(rows=rows, missing=rows - known)


def _row(connection: duckdb.DuckDBPyConnection, selected: str) -> tuple[Any, ...]:
    (row,) = connection.execute(f"SELECT {selected}").fetchall()
    return row
