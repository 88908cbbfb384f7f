"""Splits for the tests of what looks at them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from sql_features.expressions import TARGET, connect, quote
from workflow.checks.split_scan import Split, scan_splits
from workflow.data.split_rules import SPLITS


def rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(size=count),
            "colour": rng.choice(["red", "green", "blue"], count),
            "target": rng.normal(size=count),
        }
    )


def ordinary() -> dict[str, pd.DataFrame]:
    """Return splits in which there is nothing to find."""
    return {split: rows(n, n) for split, n in zip(SPLITS, (600, 200, 201), strict=True)}


def written(frames: Mapping[str, pd.DataFrame], folder: Path) -> dict[str, Path]:
    """Write each frame to a file; return them by split."""
    paths = {split: folder / f"{split}.parquet" for split in frames}
    for split, frame in frames.items():
        frame.to_parquet(paths[split], index=False)
    return paths


@contextmanager
def looked_at(
    frames: Mapping[str, pd.DataFrame],
    folder: Path,
    task: str = "regression",
    threads: int = 2,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Split], int]]:
    """Yield a connection, the splits, and of how many rows one is drawn for copies.

    Every column is a feature's.
    """
    features = {name: quote(name) for name in frames["train"] if name != TARGET}
    with connect() as connection:
        connection.execute(f"SET threads = {threads}").fetchall()
        yield connection, *scan_splits(connection, written(frames, folder), task, features)
