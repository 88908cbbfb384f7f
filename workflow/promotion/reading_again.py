"""Columns that a test split has not, read again from the data that it was made of."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from workflow import addresses
from workflow.data.new_rows import open_rows, write_labelled
from workflow.data.request import SAMPLE, location
from workflow.data.split_rules import ByFiles, ByHash
from workflow.data.splits import Splits
from workflow.promotion.errors import NotComparable


def columns_of_test(splits: Splits, types: dict[str, str]) -> pd.DataFrame:
    """Return columns of the raw rows that a test split is made of, in its order.

    The same rows are found by the split's own rule. That they are the same is seen from their
    targets, all of which have to be equal.

    Args:
        splits: A preprocess run's.
        types: DuckDB type by column.

    Returns:
        (n_rows, n_columns) frame.

    Raises:
        NotComparable: The data are gone or have changed, or lack a column.
        WorkflowError: They cannot be read.
    """
    dataset, names = splits.dataset, ", ".join(types)
    rule, place = dataset.split, dataset.data
    if place == SAMPLE:
        raise NotComparable(f"it needs the columns {names}, which the test split lacks")
    if isinstance(rule, ByFiles):
        place = addresses.joined(place, rule.files["test"])
    _, actual = splits.read("test", [])
    with tempfile.TemporaryDirectory() as folder:
        raw, written = Path(folder, "raw"), Path(folder, "labelled")
        raw.mkdir()
        written.mkdir()
        rows = open_rows(location("data", place), dataset, splits.columns | types, raw)
        if absent := [name for name in types if name in rows.absent]:
            lacking = ", ".join(absent)
            raise NotComparable(f"it needs the columns {lacking}, which {rows.name} lacks")
        labelled, _ = write_labelled(rows, written)
        frame, targets = labelled.read("test", types)
        if isinstance(rule, ByHash):
            positions = labelled.positions("test")
            if positions is None:  # rows that repeat: which of them are in the test is not known
                raise NotComparable(f"it needs the columns {names}, which the test split lacks")
            kept = np.flatnonzero(positions < rule.test)
        else:  # all rows of the file, or the latest of the table
            kept = np.arange(len(targets))[-len(actual) :]
        frame, targets = frame.iloc[kept], targets.iloc[kept]
    if not np.array_equal(targets.to_numpy(), actual.to_numpy()):
        raise NotComparable(
            f"it needs the columns {names}, which the test split lacks, and {rows.name} is not as "
            "it was when the split was made"
        )
    return frame.reset_index(drop=True)
