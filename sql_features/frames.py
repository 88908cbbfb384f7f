"""Frames as DuckDB reads them: Arrow tables that keep every cell's own value and type.

A frame may come from anywhere: `pandas.read_csv`, `read_parquet` or `read_json`, a JSON record. A
category, a nullable or an Arrow type, or an object, is one of a few kinds of array here. A column
of texts and other values together becomes two arrays, so that a number among texts stays a number.
"""

import datetime
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sql_features.expressions import literal, quote

ROW = "tabular-workflow row"  # without columns an Arrow table has no rows; no raw column has this
TEXTS = "tabular-workflow texts of "  # begins the name of the texts of a mixed column
EXACT = 2**53  # from here on a double does not hold every whole number
FEW = 20  # columns of one type; more are taken out of a frame at once
UNREADABLE = (pa.ArrowException, OverflowError, TypeError, ValueError)  # what Arrow says


def arrow_table(frame: pd.DataFrame, columns: Iterable[str]) -> pa.Table:
    """Return some columns of a frame as an Arrow table.

    Args:
        frame: (n_rows, any) frame.
        columns: Names of columns; those that the frame has not are left out.

    Returns:
        n_rows rows: `ROW`, and each column under its own name. The texts of a column that holds
        other values too are a column of their own, whose name begins with `TEXTS`.

    Raises:
        ValueError: A column is there twice, or holds what no table can hold.
    """
    arrays: dict[str, Any] = {ROW: pa.nulls(len(frame), pa.bool_())}
    for name, values in _values(frame, [name for name in columns if name in frame.columns]):
        try:
            arrays[name] = _array(values)
        except UNREADABLE:  # values of several types, or of one that Arrow does not know
            arrays[name], arrays[TEXTS + name] = _parts(frame[name])
    return pa.Table.from_arrays(list(arrays.values()), list(arrays))


def is_text(type: pa.DataType) -> bool:
    """Tell whether the values of an Arrow type are texts."""
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type))


def value(column: str, given: pa.DataType, type: str, is_exact: bool) -> str:
    """Return the SQL of a column's values that are no texts, ready to be cast to its raw type.

    DuckDB's casts alone would make true of 2. Of 74, which pandas reads as 74.0 where the column
    has gaps, they would make the text 74.0; and of whole numbers that no double holds, others.

    Args:
        column: Its name, in the table too.
        given: Its type in the table.
        type: Its raw type, of DuckDB.
        is_exact: Whether every digit counts, because a feature is a text.
    """
    sql = quote(column)
    is_float = pa.types.is_floating(given)
    if type == "BOOLEAN" and (is_float or pa.types.is_integer(given)):
        problem = literal(f"neither true nor false in column {column}: ")
        return f"CASE WHEN {sql} NOT IN (0, 1) THEN error({problem} || {sql}) ELSE {sql} END"
    if not is_float or not is_exact:
        return sql
    problem = literal(f"column {column}: give whole numbers or texts, a double has other digits: ")
    cases = f"WHEN abs({sql}) >= {EXACT} THEN error({problem} || {sql})"
    if type != "VARCHAR":
        return f"CASE {cases} ELSE {sql} END"
    whole = f"CAST(CAST({sql} AS BIGINT) AS VARCHAR)"
    cases += f" WHEN {sql} = trunc({sql}) THEN {whole}"
    return f"CASE {cases} ELSE CAST({sql} AS VARCHAR) END"


def _values(frame: pd.DataFrame, names: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield some columns' values as arrays of NumPy or of pandas, which Arrow takes faster.

    Raises:
        ValueError: A column is there twice.
    """
    is_all = len(names) == frame.shape[1]
    if is_all and len(names) <= FEW:
        for name, values in frame.items():  # the quickest of few columns
            yield str(name), _plain(values)
        return
    dtypes = frame.dtypes if is_all else frame.dtypes[names]
    if len(dtypes) != len(names):
        twice = next(name for name in names if frame[name].ndim != 1)
        raise ValueError(f"the column {twice} is there {frame[twice].shape[1]} times")
    groups: dict[Any, list[str]] = {}
    for name, dtype in dtypes.items():
        groups.setdefault(dtype, []).append(name)
    for dtype, group in groups.items():
        if isinstance(dtype, np.dtype) and len(group) > FEW:
            block = frame[group].to_numpy()
            yield from ((name, block[:, place]) for place, name in enumerate(group))
        else:
            yield from ((name, _plain(frame[name])) for name in group)


def _plain(values: pd.Series) -> Any:
    """Return the array of a column; times in UTC, as the database's time zone is."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(None)
    return values.to_numpy() if isinstance(values.dtype, np.dtype) else values.array


def _array(values: Any) -> pa.Array | pa.ChunkedArray:
    """Return values of one type as an array of a type that DuckDB reads.

    Raises:
        One of `UNREADABLE`: They are of several types, or of one that Arrow does not know.
    """
    array = pa.array(values, from_pandas=True)
    type = array.type
    if pa.types.is_dictionary(type):
        type = type.value_type
    if pa.types.is_null(type) or pa.types.is_string_view(type):
        type = pa.string()
    elif pa.types.is_binary(type) or pa.types.is_large_binary(type):
        type = pa.large_string()
    elif pa.types.is_float16(type):
        type = pa.float32()
    elif pa.types.is_date32(type) and any(isinstance(one, datetime.datetime) for one in values):
        # Arrow takes the type of the first value, and would cut the time of day off the others.
        return pa.array(map(_midnight, values), pa.timestamp("us"))
    elif pa.types.is_floating(type) and isinstance(array, pa.ChunkedArray):
        # Of an Arrow type of pandas, whose NaN Arrow takes for a number.
        array = pc.if_else(pc.is_nan(array), None, array)
    elif isinstance(type, pa.BaseExtensionType):
        raise TypeError(f"{type} is no type of DuckDB")
    return array if array.type == type else array.cast(type)


def _parts(values: pd.Series) -> tuple[pa.Array | pa.ChunkedArray, pa.Array | pa.ChunkedArray]:
    """Return the values of a mixed column that are no texts, and those that are, each with gaps.

    Raises:
        ValueError: There are values that no table can hold.
    """
    cells = [None if _is_missing(cell) else cell for cell in values.astype(object)]
    texts = [cell if isinstance(cell, str | bytes) else None for cell in cells]
    others = [None if isinstance(cell, str | bytes) else cell for cell in cells]
    try:
        return _others(others), _array([_decoded(text) for text in texts])
    except UNREADABLE as problem:
        kinds = sorted({type(cell).__name__ for cell in cells if cell is not None})
        raise ValueError(
            f"the column {values.name} cannot be read, its values are of type "
            f"{', '.join(kinds)}: {problem}"
        ) from problem


def _others(cells: list[Any]) -> pa.Array | pa.ChunkedArray:
    """Return cells that are no texts; numbers of several types as decimals, dates as times."""
    try:
        return _array(cells)
    except UNREADABLE:
        known = [cell for cell in cells if cell is not None]
        if all(isinstance(cell, datetime.date) for cell in known):
            return pa.array(map(_midnight, cells), pa.timestamp("us"))
        if not all(isinstance(cell, Number) for cell in known):
            raise
    try:
        return pa.array([None if cell is None else Decimal(str(+cell)) for cell in cells])
    except (*UNREADABLE, InvalidOperation):  # more digits than decimals have
        return pa.array([None if cell is None else float(cell) for cell in cells])


def _midnight(date: Any) -> Any:
    """Return a date as the time at which it begins, and anything else as it is."""
    if isinstance(date, datetime.date) and not isinstance(date, datetime.datetime):
        return datetime.datetime.combine(date, datetime.time())
    return date


def _decoded(text: str | bytes | None) -> str | None:
    return text.decode() if isinstance(text, bytes) else text


def _is_missing(cell: Any) -> bool:
    return pd.api.types.is_scalar(cell) and bool(pd.isna(cell))
