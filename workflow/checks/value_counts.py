"""The values in the splits' samples, read once, to be compared and to be drawn.

Numbers are kept sorted and texts counted: bins, quantiles and frequencies follow from that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sql_features.duckdb_types import FLOATS, kind_of
from sql_features.expressions import TARGET, quote
from workflow.checks.split_scan import LONG, Split

ValueKind = Literal["number", "boolean", "text", "time", "other"]


@dataclass(frozen=True)
class Numbers:
    """Numbers, or times as seconds (since 1970, or midnight) and booleans as 0 and 1.

    Attributes:
        values: (n_known,) finite numbers, ascending.
        missing: Rows without one.
    """

    values: np.ndarray
    missing: int = 0

    @classmethod
    def of(cls, values: np.ndarray) -> "Numbers":
        """Sort (n,) numbers, of which those that are not finite are missing."""
        known = np.sort(values[np.isfinite(values)]).astype(np.float64, copy=False)
        return cls(known, len(values) - len(known))

    @property
    def known(self) -> int:
        """Rows with a number."""
        return len(self.values)

    @property
    def distinct(self) -> int:
        """How many different numbers there are."""
        return int(np.count_nonzero(np.diff(self.values))) + bool(self.known)

    def count(self, ends: np.ndarray) -> np.ndarray:
        """Return how many rows are in each of the (n_ends + 1,) bins, which hold their upper end.

        Args:
            ends: (n_ends,) of all bins but the last, ascending.
        """
        return np.diff([0, *np.searchsorted(self.values, ends, side="right"), self.known])


@dataclass(frozen=True)
class Texts:
    """Texts.

    Attributes:
        counted: (n_distinct,) different texts ("values") in no order, and the rows that have each
            ("counts").
        missing: Rows without one.
    """

    counted: pa.StructArray
    missing: int = 0

    @classmethod
    def of(cls, values: pa.Array | pa.ChunkedArray) -> "Texts":
        """Count (n,) texts, some of which may be null."""
        return cls(pc.value_counts(values.drop_null()), values.null_count)

    @cached_property
    def known(self) -> int:
        """Rows with a text."""
        return pc.sum(self.counted.field("counts")).as_py() or 0

    @property
    def distinct(self) -> int:
        """How many different texts there are."""
        return len(self.counted)

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return how many rows have each of the (n,) texts, and how many have another one."""
        values, counts = self.counted.flatten()
        places = pc.index_in(pa.array(texts, values.type), values)
        found = pc.fill_null(counts.take(places), 0).to_numpy(zero_copy_only=False)
        return np.append(found, self.known - found.sum())


# The values in a split's sample, by column.
Sample = Mapping[str, Numbers | Texts]


def kinds(split: Split, task: str) -> dict[str, ValueKind]:
    """Return the kind of the target, then of the columns that features read; classes are texts."""
    found = {column: value_kind(split.types[column]) for column in [TARGET, *split.features]}
    return found if task == "regression" else found | {TARGET: "text"}


def read(
    connection: duckdb.DuckDBPyConnection, split: Split, kinds: Mapping[str, ValueKind]
) -> Sample:
    """Return the values in a split's sample, of every column whose kind is not "other".

    Texts that are alike in their first `LONG` characters count as one.

    Args:
        connection: It holds the sample.
        split: The split whose sample is read.
        kinds: By column; the target is among them.
    """
    return read_values(connection, split.sample, split.types, kinds)


def read_values(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    types: Mapping[str, str],
    kinds: Mapping[str, ValueKind],
) -> Sample:
    """Return the values of every column of a table whose kind is not "other".

    Args:
        connection: Any that can read the table.
        table: Its SQL.
        types: DuckDB type by column.
        kinds: By column.
    """
    wanted = {column: kind for column, kind in kinds.items() if kind != "other"}
    if not wanted:
        return {}
    selected = ", ".join(
        f"{value_sql(column, types[column], kind)} AS c{n}"
        for n, (column, kind) in enumerate(wanted.items())
    )
    found = connection.sql(f"SELECT {selected} FROM {table}").to_arrow_table()
    return {
        column: Texts.of(values) if kinds[column] == "text" else Numbers.of(values.to_numpy())
        for column, values in zip(wanted, found, strict=True)
    }


def value_kind(type: str) -> ValueKind:
    """Return the kind of a DuckDB type's values."""
    match kind_of(type):
        case "date" | "time":
            return "time"
        case "number" | "boolean" | "text" as kind:
            return kind
        case _:
            return "other"


def value_sql(column: str, type: str, kind: ValueKind) -> str:
    """Return the SQL of a column's value as `Numbers` or `Texts` take it."""
    match kind:
        case "text":
            return f"left(CAST({quote(column)} AS VARCHAR), {LONG})"
        case "time":
            return f"epoch({quote(column)})"
        case _ if type in FLOATS:
            return quote(column)  # `Numbers` looks whether it is finite
        case _:
            return f"CAST({quote(column)} AS DOUBLE)"
