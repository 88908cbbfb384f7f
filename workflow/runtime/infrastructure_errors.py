"""Errors of disks, networks and memory, told apart from bugs of the project."""

import errno

from workflow.plain_values import one_line

NEXT = "Then give the same command again: what is finished is not run again."
# What is said of an error whose text, in small letters, holds one of these.
TEXTS = {
    "the disk is full ({}). Free some space.": (
        "no space left on device",
        "database or disk is full",
        "disk quota exceeded",
        "could not write file",
    ),
    "nothing can be written ({}). Give write access.": (
        "readonly database",
        "read-only file system",
        "permission denied",
        "unable to open database file",
        "disk i/o error",
    ),
    "access is refused ({}). Check the credentials.": (
        "failed with error code 401",
        "failed with error code 403",
        "accessdenied",
        "access denied",  # s3fs says it, or "Forbidden", in a PermissionError without a number
        "forbidden",
        "(403)",
        "invalidaccesskeyid",
        "signaturedoesnotmatch",
        "expiredtoken",
        "unable to locate credentials",
    ),
    "the tracking server or the artifact store cannot be reached, though it was asked again and "
    "again ({}). Check the address and the network.": (
        "max retries exceeded",
        "connection refused",
        "connection aborted",
        "connection broken",
        "connection reset",
        "read timed out",
        "failed to establish a new connection",
        "could not connect to the endpoint",
        "timeout on endpoint",
        "connection was closed before",
        "name or service not known",
        "too many 5",  # "too many 503 error responses"
        "failed with error code 5",
    ),
    "the store is locked by another process for too long ({}).": ("database is locked",),
    "a library of the system is missing ({}). For libomp `brew install libomp`, for libgomp "
    "`apt-get install libgomp1`.": (
        "library not loaded",  # macOS
        "cannot open shared object file",  # Linux
        "openmp runtime is not installed",  # XGBoost
    ),
}
# Errors that the system describes in the user's language are recognised by their number.
NUMBERS: dict[int | None, str] = {
    errno.ENOSPC: "no space left on device",
    errno.EDQUOT: "disk quota exceeded",
    errno.EROFS: "read-only file system",
    errno.EACCES: "permission denied",
}
# Errors of these libraries are recognised by their text; all others are bugs.
LIBRARIES = (
    "_duckdb", "aiobotocore", "aiohttp", "boto3", "botocore", "duckdb", "gcsfs", "google",
    "mlflow", "requests", "s3fs", "sqlalchemy", "sqlite3", "urllib3", "xgboost",
)  # fmt: skip


def explain(error: BaseException) -> str | None:
    """Return in one line what to do about an error, or None if it is a bug of the project."""
    for one in _chain(error):
        if isinstance(one, MemoryError) or type(one).__name__ == "OutOfMemoryException":  # DuckDB's
            return f"out of memory. Give the machine more, or the step less data. {NEXT}"
        if not isinstance(one, OSError) and type(one).__module__.partition(".")[0] not in LIBRARIES:
            continue
        text = str(one)
        found = f"{NUMBERS.get(getattr(one, 'errno', None), '')} {text.casefold()}"
        for advice, texts in TEXTS.items():
            if any(words in found for words in texts):
                return f"{advice.format(one_line(text, 300))} {NEXT}"
    return None


def is_unreachable(error: BaseException) -> bool:
    """Tell whether an error means that a server could not be reached, after all retries."""
    return "cannot be reached" in (explain(error) or "")


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and its causes, the first cause first: it says most."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain[::-1]
