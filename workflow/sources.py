"""Where raw files come from: a folder, or a URL prefix that fsspec reads (http, https, s3, gs)."""

import shutil
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

import fsspec

from workflow.errors import WorkflowError

REMOTE = ("http", "https", "s3", "gs")


def is_remote(location: str) -> bool:
    """Tell a URL from a local path.

    Raises:
        WorkflowError: A URL of a kind that is not read.
    """
    scheme, separator, _ = location.partition("://")
    if separator and scheme not in (*REMOTE, "file"):
        allowed = ", ".join(f"{scheme}://" for scheme in REMOTE)
        raise WorkflowError(f"data '{location}': give a local path or one of {allowed}.")
    return bool(separator) and scheme != "file"


def fetch(location: str, names: Collection[str], into: Path) -> dict[str, Path]:
    """Return a local path for each named file; remote ones are copied first.

    Args:
        location: A local folder or a URL prefix.
        names: File names, relative to `location`.
        into: An existing folder for the copies of remote files.

    Raises:
        WorkflowError: A file is missing, or cannot be read.
    """
    for name in names:
        # A dataset file may come from anywhere; it does not decide where copies are written.
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise WorkflowError(f"data file '{name}': give a path inside the folder or prefix.")
    if is_remote(location):
        return {name: _download(f"{location.rstrip('/')}/{name}", into / name) for name in names}
    folder = Path(location.removeprefix("file://"))
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise WorkflowError(
            f"data '{location}': {what}. Give the folder or URL prefix that holds "
            f"{', '.join(names)}, or 'sample' or 'default'."
        )
    return {name: _local(folder, name) for name in names}


def _local(folder: Path, name: str) -> Path:
    if (path := folder / name).is_file():
        return path
    there = sorted(one.name for one in folder.iterdir())
    close = get_close_matches(name, there, n=1)
    hint = f" did you mean '{close[0]}'?" if close else ""
    held = ", ".join(there[:10]) + (", ..." if len(there) > 10 else "") if there else "nothing"
    raise WorkflowError(f"data '{folder}' has no file '{name}':{hint} It holds {held}.")


def _download(url: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with fsspec.open(url, "rb") as source, path.open("wb") as copy:
            shutil.copyfileobj(source, copy, length=2**20)
    # Every protocol's library has errors of its own; what they mean to the user is the same.
    except Exception as error:
        path.unlink(missing_ok=True)
        # fsspec says FileNotFoundError of a web server that is out of order as well.
        status = getattr(error.__cause__, "status", 404 if error.__cause__ is None else None)
        if isinstance(error, FileNotFoundError) and (status == 404 or not url.startswith("http")):
            raise WorkflowError(f"data: there is no file {url}.") from error
        cause = error.__cause__ or error
        raise WorkflowError(
            f"data: {url} cannot be read ({type(cause).__name__}: {cause}). Check the address, the "
            "network and the credentials in the environment."
        ) from error
    return path
