"""The environment: what conda.yaml pins, what is installed, and what a served model needs."""

import platform
import sys
from functools import lru_cache
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from workflow import digests
from workflow.paths import CONDA


def pins() -> dict[str, list[str]]:
    """Return the pip requirements of conda.yaml by package name.

    A package has several where its version depends on Python's.
    """
    found: dict[str, list[str]] = {}
    for line in next(one["pip"] for one in _conda()["dependencies"] if isinstance(one, dict)):
        found.setdefault(line.partition("==")[0], []).append(line)
    return found


@lru_cache
def installed() -> dict[str, str]:
    """Return the installed version of each pinned package, of Python, and the platform.

    The digest of conda.yaml's pins stands beside them: models carry these pins, and with
    `--env-manager local` they can differ from what is installed.
    """
    versions = {
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "conda.yaml": digests.of_text("\n".join(chain(*pins().values()))),
    }
    for name in pins():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
    return versions


def serving_environment(packages: list[str], constraints: Path) -> dict[str, Any]:
    """Return a conda environment with some of conda.yaml's packages, the rest as constraints.

    Args:
        packages: Names of packages that conda.yaml pins.
        constraints: A file to write every pin to, so that what the packages pull in is fixed too.

    Raises:
        KeyError: conda.yaml does not pin a package.
    """
    pinned = pins()
    constraints.write_text("".join(f"{line}\n" for line in chain(*pinned.values())))
    conda = _conda()
    interpreter = [one for one in conda["dependencies"] if isinstance(one, str)]
    wanted = [*chain(*(pinned[name] for name in packages)), f"-c {constraints}"]
    return {**conda, "dependencies": [*interpreter, {"pip": wanted}]}


def _conda() -> dict[str, Any]:
    definition: dict[str, Any] = yaml.safe_load(CONDA.read_text())
    return definition
