"""Where raw files come from: a folder, or a URL prefix that fsspec reads (http, https, s3, gs)."""

import shutil
import uuid
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path

import fsspec

from sql_features.errors import WorkflowError
from workflow import addresses, digests
from workflow.data import archives, file_kinds, line_ends, partitions
from workflow.data.fetch_errors import cause, reason

REMOTE = ("http", "https", "s3", "gs")
# Keys of a file's version in answers of http servers, s3 and gs; the first that is there counts.
VERSIONS = ("ETag", "etag", "VersionId", "generation", "md5Hash", "Content-MD5", "Digest")
TIMES = ("Last-Modified", "LastModified", "updated", "mtime")
UNPACKED = "unpacked"  # the folder of copies of what is in zip files
UNIFIED = "unified"  # that of copies of CSV files whose lines end in several ways
UNKNOWN = f"unknown {uuid.uuid4()}"


def is_remote(location: str) -> bool:
    """Tell a URL from a local path.

    Raises:
        WorkflowError: A URL of a kind that is not read.
    """
    scheme, separator, _ = location.partition("://")
    if separator and scheme not in (*REMOTE, "file"):
        allowed = ", ".join(f"{scheme}://" for scheme in REMOTE)
        shown = addresses.stripped(location)
        raise WorkflowError(f"data '{shown}': give a local path or one of {allowed}.")
    return bool(separator) and scheme != "file"


def fetch(location: str, names: Collection[str], into: Path) -> dict[str, Path]:
    """Return a local path for each named file; remote ones are copied and zip files unpacked first.

    Args:
        location: A local folder or a URL prefix.
        names: File names, relative to `location`.
        into: An existing folder for the copies.

    Raises:
        WorkflowError: A file is missing, or cannot be read.
    """
    found = _fetched(location, names, into)
    return dict(zip(found, _readable(found.values(), into), strict=True))


def _fetched(location: str, names: Collection[str], into: Path) -> dict[str, Path]:
    for name in names:
        # A dataset file may come from anywhere: it must not decide where copies are written.
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise WorkflowError(f"data file '{name}': give a path inside the folder or prefix.")
    if is_remote(location):
        return {name: _download(addresses.joined(location, name), into / name) for name in names}
    folder = Path(location.removeprefix("file://"))
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise WorkflowError(
            f"data '{location}': {what}. Give the folder or URL prefix that holds "
            f"{', '.join(names)}, or 'sample' or 'default'."
        )
    return {name: _local(folder, name) for name in names}


def gather(location: str, into: Path) -> list[Path]:
    """Return local paths of the files of one table, in the order of their names.

    Args:
        location: A file, a folder or a pattern (`*`, `?`, `[`), local or as a URL; over http a file
            only, because a web server has no listing.
        into: An existing folder for the copies of remote files, and of those in zip files.

    Raises:
        WorkflowError: There is no such file, or files of several kinds.
    """
    found = _readable(_gathered(location, into), into)
    file_kinds.kind(found)
    return found


def _gathered(location: str, into: Path) -> list[Path]:
    """Return local paths of the files of one table; zip files are not unpacked yet."""
    if is_remote(location):
        urls = _listed(location)
        names = [addresses.file_name(url) for url in urls]
        _check_kind([Path(name) for name in names])
        return [_download(url, into / str(n) / _kept(url) / names[n]) for n, url in enumerate(urls)]
    path = Path(location.removeprefix("file://"))
    if path.is_file():  # comes before patterns, because a name may hold a bracket
        found = [path]
    elif path.is_dir():
        found = [one for one in path.iterdir() if one.is_file() and _is_read(one.name)]
        found = found or [one for one in path.rglob("*") if one.is_file() and _is_part(one, path)]
    else:
        pattern = path.relative_to(path.anchor)
        matching = Path(path.anchor).glob(str(pattern))
        found = [one for one in matching if one.is_file() and not one.name.startswith(".")]
    if not found:
        raise WorkflowError(
            f"data '{location}': there is no such file, or none that is read. Give a file, a "
            f"folder or a pattern of files that end in {', '.join(file_kinds.READ)}, or one of "
            "these in a zip file."
        )
    _check_kind(found)
    return sorted(found)


def _readable(paths: Iterable[Path], into: Path) -> list[Path]:
    """Return the files, those that cannot be read as they are as copies."""
    found = []
    for n, path in enumerate(paths):
        folders = Path(*filter(partitions.is_partition, path.parts[:-1]))
        unpacked = archives.unpacked(path, into / UNPACKED / str(n) / folders)
        found.append(line_ends.unified(unpacked, into / UNIFIED / str(n) / folders))
    return found


def _check_kind(paths: list[Path]) -> None:
    """Check that files are of one kind, as far as can be said before they are unpacked."""
    if plain := [path for path in paths if not archives.is_archive(path.name)]:
        file_kinds.kind(plain)


def identities(location: str, names: Collection[str] | None = None) -> dict[str, str]:
    """Return what is known of the content of files, without copying remote ones.

    Args:
        location: As `fetch` takes it; without names, as `gather` does.
        names: File names, relative to `location`, or None for the files of one table.

    Returns:
        By path or stripped URL: the digest of a local file's content; of a remote file the ETag or
        version, or size and time where the server gives neither. Where it gives nothing, a value
        that is another one in each process, so that the file never counts as unchanged.

    Raises:
        WorkflowError: A file is missing, or the server cannot be asked about it.
    """
    if not is_remote(location):
        if names is None:
            paths = _gathered(location, Path())
        else:
            paths = list(_fetched(location, names, Path()).values())
        return {str(path): digests.of_files([path]) for path in paths}
    if names is None:
        urls = _listed(location)
    else:
        urls = [addresses.joined(location, name) for name in names]
    return {addresses.stripped(url): _identity(url) for url in urls}


def _identity(url: str) -> str:
    try:
        files, path = fsspec.core.url_to_fs(url)
        files.invalidate_cache()  # the file may have changed since this process last asked
        found = files.info(path)
    except Exception as error:
        raise _unavailable(url, error) from error
    if versions := [found[name] for name in VERSIONS if found.get(name)]:
        return str(versions[0]).strip('"')
    times = [found[name] for name in TIMES if found.get(name)]
    if times and found.get("size") is not None:
        return f"{found['size']} bytes, {times[0]}"
    return UNKNOWN


def _kept(url: str) -> Path:
    """Return the folders of a URL that are columns."""
    folders = addresses.stripped(url).split("/")[3:-1]
    return Path(*filter(partitions.is_partition, folders))


def _listed(url: str) -> list[str]:
    """Return the URLs of the files that a URL stands for."""
    scheme = url.partition("://")[0]
    if scheme.startswith("http"):
        return [url]
    try:
        files, root = fsspec.core.url_to_fs(url)
        if files.isdir(root):
            found = [one for one in files.ls(root, detail=False) if _is_read(Path(one).name)]
            found = found or [one for one in files.find(root) if _is_part(Path(one), Path(root))]
        else:
            found = files.glob(root)
    # Every protocol's library has errors of its own, which mean the same to the user.
    except Exception as error:
        raise _unreadable(url, error) from error
    if not found:
        raise WorkflowError(f"data: there is no file {addresses.stripped(url)}.")
    return [f"{scheme}://{one}" for one in sorted(found)]


def _is_part(path: Path, folder: Path) -> bool:
    """Tell whether a file is a part of a table whose folders are columns, such as year=2022."""
    between = path.relative_to(folder).parts[:-1]
    return all(map(partitions.is_partition, between)) and _is_read(path.name)


def _is_read(name: str) -> bool:
    plain = name.casefold().removesuffix(archives.SUFFIX)
    return plain.endswith(file_kinds.READ) and not name.startswith(".")


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
    except Exception as error:
        path.unlink(missing_ok=True)
        raise _unavailable(url, error) from error
    return path


def _unavailable(url: str, error: Exception) -> WorkflowError:
    """Return the error for a file that is missing or cannot be read, whichever library says so."""
    found = cause(error)
    status = getattr(found, "status", 404 if isinstance(found, FileNotFoundError) else None)
    if isinstance(error, FileNotFoundError) and (status == 404 or not url.startswith("http")):
        return WorkflowError(f"data: there is no file {addresses.stripped(url)}.")
    return _unreadable(url, error)


def _unreadable(url: str, error: Exception) -> WorkflowError:
    return WorkflowError(
        f"data: {addresses.stripped(url)} cannot be read ({reason(error)}). Check the address, the "
        "network and the credentials in the environment."
    )
