"""Gaps that give the target away: a column that is filled only where the answer is known."""

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd

from sql_features.duckdb_types import FLOATS
from sql_features.expressions import TARGET, quote
from workflow.checks.finding import OK, TRAIN, WARNING, Finding
from workflow.checks.split_scan import Split
from workflow.plain_values import quoted
from workflow.schema.leak_evidence import Target, evidence


def leaking_gaps(
    connection: duckdb.DuckDBPyConnection, train: Split, task: str
) -> Iterator[Finding]:
    """Look whether a column's being missing, alone, predicts the target near-perfectly.

    A dataset that is inferred from a table leaves such columns out by the same tests; they are the
    only ones for a dataset that somebody has written.

    Args:
        connection: It holds the sample of train.
        train: The split, which has rows.
        task: "regression", or one whose target is a class.
    """
    gappy = [column for column in train.features if 0 < train.missing[column] < train.rows]
    leaks = 0
    if gappy:
        known = [
            f"isfinite({quote(column)})"
            if train.types[column] in FLOATS
            else f"({quote(column)} IS NOT NULL)"
            for column in gappy
        ]
        gaps = ", ".join(f"NOT coalesce({one}, false) AS c{n}" for n, one in enumerate(known))
        frame = connection.execute(
            f"SELECT {gaps}, {quote(TARGET)} AS goal FROM {train.sample}"
        ).df()
        # The rows of a file may be in the order of the target.
        frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))]
        target = _target(frame.pop("goal"), task)
        for column, (_, values) in zip(gappy, frame.items(), strict=True):
            how = evidence(values.to_numpy("float64"), "gaps", target, len(gappy))
            if not how:
                continue
            leaks += 1
            message = (
                f"column {quoted(column)} gives the target away in train, {how}: leave it out, "
                "unless its gaps are known before the target."
            )
            rate = train.missing[column] / train.rows
            yield Finding("leaking gaps", TRAIN, column, rate, WARNING, message)
    if not leaks:
        message = "no column's gaps give the target away in train."
        yield Finding("leaking gaps", TRAIN, "", 0, OK, message)


def _target(values: pd.Series, task: str) -> Target:
    if task == "regression":
        return Target("the target", values.to_numpy("float64"))
    codes, names = pd.factorize(values)
    return Target("the target", codes.astype(np.float64), [str(name) for name in names])
