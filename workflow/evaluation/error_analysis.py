"""Where a model is wrong: its errors by the values of features, and its worst rows."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sql_features.expressions import feature_columns
from workflow.binning import MISSING, OTHERS, TENTHS, deciles, most_frequent
from workflow.formatting import CELL, apart, cell, ranges, significant, text

COLUMNS = 12  # raw ones of the worst rows
NAME = 60  # characters of a feature's name

# Of (n_rows,) numbers, and what becomes of them in a bin.
Measures = dict[str, tuple[np.ndarray, Callable[[np.ndarray], float]]]


def by_value(values: pd.Series, kind: str, measures: Measures) -> dict[str, Any]:
    """Return what is measured in each part of a feature's values.

    Args:
        values: (n_rows,) as SqlFeatures gives them.
        kind: "number" or "category".
        measures: Of the same rows.

    Returns:
        "bins" (labels, all different; at most 12, none of them empty), "rows", and the measures,
        one a bin.
    """
    positions, labels = binned(values, kind)
    parts = [positions == one for one in range(len(labels))]
    return {
        "bins": labels,
        "rows": [int(part.sum()) for part in parts],
        **{
            name: [measured(numbers[part], measure) for part in parts]
            for name, (numbers, measure) in measures.items()
        },
    }


def measured(numbers: np.ndarray, measure: Callable[[np.ndarray], float]) -> float | None:
    """Return what becomes of (n_rows,) numbers, None if it is no finite number."""
    with np.errstate(over="ignore", invalid="ignore"):
        return significant(measure(numbers))


def binned(values: pd.Series, kind: str) -> tuple[np.ndarray, list[str]]:
    """Put values into bins: each its own if they are few, else deciles or the most frequent.

    A number that is a decile twice, a tenth of the rows or more, has a bin of its own.

    Args:
        values: (n_rows,) a feature.
        kind: "number" or "category".

    Returns:
        The (n_rows,) bin of each, and the bins' labels.
    """
    known = values.notna().to_numpy()
    if kind == "number":
        place, labels = _number_bins(values[known].to_numpy("float64"))
    else:
        place, labels = _text_bins(values[known])
    positions = np.full(len(values), len(labels))
    positions[known] = place
    if not known.all():
        labels.append(MISSING)
    return positions, apart(labels)


def worst_rows(
    raw: pd.DataFrame,
    positions: np.ndarray,
    told: dict[str, np.ndarray],
    features: Collection[str],
) -> dict[str, Any]:
    """Return rows as a table: what is told of them, then their most telling raw columns.

    Args:
        raw: All rows.
        positions: (n,) of the rows in `raw`.
        told: (n,) values by column.
        features: Their SQL, the most important first.
    """
    spelled = {column.casefold(): column for column in raw}
    read = [one.casefold() for sql in features for one in sorted(feature_columns({"": sql}))]
    order = dict.fromkeys([*(one for one in read if one in spelled), *spelled])
    columns = [spelled[one] for one in order][:COLUMNS]
    values = [*told.values(), *(raw[name].iloc[positions] for name in columns)]
    return {
        "columns": [*told, *(text(name, NAME) for name in columns)],
        "positions": positions.tolist(),
        "rows": [[cell(one) for one in row] for row in zip(*values, strict=True)],
    }


def _number_bins(numbers: np.ndarray) -> tuple[np.ndarray, list[str]]:
    own, place = np.unique(numbers, return_inverse=True)
    if len(own) > TENTHS + 1:
        _, place = np.unique(np.searchsorted(deciles(numbers), numbers), return_inverse=True)
    parts = [numbers[place == one] for one in range(place.max(initial=-1) + 1)]
    return place, ranges([(float(part.min()), float(part.max())) for part in parts])


def _text_bins(texts: pd.Series) -> tuple[np.ndarray, list[str]]:
    counted = pc.value_counts(pa.array(texts, pa.string()))
    top = most_frequent(counted, TENTHS if len(counted) > TENTHS + 1 else TENTHS + 1)
    bins = {value: position for position, value in enumerate(top)}
    place = texts.map(bins).fillna(len(bins)).to_numpy("int64")
    labels = [f"'{one}'" if one in (OTHERS, MISSING) else text(one, CELL) for one in top]
    return place, [*labels, OTHERS] if (place == len(bins)).any() else labels
