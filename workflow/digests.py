"""Digests of files and texts: the first 32 hexadecimal digits of their SHA-256.

MLflow accepts digests of up to 36 characters.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

DIGITS = 32


def of_text(text: str) -> str:
    """Return the digest of a text."""
    return of_bytes(text.encode())


def of_bytes(content: bytes) -> str:
    """Return the digest of bytes."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def of_files(paths: Sequence[Path]) -> str:
    """Return the digest of a file's content; of several files, that of their digests."""
    if len(paths) == 1:
        return _of_file(paths[0])[:DIGITS]
    return of_text(" ".join(_of_file(path) for path in paths))


def _of_file(path: Path) -> str:
    found = path.stat()
    return _read(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=10_000)
def _read(path: Path, size: int, time: int) -> str:
    """Return the digest of a file, which is read again only if its size or time has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
