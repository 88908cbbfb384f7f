"""A preprocess run's splits, read: raw columns, targets, and what decides the rows' split."""

from pathlib import Path

import pandas as pd

from sql_features.expressions import (
    TARGET,
    connect,
    quote,
)
from workflow.data import readers

WHOLE = "table"  # what files that a rule splits are called, where others are called by their split
POSITION = "split position"  # of a row split by its hash: in [0, 1), the same for rows alike in key


def read_split(path: Path, columns: list[str]) -> tuple[pd.DataFrame, pd.Series]:
    """Return a split's raw columns and its target.

    Args:
        path: The split's Parquet file.
        columns: The raw columns wanted, as SQL spells them.
    """
    wanted = ", ".join(quote(name) for name in [*columns, TARGET])
    with connect() as connection:
        frame = connection.execute(f"SELECT {wanted} FROM {readers.scan([path])}").df()
    return frame.drop(columns=TARGET), frame[TARGET]


def read_positions(path: Path) -> pd.Series | None:
    """Return `POSITION` of each row of a split, or None where rows are not split by their hash."""
    scan = readers.scan([path])
    with connect() as connection:
        if POSITION not in readers.columns(connection, scan):
            return None
        return connection.execute(f"SELECT {quote(POSITION)} FROM {scan}").df()[POSITION]


def split_columns(path: Path) -> dict[str, str]:
    """Return the DuckDB type of each raw column of a split."""
    with connect() as connection:
        columns = readers.columns(connection, readers.scan([path]))
    return {name: type for name, type in columns.items() if name not in (TARGET, POSITION)}
