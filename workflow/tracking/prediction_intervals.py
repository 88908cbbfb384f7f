"""The intervals of a registered version's predictions, from what its workflow has kept."""

import json
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import PREDICTION, PROBABILITY
from workflow.evaluation import conformal
from workflow.evaluation.conformal import Residuals
from workflow.tracking import artifacts, names
from workflow.tracking.model_versions import RegisteredVersion

LOW, HIGH, SET = f"{PREDICTION}_low", f"{PREDICTION}_high", f"{PREDICTION}_set"
NAMES = (LOW, HIGH, SET)


def read(version: RegisteredVersion) -> Residuals:
    """Return the residuals that a version's register run has kept.

    Raises:
        WorkflowError: It has none.
    """
    uri = f"runs:/{version.register_run.info.run_id}/{names.WINNER}"
    winner = artifacts.or_none(mlflow.artifacts.load_dict, uri)
    kept = winner and winner.get(names.INTERVALS)
    if not kept:
        raise WorkflowError(
            f"interval: model '{version.name}/{version.number}' has no residuals, as it was "
            "registered by a version before 0.2.0, or its register run is gone: register it again, "
            "or give interval=none."
        )
    return Residuals.from_dict(kept["residuals"])


def fields(labels: list[Any], as_text: bool) -> list[pa.Field]:
    """Return the columns that tell intervals, or the sets of classes.

    Args:
        labels: Of the classes; none for numbers.
        as_text: Whether a set is written as JSON.
    """
    if not labels:
        return [pa.field(LOW, pa.float64()), pa.field(HIGH, pa.float64())]
    return [pa.field(SET, pa.string() if as_text else pa.list_(pa.array(labels).type))]


def columns(
    answer: pd.DataFrame, labels: list[Any], most: float, as_text: bool
) -> dict[str, pa.Array]:
    """Return the values of `fields` for predictions.

    Args:
        answer: As `LoadedModel.predict` returns it; rows without a prediction have None.
        labels: As well.
        most: What `Residuals.within` has returned.
        as_text: As well.
    """
    if not labels:
        values = answer[PREDICTION].astype(float)
        bounds = {LOW: values - most, HIGH: values + most}
        return {
            name: pa.array(bound, pa.float64(), from_pandas=True) for name, bound in bounds.items()
        }
    absent = answer[PREDICTION].isna().to_numpy()
    probabilities = answer.reindex(columns=[f"{PROBABILITY}{label}" for label in labels])
    inside = conformal.holds(probabilities.to_numpy(dtype=float), most)
    known = pa.array(labels)
    if as_text:
        texts = [
            None if gone else json.dumps([labels[place] for place in np.flatnonzero(row)])
            for gone, row in zip(absent, inside, strict=True)
        ]
        return {SET: pa.array(texts, pa.string())}
    offsets = np.concatenate([[0], inside.sum(axis=1).cumsum()])
    members = known.take(pa.array(np.nonzero(inside)[1]))
    offsets_array = pa.array(offsets, pa.int32())
    return {SET: pa.ListArray.from_arrays(offsets_array, members, mask=pa.array(absent))}
