"""Whether new rows can be told from training rows by all columns together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from workflow.binning import sampled
from workflow.monitoring.finding import ALERT, BY_CHANCE, OK, Finding
from workflow.plain_values import quoted

MOST, LEAST = 10_000, 50  # rows of a side
TELLS_APART = 0.65  # area under the ROC curve: 0.5 where nothing tells them apart
CATEGORIES = 100  # of a column; rarer ones count as one
FOLDS = 3
GIVE_AWAY = 0.1  # the share of the trees' gain from which a column is named
SETTINGS: dict[str, Any] = {
    "n_estimators": 60,
    "num_leaves": 15,
    "min_child_samples": 20,
    "learning_rate": 0.1,
    "n_jobs": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True)
class Domain:
    """How well a classifier tells new rows from training rows.

    Attributes:
        auc: The area under its ROC curve, on rows that it was not fitted on.
        shares: The share of the trees' gain by column, the greatest first.
    """

    auc: float
    shares: dict[str, float]


def classify(reference: pd.DataFrame, new: pd.DataFrame, seed: int) -> Domain | None:
    """Fit a classifier that tells two frames apart, judged by folds; None of too few rows.

    Args:
        reference: (n_rows, n_columns) numbers and texts.
        new: The same columns.
        seed: Of the rows that are drawn of a longer frame, and of the folds.
    """
    if min(len(reference), len(new)) < LEAST or not len(reference.columns):
        return None
    parts = [one.iloc[sampled(len(one), MOST, seed)] for one in (reference, new)]
    x, y = _encoded(pd.concat(parts, ignore_index=True)), np.repeat([0, 1], [*map(len, parts)])
    scores, gains = np.zeros(len(y)), np.zeros(x.shape[1])
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y):
        model = LGBMClassifier(random_state=seed, importance_type="gain", **SETTINGS)
        model.fit(x.iloc[train], y[train])
        scores[test] = np.asarray(model.predict_proba(x.iloc[test]))[:, 1]
        gains += model.feature_importances_
    shares = gains / gains.sum() if gains.sum() else gains
    order = np.argsort(-shares, kind="stable")
    named = {str(reference.columns[place]): float(shares[place]) for place in order}
    return Domain(float(roc_auc_score(y, scores)), named)


def finding(domain: Domain, rows: Mapping[str, int]) -> Finding:
    """Return what a classifier has found.

    Args:
        domain: How well it tells the rows apart.
        rows: Of both sides.
    """
    message = (
        f"new rows can be told from training rows with an area under the curve of {domain.auc:.2f}"
    )
    level = OK
    chance = stats.norm.isf(BY_CHANCE) * _error(*(min(n, MOST) for n in rows.values()))
    if domain.auc >= TELLS_APART and domain.auc - 0.5 > chance:
        level = ALERT
        given = [quoted(name) for name, one in domain.shares.items() if one >= GIVE_AWAY][:3]
        message += f" (0.5 is chance), by {', '.join(given)}" if given else ""
    return Finding(check="all columns", value=domain.auc, level=level, message=f"{message}.")


def _error(one: int, other: int) -> float:
    """Return the standard error of the area under the curve of scores that tell nothing."""
    return math.sqrt((one + other + 1) / (12 * one * other))


def _encoded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame as LightGBM takes it, under names that it accepts."""
    encoded = {}
    for place, name in enumerate(frame):
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            encoded[f"c{place}"] = values.astype("float64")
        else:
            frequent = values.value_counts().index[:CATEGORIES]
            rest = values.where(values.isin(frequent) | values.isna(), "other values")
            encoded[f"c{place}"] = rest.astype("category")
    return pd.DataFrame(encoded)
