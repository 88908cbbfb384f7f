"""Reading a preprocess run's splits: raw columns, targets, and the position of each row."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from sql_features.duckdb_types import ZONED
from sql_features.expressions import TARGET, connect, feature_columns, quote
from workflow import digests
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml
from workflow.data.parquet import column_types, scan_parquet
from workflow.data.split_rules import SPLITS, ByTime

DEFINITION = "dataset.yaml"  # the file of a splits folder beside those of the rows
WHOLE = "table"  # stands for a split where a rule splits the files of one table
DIGITS = 15  # a double holds any decimal of so many
# Column of a split by hash: in [0, 1), equal for rows that stay together.
POSITION = "split position"


def split_columns(path: Path) -> dict[str, str]:
    """Return the DuckDB type of each raw column of a split."""
    with connect() as connection:
        columns = column_types(connection, scan_parquet([path]))
    return {name: type for name, type in columns.items() if name not in (TARGET, POSITION)}


def read_frame(
    connection: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, str], *more: str
) -> pd.DataFrame:
    """Return columns of a table.

    Decimals are doubles, those that are too long for one are of an Arrow type.

    Args:
        connection: Any that can read the table.
        table: Its SQL.
        types: DuckDB type by raw column.
        more: Further columns.
    """
    wanted = ", ".join(map(quote, [*types, *more]))
    frame = _frame(connection, f"SELECT {wanted} FROM {table}")
    if long := [name for name, type in types.items() if _is_long(type)]:
        wanted = ", ".join(map(quote, long))
        exact = connection.sql(f"SELECT {wanted} FROM {table}").to_arrow_table()
        frame[long] = exact.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _is_long(type: str) -> bool:
    """Tell whether a DuckDB type is of decimals with more digits than any double holds."""
    digits = re.match(r"DECIMAL\((\d+)", type)
    return digits is not None and int(digits[1]) > DIGITS


def _frame(connection: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """Return the rows of a query; a time with a zone is one in UTC.

    DuckDB's own conversion of such times uses what pandas is about to take away.
    """
    rows = connection.sql(query)
    types = zip(rows.columns, map(str, rows.types), strict=True)
    if not (zoned := [name for name, type in types if type == ZONED]):
        return rows.df()
    bare = ", ".join(f"timezone('UTC', {quote(name)}) AS {quote(name)}" for name in zoned)
    frame = connection.sql(f"SELECT * REPLACE ({bare}) FROM ({query})").df()
    return frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in zoned})


@dataclass(frozen=True)
class Splits:
    """A preprocess run's `splits/`, downloaded to this machine; or new rows as its test split.

    Attributes:
        uri: `runs:/<run id>/splits`; of new rows their address.
        folder: Where its files are.
    """

    uri: str
    folder: Path

    @property
    def run_id(self) -> str:
        """The preprocess run's id."""
        return self.uri.removeprefix("runs:/").partition("/")[0]

    @cached_property
    def dataset(self) -> Dataset:
        """The definition the splits were made by."""
        path = self.folder / DEFINITION
        return from_yaml(path.read_text(encoding="utf-8"), where=f"{self.uri}/{DEFINITION}")

    def path(self, split: str) -> Path:
        """Return where a split's rows are."""
        return self.folder / f"{split}.parquet"

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each split's rows, by its name."""
        return {split: digests.of_files([self.path(split)]) for split in SPLITS}

    @cached_property
    def columns(self) -> dict[str, str]:
        """DuckDB type by raw column."""
        there = (self.path(split) for split in SPLITS if self.path(split).is_file())
        return split_columns(next(there))

    def columns_for(self, features: dict[str, str]) -> dict[str, str]:
        """Return the raw columns that features name, with their types."""
        named = {name.casefold() for name in feature_columns(features)}
        return {name: type for name, type in self.columns.items() if name.casefold() in named}

    def texts_for(self, columns: Iterable[str]) -> dict[str, Any]:
        """Return how texts of raw columns are read, as `SqlFeatures` takes it: by argument."""
        own = {name.casefold(): name for name in columns}
        readings = {
            own[name.casefold()]: reading
            for name, reading in self.dataset.readings.items()
            if name.casefold() in own
        }
        missing = self.dataset.missing
        return {"readings": readings or None, "missing": None if missing is None else list(missing)}

    def read(self, split: str, columns: Iterable[str]) -> tuple[pd.DataFrame, pd.Series]:
        """Return a split's raw columns and its target.

        Decimals are doubles, those that are too long for one are of an Arrow type.
        """
        types = {name: self.columns[name] for name in columns}
        with connect() as connection:
            frame = read_frame(connection, scan_parquet([self.path(split)]), types, TARGET)
        return frame, frame.pop(TARGET)

    def row_count(self, *splits: str) -> int:
        """Return how many rows some splits have."""
        scan = scan_parquet([self.path(split) for split in splits])
        with connect() as connection:
            ((rows,),) = connection.execute(f"SELECT count(*) FROM {scan}").fetchall()
        return int(rows)

    def positions(self, *splits: str) -> np.ndarray | None:
        """Return (n_rows,) `POSITION` of the splits' rows, or None where no hash splits them.

        Rows of equal positions are one cluster: they are alike in the key. Where rows repeat by
        nature, each has a position of its own.
        """
        scan = scan_parquet([self.path(split) for split in splits])
        with connect() as connection:
            if POSITION not in column_types(connection, scan):
                return None
            frame = connection.execute(f"SELECT {quote(POSITION)} FROM {scan}").df()
        return np.asarray(frame[POSITION])

    def moments(self, *splits: str) -> pd.Series | None:
        """Return (n_rows,) times of the splits' rows, or None where they are not split by time.

        They are times or numbers, as the rule of the split computes them, and in ascending order
        within a split.
        """
        rule = self.dataset.split
        if not isinstance(rule, ByTime):
            return None
        scan = scan_parquet([self.path(split) for split in splits])
        with connect() as connection:
            frame = _frame(connection, f"SELECT (\n{rule.column}\n) AS moment FROM {scan}")
        return frame["moment"]
