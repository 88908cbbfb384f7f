"""Rows that a model was fitted on, found among others by the hash of what both tables have."""

import numpy as np

from sql_features.duckdb_types import is_numeric
from sql_features.expressions import TARGET, connect, quote
from workflow.data.parquet import column_types, scan_parquet
from workflow.data.splits import POSITION, Splits

FITTED = ("train", "validation")  # the second has decided on the model, or was fitted on too


def seen_rows(scan: str, splits: Splits) -> np.ndarray:
    """Tell which rows are alike to one that a model was fitted on, or chosen by.

    Rows are alike if all the raw columns that both tables have, and the target, are equal. Numbers
    are compared as doubles, all else as text.

    Args:
        scan: The SQL of a table with raw columns and the target.
        splits: Those that the model was fitted on.

    Returns:
        (n_rows,) true for each row that was seen, in the order of the table.
    """
    fitted = scan_parquet([splits.path(split) for split in FITTED])
    with connect() as connection:
        here, there = column_types(connection, scan), column_types(connection, fitted)
        spelled = {name.casefold(): name for name in there if name != POSITION}
        pairs = [(name, spelled[name.casefold()]) for name in here if name.casefold() in spelled]
        types = [
            "DOUBLE" if is_numeric(here[one]) and is_numeric(there[other]) else "VARCHAR"
            for one, other in pairs
        ]

        def hashes(table: str, columns: list[str]) -> np.ndarray:
            values = ", ".join(
                f"CAST({quote(column)} AS {type})"
                for column, type in zip(columns, types, strict=True)
            )
            found = connection.execute(f"SELECT hash({values}) AS one FROM {table}").fetchnumpy()
            return np.asarray(found["one"])

        own = hashes(scan, [one for one, _ in pairs])
        if not any(name.casefold() != TARGET for name, _ in pairs):
            return np.zeros(len(own), dtype=bool)  # a target alone tells no row
        return np.isin(own, hashes(fitted, [other for _, other in pairs]))
