"""SELECTs over the rows of a frame, planned once a thread and run on many frames.

Planning costs ten times what running on one row does. A plan holds for all frames whose columns
are of the same types, whatever their values and however many rows.
"""

import copy
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from sql_features.expressions import isolated

KEPT = 32  # plans a thread


class _Plans(threading.local):
    """The plans of a thread, the one used last at the end."""

    def __init__(self) -> None:
        self.kept: list[_Plan] = []


class _Rows:
    """A table as DuckDB takes it: DuckDB asks for the rows anew in each run of a plan."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class _Plan:
    """A SELECT from `frame`, a table of some schema."""

    def __init__(self, key: object, select: str, schema: pa.Schema) -> None:
        self._process = os.getpid()
        self._key = copy.deepcopy(key)  # the caller may change what it is made of
        self._schema = schema
        self._rows = _Rows(schema.empty_table())
        self._cursor = isolated().cursor()
        self._cursor.register("frame", self._rows)
        self._cursor.execute(f"PREPARE plan AS {select}")

    def holds_for(self, key: object, schema: pa.Schema) -> bool:
        # A process that was forked makes its own: it has none of the threads of the old database.
        return self._process == os.getpid() and self._key == key and self._schema == schema

    def run(self, table: pa.Table) -> dict[str, np.ndarray]:
        empty, self._rows.table = self._rows.table, table
        try:
            return self._cursor.execute("EXECUTE plan").fetchnumpy()
        finally:
            self._rows.table = empty  # so that the rows do not stay in memory


_plans = _Plans()


def run(key: object, table: pa.Table, write: Callable[[pa.Schema], str]) -> dict[str, np.ndarray]:
    """Return what a SELECT from `frame` selects from a table, by column; gaps are masked.

    Args:
        key: What the SELECT is made of, beside the table's schema: what is equal makes the same.
        table: The rows.
        write: Returns the SELECT for a schema; called where the thread has no plan of it yet.

    Raises:
        duckdb.Error: It cannot be planned, or a value cannot be computed.
    """
    kept, schema = _plans.kept, table.schema
    # To compare is quicker than to hash: the parts of an equal key are the same objects.
    place = next((n for n, one in enumerate(kept) if one.holds_for(key, schema)), None)
    plan = _Plan(key, write(schema), schema) if place is None else kept.pop(place)
    answer = plan.run(table)  # a plan that fails is not kept: its cursor may be in any state
    kept.append(plan)
    del kept[:-KEPT]
    return answer
