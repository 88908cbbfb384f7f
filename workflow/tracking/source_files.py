"""The project's own files that can change a step's result, and how many no commit has."""

import ast
import subprocess
from functools import lru_cache
from pathlib import Path

from workflow import digests
from workflow.paths import PACKAGES, PROJECT

MADE_OF = ("MLproject", "conda.yaml", "main.py", "datasets", *PACKAGES)
# Packages and modules that can change no result. They are in no key, nor is what they alone import.
# What keyed code uses of each is listed in tests/workflow/tracking/test_source_files.py.
WITHOUT_EFFECT = (
    "workflow.runtime",  # how a process starts and ends, and what it prints
    "workflow.report",  # is made by main and by the step `report`, which are never reused
    # The words of refusals: a step that has refused has no result.
    "workflow.errors",
    "workflow.data.dataset_errors",
    "workflow.formatting",  # words lines of the terminal and titles of axes; no artifact's values
    # They only draw what others have computed: a run keeps the pictures that it has.
    "workflow.evaluation.classification_plots",
    "workflow.evaluation.palette",
    "workflow.evaluation.regression_plots",
    # Decides again if champion, rule or rows have changed, and makes no model: see reuse.
    "workflow.promotion",
    # The frame of a step: its run, its key, and whether it has to be run.
    "workflow.tracking.cache_key",
    "workflow.tracking.reuse",
    "workflow.tracking.source_files",
    "workflow.tracking.stale_runs",
    "workflow.tracking.step",
)
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def of(module: str) -> dict[str, str]:
    """Return the files that can change what a module computes, and the digest of each.

    These are the module itself, what it imports, directly or through others and wherever the import
    stands, and the files of their packages that are no Python, such as templates. Modules
    `WITHOUT_EFFECT` are left out. Imports are read from the source; nothing is imported. Of Python
    files only the code counts: comments, docstrings and layout do not.

    Args:
        module: One of the project, such as `steps.train`.

    Returns:
        32 hexadecimal digits by path in the project, such as `workflow/models/encoding.py`.
    """
    found: dict[str, str] = {}
    left = [_path(module)]
    while left:
        path = left.pop()
        name = path.relative_to(PROJECT).as_posix()
        if name in found:
            continue
        if path.suffix == ".py":
            found[name], imported = _read(path)
            left += [*imported, *_data_files(path.parent)]
        else:
            found[name] = digests.of_files([path])
    return dict(sorted(found.items()))


def code_digest(path: Path) -> str:
    """Return the digest of a Python file's code; comments, docstrings and layout do not count.

    Args:
        path: Of the file, in this project or not.

    Raises:
        SyntaxError, ValueError: It cannot be parsed.
    """
    return _parsed(path)[0]


def uncommitted() -> int:
    """Return how many of the files that a workflow is made of differ from the last commit.

    It is 0 where there is no repository or no git: MLflow notes no commit there either.
    """
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", *MADE_OF]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return 0
    return len(done.stdout.splitlines())


def _read(path: Path) -> tuple[str, list[Path]]:
    """Return the digest of a Python file's code, and the files that it imports.

    Python loads the `__init__.py` of each package that a file lies in, so these are among them.
    """
    digest, imported = _parsed(path)
    names = imported | {".".join(one.parts) for one in path.relative_to(PROJECT).parents}
    modules = [
        name
        for name in sorted(names)
        if name.partition(".")[0] in PACKAGES and not _is_without_effect(name)
    ]
    # What is imported from a module need not be a module itself.
    return digest, [found for name in modules if (found := _path(name)).is_file()]


def _parsed(path: Path) -> tuple[str, frozenset[str]]:
    """Return the digest of a Python file's code, and the dotted names that it imports."""
    status = path.stat()
    return _parsed_once(path, status.st_size, status.st_mtime_ns)


@lru_cache
def _parsed_once(path: Path, size: int, time: int) -> tuple[str, frozenset[str]]:
    """Parse a file once, as long as neither its size nor its time of change is another."""
    tree = ast.parse(path.read_bytes())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return digests.of_text(ast.dump(tree)), frozenset(names)


def _data_files(package: Path) -> list[Path]:
    """Return the files of a package that are no Python, those in folders below it included."""
    found = []
    for path in sorted(package.iterdir()):
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").is_file():
            found += _data_files(path)
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            found.append(path)
    return found


def _is_without_effect(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in WITHOUT_EFFECT)


def _path(module: str) -> Path:
    """Return where a module's file is, if there is such a module."""
    path = PROJECT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")
