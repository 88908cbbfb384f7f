"""Zip files that hold one file, as tables are handed on."""

import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from sql_features.errors import WorkflowError

SUFFIX = ".zip"


def is_archive(name: str) -> bool:
    """Tell whether a file is a zip file, by its name."""
    return name.casefold().endswith(SUFFIX)


def unpacked(path: Path, into: Path) -> Path:
    """Return the path of a file; of a zip file that of the one file in it, which is copied first.

    Args:
        path: The file.
        into: A folder for the copy, made if it is not there.

    Raises:
        WorkflowError: The zip file cannot be read, is encrypted, or does not hold one file.
    """
    if not is_archive(path.name):
        return path
    try:
        with zipfile.ZipFile(path) as archive:
            member = _only_member(path.name, archive.namelist())
            # The name in the archive may point anywhere: its last part alone is taken.
            copy = into / PurePosixPath(member).name
            into.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, length=2**20)
    # RuntimeError: it is encrypted. NotImplementedError: of a method that Python does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise WorkflowError(
            f"data file '{path.name}' cannot be unpacked ({error}): unpack it, and give the file "
            "that is in it."
        ) from error
    return copy


def _only_member(file: str, names: list[str]) -> str:
    """Return the one file in an archive, leaving out folders and what file managers add."""
    found = [
        name
        for name in names
        if not name.endswith("/")
        and not name.startswith("__MACOSX/")
        and not PurePosixPath(name).name.startswith(".")
    ]
    if len(found) == 1:
        return found[0]
    held = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
    raise WorkflowError(
        f"data file '{file}' holds {f'{len(found)} files ({held})' if found else 'no file'}: a zip "
        "file must hold one; unpack it, and give the file or the folder."
    )
