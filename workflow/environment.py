"""The environment's pins, read from conda.yaml, for the models that are logged from it."""

from pathlib import Path
from typing import Any

import yaml

CONDA = Path(__file__).resolve().parent.parent / "conda.yaml"


def pins() -> dict[str, str]:
    """Return every pip requirement of conda.yaml by package name."""
    lines = next(one["pip"] for one in _conda()["dependencies"] if isinstance(one, dict))
    return {line.partition("==")[0]: line for line in lines}


def serving_environment(packages: list[str], constraints: Path) -> dict[str, Any]:
    """Return a conda environment with some of conda.yaml's packages, the rest as constraints.

    Args:
        packages: Names of packages that conda.yaml pins.
        constraints: A file to write every pin to, so that what the packages pull in is fixed too.

    Raises:
        KeyError: conda.yaml does not pin a package.
    """
    pinned = pins()
    constraints.write_text("".join(f"{line}\n" for line in pinned.values()))
    conda = _conda()
    interpreter = [one for one in conda["dependencies"] if isinstance(one, str)]
    wanted = [*(pinned[name] for name in packages), f"-c {constraints}"]
    return {**conda, "dependencies": [*interpreter, {"pip": wanted}]}


def _conda() -> dict[str, Any]:
    return yaml.safe_load(CONDA.read_text())
