"""Where raw files come from: a folder, or a URL prefix that fsspec reads (http, https, s3, gs)."""

import shutil
from collections.abc import Iterable
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


def fetch(location: str, names: Iterable[str], into: Path) -> dict[str, Path]:
    """Return a local path for each named file; remote ones are copied first.

    Args:
        location: A local folder or a URL prefix.
        names: File names, relative to `location`.
        into: An existing folder for the copies of remote files.

    Raises:
        WorkflowError: A file is missing, or cannot be read.
    """
    if is_remote(location):
        return {name: _download(f"{location.rstrip('/')}/{name}", into / name) for name in names}
    folder = Path(location.removeprefix("file://"))
    if not folder.is_dir():
        raise WorkflowError(
            f"data '{location}': no such folder. Give the folder or URL prefix that holds "
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
    except FileNotFoundError as error:
        raise WorkflowError(f"data: there is no file {url}.") from error
    # Every protocol's library has errors of its own; what they mean to the user is the same.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise WorkflowError(
            f"data: {url} cannot be read ({reason}). Check the address, the network and the "
            "credentials in the environment."
        ) from error
    return path
