"""Rows drawn from a Parquet file: the same ones each time, whatever the number of threads."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from workflow.data.parquet import row_number, scan_parquet

MOST = 50_000  # rows of a sample: a share of one half is off by 0.2 % (one sigma)


def one_of(rows: int, most: int = MOST) -> int:
    """Return of how many rows one is drawn, so that there are no more than `most`.

    >>> one_of(10), one_of(120_000)
    (1, 3)
    """
    return max(math.ceil(rows / most), 1)


def drawn(path: Path, columns: Iterable[str], met: Sequence[str], one_of: int) -> str:
    """Return the SQL of rows of a file that meet conditions, or of one of so many of them.

    Args:
        path: The file.
        columns: Its columns.
        met: SQL of the conditions.
        one_of: Of how many rows one is drawn, by a hash of its number.
    """
    number = row_number(columns)
    parts = f"SELECT * FROM {scan_parquet([path])}"
    is_drawn = f"hash({number}) % {one_of} = 0"
    if "OVER" in number:
        parts += f" QUALIFY {is_drawn}"
        return f"(SELECT * FROM ({parts}) WHERE {' AND '.join(met or ['true'])})"
    return f"({parts} WHERE {' AND '.join([is_drawn, *met])})"
