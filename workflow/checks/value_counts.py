"""The values in the splits' samples, read once and counted, to be compared and to be drawn.

A column's values are kept as the distinct ones and how often each occurs: bins, quantiles and
frequencies of any kind follow from that without another look at the rows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sql_features.duckdb_types import kind_of
from sql_features.expressions import TARGET, quote
from workflow.checks.finding import value_of
from workflow.checks.split_scan import LONG, Split

Kind = Literal["number", "boolean", "text", "time", "other"]


@dataclass(frozen=True)
class Numbers:
    """Numbers, or times as seconds (since 1970, or midnight) and booleans as 0 and 1.

    Attributes:
        values: (n_distinct,) finite numbers, ascending.
        counts: (n_distinct,) how many rows have each.
        missing: Rows without one.
    """

    values: np.ndarray
    counts: np.ndarray
    missing: int = 0

    @classmethod
    def of(cls, values: np.ndarray) -> "Numbers":
        """Count (n,) numbers, of which NaN is none."""
        known = values[~np.isnan(values)]
        return cls(*np.unique(known, return_counts=True), len(values) - len(known))

    @cached_property
    def before(self) -> np.ndarray:
        """(n_distinct + 1,) rows with a value before each of the distinct ones, and all rows."""
        return np.concatenate([[0], self.counts.cumsum()])

    @property
    def known(self) -> int:
        """Rows with a number."""
        return int(self.before[-1])

    def ranked(self, ranks: np.ndarray) -> np.ndarray:
        """Return the numbers at places of their order, the least at 0."""
        return self.values[np.searchsorted(self.before, ranks, side="right") - 1]

    def below(self, cuts: np.ndarray) -> np.ndarray:
        """Return how many rows have a number less than each cut."""
        return self.before[np.searchsorted(self.values, cuts, side="left")]

    def up_to(self, cuts: np.ndarray) -> np.ndarray:
        """Return how many rows have a number no greater than each cut."""
        return self.before[np.searchsorted(self.values, cuts, side="right")]


@dataclass(frozen=True)
class Texts:
    """Texts.

    Attributes:
        values: (n_distinct,) texts in no order.
        counts: (n_distinct,) how many rows have each.
        missing: Rows without one.
    """

    values: pa.Array
    counts: pa.Array
    missing: int = 0

    @classmethod
    def of(cls, values: pa.Array | pa.ChunkedArray) -> "Texts":
        """Count (n,) texts, some of which may be null."""
        counted = pc.value_counts(values.drop_null())
        return cls(counted.field("values"), counted.field("counts"), values.null_count)

    @cached_property
    def known(self) -> int:
        """Rows with a text."""
        return pc.sum(self.counts).as_py() or 0

    def most_frequent(self, most: int) -> dict[str, int]:
        """Return the rows by text of the most frequent ones; of equally many the first by name."""
        if not len(self.values):  # Arrow cannot sort no row
            return {}
        table = pa.table({"text": self.values, "rows": self.counts})
        order = [("rows", "descending"), ("text", "ascending")]
        top = table.take(pc.select_k_unstable(table, most, order))
        return dict(zip(top["text"].to_pylist(), top["rows"].to_pylist(), strict=True))

    def count(self, texts: Collection[str]) -> np.ndarray:
        """Return how many rows have each of the texts."""
        places = pc.index_in(pa.array(texts, self.values.type), self.values)
        return pc.fill_null(self.counts.take(places), 0).to_numpy(zero_copy_only=False)


@dataclass(frozen=True)
class Sample:
    """The sample of a split.

    Attributes:
        rows: How many there are.
        columns: What is in the columns that are of any kind but "other", by name.
    """

    rows: int
    columns: Mapping[str, Numbers | Texts]


def kinds(split: Split, task: str) -> dict[str, Kind]:
    """Return of what kind the target and the columns are that features read, the target first."""
    found = {column: _kind(split.types[column]) for column in [TARGET, *split.features]}
    return found if task == "regression" else found | {TARGET: "text"}


def read(connection: duckdb.DuckDBPyConnection, split: Split, kinds: Mapping[str, Kind]) -> Sample:
    """Count the values in a split's sample.

    Texts that are alike in their first `LONG` characters are one.

    Args:
        connection: It holds the sample.
        split: Whose.
        kinds: Those of the wanted columns.
    """
    wanted = {column: kind for column, kind in kinds.items() if kind != "other"}
    selected = [
        "1",
        *(_value(column, split.types[column], kind) for column, kind in wanted.items()),
    ]
    named = ", ".join(f"{value} AS c{n}" for n, value in enumerate(selected))
    table = connection.sql(f"SELECT {named} FROM {split.sample}").to_arrow_table()
    _, *values = table
    columns = {
        column: Texts.of(one) if kinds[column] == "text" else Numbers.of(one.to_numpy())
        for column, one in zip(wanted, values, strict=True)
    }
    return Sample(rows=table.num_rows, columns=columns)


def _kind(type: str) -> Kind:
    match kind_of(type):
        case "date" | "time":
            return "time"
        case "number" | "boolean" | "text" as kind:
            return kind
        case _:
            return "other"


def _value(column: str, type: str, kind: Kind) -> str:
    match kind:
        case "text":
            return f"left(CAST({quote(column)} AS VARCHAR), {LONG})"
        case "time":
            return f"epoch({quote(column)})"
        case _:
            return f"CAST({value_of(column, type)} AS DOUBLE)"
