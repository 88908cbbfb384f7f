"""Errors of disks, networks and memory, told apart from bugs of the project."""

import errno
from collections.abc import Iterator

from workflow.formatting import one_line

NEXT = "Then give the same command again: what is finished is not run again."
DISK = (
    "no space left on device",
    "database or disk is full",
    "disk quota exceeded",
    "could not write file",
)
READ_ONLY = (
    "readonly database",
    "read-only file system",
    "permission denied",
    "unable to open database file",
    "disk i/o error",
)
UNREACHABLE = (
    "max retries exceeded",
    "connection refused",
    "connection aborted",
    "connection broken",
    "connection reset",
    "failed to establish a new connection",
    "could not connect to the endpoint",
    "timeout on endpoint",
    "connection was closed before",
    "name or service not known",
    "too many 5",  # "too many 503 error responses"
    "failed with error code 5",
)
REFUSED = (
    "failed with error code 401",
    "failed with error code 403",
    "accessdenied",
    "(403)",
    "invalidaccesskeyid",
    "signaturedoesnotmatch",
    "expiredtoken",
    "unable to locate credentials",
)
LOCKED = ("database is locked",)
ERRNO = {
    errno.ENOSPC: DISK[0],
    errno.EDQUOT: DISK[2],
    errno.EROFS: READ_ONLY[1],
    errno.EACCES: READ_ONLY[2],
}


# Errors of these libraries are recognised by their text; all others are bugs.
LIBRARIES = (
    "_duckdb", "aiobotocore", "aiohttp", "boto3", "botocore", "duckdb", "gcsfs", "google",
    "mlflow", "requests", "s3fs", "sqlalchemy", "sqlite3", "urllib3",
)  # fmt: skip


def explain(error: BaseException) -> str | None:
    """Return in one line what to do about an error, or None if it is a bug of the project."""
    for one in _chain(error):
        if isinstance(one, MemoryError) or type(one).__name__ == "OutOfMemoryException":  # DuckDB's
            return f"out of memory. Give the machine more, or the step less data. {NEXT}"
        if not isinstance(one, OSError) and type(one).__module__.partition(".")[0] not in LIBRARIES:
            continue
        text = str(one)
        found = ERRNO.get(getattr(one, "errno", None) or 0, "") + " " + text.casefold()
        reason = one_line(text, 300)
        if any(words in found for words in DISK):
            return f"the disk is full ({reason}). Free some space. {NEXT}"
        if any(words in found for words in READ_ONLY):
            return f"nothing can be written ({reason}). Give write access. {NEXT}"
        if any(words in found for words in REFUSED):
            return f"access is refused ({reason}). Check the credentials. {NEXT}"
        if any(words in found for words in UNREACHABLE):
            return (
                "the tracking server or the artifact store cannot be reached, though it was asked "
                f"again and again ({reason}). Check the address and the network. {NEXT}"
            )
        if any(words in found for words in LOCKED):
            return f"the store is locked by another process for too long ({reason}). {NEXT}"
    return None


def is_unreachable(error: BaseException) -> bool:
    """Tell whether an error means that a server could not be reached, after all retries."""
    return "cannot be reached" in (explain(error) or "")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes, the first cause first: it says most."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    yield from reversed(chain)
