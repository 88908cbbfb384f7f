"""CSV files whose lines end in several ways, as those of joined files do: copied with one.

DuckDB 2.0.0 refuses them, or in its mode that does not takes rows of any width without a word.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from workflow.data.file_kinds import is_csv

CHUNK = 2**20  # bytes


def unified(path: Path, into: Path) -> Path:
    """Return the path of a file; of a CSV file whose lines end in several ways that of a copy.

    All lines of the copy end in a line feed. Line breaks inside quoted values stay.

    Args:
        path: The file. One that cannot be read is returned as it is: who reads it says why.
        into: A folder for the copy, made if it is not there.
    """
    if not is_csv(path) or not _is_mixed(path):
        return path
    into.mkdir(parents=True, exist_ok=True)
    copy = into / path.name
    with opened(path) as source, opened(copy, "wb") as target:
        for parts, start in _quotes_apart(_chunks(source)):
            parts[start::2] = (
                part.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for part in parts[start::2]
            )
            target.write(b'"'.join(parts))
    return copy


def opened(path: Path, mode: str = "rb") -> IO[bytes]:
    """Open a text file for its bytes, those of a gzip file unpacked."""
    if path.name.casefold().endswith(".gz"):
        return cast(IO[bytes], gzip.open(path, mode, compresslevel=1))
    return cast(IO[bytes], path.open(mode))


def _is_mixed(path: Path) -> bool:
    """Tell whether lines end in several ways, outside quoted values."""
    try:
        with opened(path) as file:  # most files have one way, which is seen fast
            if not _several(_chunks(file)):
                return False
        with opened(path) as file:
            outside = (b'"'.join(parts[start::2]) for parts, start in _quotes_apart(_chunks(file)))
            return _several(outside)
    except (OSError, EOFError, zlib.error):
        return False


def _several(chunks: Iterable[bytes]) -> bool:
    pairs = feeds = returns = False
    for chunk in chunks:
        if b"\0" in chunk:  # no text, or one in UTF-16: its reader refuses it
            return False
        both = chunk.count(b"\r\n")
        pairs |= both > 0
        feeds |= chunk.count(b"\n") > both
        returns |= chunk.count(b"\r") > both
        if pairs + feeds + returns > 1:
            return True
    return False


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file, a pair of return and line feed always in one chunk."""
    while chunk := file.read(CHUNK):
        while chunk.endswith(b"\r") and (more := file.read(1)):
            chunk += more
        yield chunk


def _quotes_apart(chunks: Iterable[bytes]) -> Iterator[tuple[list[bytes], int]]:
    """Yield what is between the quotes of each chunk, and which part is the first outside them.

    Of these parts each second is outside.
    """
    inside = 0
    for chunk in chunks:
        parts = chunk.split(b'"')
        yield parts, inside
        inside = (inside + len(parts) - 1) % 2
