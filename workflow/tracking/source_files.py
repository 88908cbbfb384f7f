"""Which of the project's own files a module is made of: itself, and all that it imports."""

import ast
import subprocess
from functools import lru_cache
from pathlib import Path

from workflow import digests
from workflow.paths import PACKAGES, PROJECT

MADE_OF = ("MLproject", "conda.yaml", "main.py", "datasets", *PACKAGES)


def of(module: str) -> dict[str, str]:
    """Return the digest of each file, by its path in the project.

    Imports are read from the source, those inside functions too; nothing is imported.

    Args:
        module: Of the project, such as `steps.train`.
    """
    found: dict[str, str] = {}
    left = [_path(module)]
    while left:
        path = left.pop()
        name = path.relative_to(PROJECT).as_posix()
        if name not in found:
            found[name] = digests.of_files([path])
            left += _imported(path)
    return dict(sorted(found.items()))


def uncommitted() -> int:
    """Return how many of the files that a workflow is made of differ from the last commit.

    Where there is no repository, or no git, MLflow notes no commit either, and it is 0.
    """
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", *MADE_OF]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return 0
    return len(done.stdout.splitlines())


@lru_cache
def _imported(path: Path) -> list[Path]:
    """Return the files that a file imports, and those of the packages it lies in."""
    names = {".".join(one.parts) for one in path.relative_to(PROJECT).parents}
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    modules = [name for name in names if name.partition(".")[0] in PACKAGES]
    return [path for name in sorted(modules) if (path := _path(name)).is_file()]


def _path(module: str) -> Path:
    """Return the file of a module; it need not exist: what is imported may be no module."""
    path = PROJECT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")
