"""SELECTs over the rows of a frame, planned once a thread and run on many frames.

Planning costs ten times what running on one row does. A plan holds for all frames whose columns
are of the same types, whatever their values and however many rows.
"""

import os
import threading
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pyarrow as pa

from sql_features.expressions import isolated

KEPT = 32  # plans a thread


class _Plans(threading.local):
    """The plans of a thread by what they were made of, the newest last."""

    def __init__(self) -> None:
        self.kept: dict[Hashable, _Plan] = {}


class _Rows:
    """A table as DuckDB takes it: DuckDB asks for the rows anew in each run of a plan."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class _Plan:
    """A SELECT from `frame`, a table of some schema."""

    def __init__(self, select: str, schema: pa.Schema) -> None:
        self._rows = _Rows(schema.empty_table())
        self._cursor = isolated().cursor()
        self._cursor.register("frame", self._rows)
        self._cursor.execute(f"PREPARE plan AS {select}")

    def run(self, table: pa.Table) -> dict[str, np.ndarray]:
        empty, self._rows.table = self._rows.table, table
        try:
            return self._cursor.execute("EXECUTE plan").fetchnumpy()
        finally:
            self._rows.table = empty  # so that the rows do not stay in memory


_plans = _Plans()


def run(key: Hashable, table: pa.Table, write: Callable[[pa.Schema], str]) -> dict[str, np.ndarray]:
    """Return what a SELECT from `frame` selects from a table, by column; gaps are masked.

    Args:
        key: What the SELECT is made of, beside the table's schema.
        table: The rows.
        write: Returns the SELECT for a schema; called where the thread has no plan of it yet.

    Raises:
        duckdb.Error: It cannot be planned, or a value cannot be computed.
    """
    # A process that was forked makes its own: it has none of the threads of the old database.
    key = os.getpid(), key, table.schema
    plan = _plans.kept.pop(key, None) or _Plan(write(table.schema), table.schema)
    answer = plan.run(table)  # a plan that fails is not kept: its cursor may be in any state
    _plans.kept[key] = plan
    if len(_plans.kept) > KEPT:
        del _plans.kept[next(iter(_plans.kept))]
    return answer
