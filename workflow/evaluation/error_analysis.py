"""Where a model is wrong: its errors by the values of features, and its worst rows."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sql_features.expressions import columns_of
from workflow.binning import MISSING, OTHERS, TENTHS, deciles, most_frequent
from workflow.plain_values import CELL, apart, cell, ranges, significant, text

COLUMNS = 12  # most raw columns of the worst rows
NAME = 60  # most characters of a feature's name

# By name: (n_rows,) numbers, and the function that makes one value of those in a bin.
Measures = dict[str, tuple[np.ndarray, Callable[[np.ndarray], float]]]


def by_value(values: pd.Series, kind: str, measures: Measures) -> dict[str, Any]:
    """Return what is measured in each bin of a feature's values.

    Args:
        values: (n_rows,) values of a feature, as SqlFeatures returns them.
        kind: "number" or "category".
        measures: Of the same rows.

    Returns:
        "bins" (labels, all different, at most 12), "rows" and the measures, each with a value for
        each bin; no bin is without rows.
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
    """Return a measure of (n_rows,) numbers, None if it is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return significant(measure(numbers))


def binned(values: pd.Series, kind: str) -> tuple[np.ndarray, list[str]]:
    """Put a feature's values into bins: each different value has its own, if there are few.

    Else the bins are deciles, or the most frequent texts and all others.

    Args:
        values: (n_rows,) values of a feature.
        kind: "number" or "category".

    Returns:
        The (n_rows,) position of each row's bin, and the bins' labels.
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
    columns: dict[str, np.ndarray],
    features: Collection[str],
) -> dict[str, Any]:
    """Return rows as a table: given columns, then the raw ones that the first features read.

    Args:
        raw: All rows.
        positions: (n,) positions in `raw` of the rows that are returned.
        columns: (n,) values of these rows, by column.
        features: The features' SQL, the most important first.
    """
    spelled = {column.casefold(): column for column in raw}
    read = [one.casefold() for sql in features for one in sorted(columns_of(sql, "feature"))]
    order = dict.fromkeys([*(one for one in read if one in spelled), *spelled])
    chosen = [spelled[one] for one in order][:COLUMNS]
    values = [*columns.values(), *(raw[name].iloc[positions] for name in chosen)]
    return {
        "columns": [*columns, *(text(name, NAME) for name in chosen)],
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
