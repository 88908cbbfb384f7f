"""The command that repeats a workflow: its code, its commit and its parameters."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml

from workflow import addresses
from workflow.paths import MLPROJECT
from workflow.tracking import names
from workflow.tracking.workflow_runs import WorkflowRuns


@dataclass(frozen=True)
class Recipe:
    """What is needed to run a workflow again.

    Attributes:
        source: Where the code was: a git URL, or a folder.
        commit: The commit of the code, if it had one.
        uncommitted: How many files of the project were changed since that commit.
        version: The version of the project.
        parameters: The workflow's parameters, quoted for a shell, with absolute paths.
        subfolder: Of the source, where the project is; "" where it is the source itself.
    """

    source: str
    commit: str | None
    uncommitted: int
    version: str
    parameters: dict[str, str]
    subfolder: str = ""

    @property
    def command(self) -> str:
        """The command that repeats the workflow, each part on a line of its own."""
        options = [f"-P {name}={value}" for name, value in self.parameters.items()]
        return " \\\n  ".join([*self._run_project(), *options])

    def _run_project(self) -> list[str]:
        if self.commit is None:
            return [f"mlflow run {shlex.quote(self.source)} --env-manager uv"]
        if is_remote(self.source):
            return [f"mlflow run {self.source} -v {self.commit} --env-manager uv"]
        folder = Path(self.source).name or "project"
        return [
            f"git clone {shlex.quote(self.source)} {folder} &&",
            f"git -C {folder} checkout {self.commit} &&",
            f"mlflow run {folder} --env-manager uv",
        ]


def read(runs: WorkflowRuns) -> Recipe:
    """Return what is needed to run a workflow again."""
    tags = runs.main.data.tags
    folder, _, subfolder = tags.get(names.SOURCE_TAG, "").partition("#")
    folder = folder.removeprefix("file://")
    remote = tags.get(names.REPOSITORY_TAG, "")
    # MLflow has logged the workflow's paths as they were typed, the step's are absolute.
    located = runs.steps["preprocess"].shown.data.params
    absolute = {name: located[name] for name in ("dataset", "data") if name in located}
    return Recipe(
        source=addresses.stripped(remote).rstrip("/") if is_remote(remote) else folder,
        commit=tags.get(names.COMMIT_TAG),
        uncommitted=int(tags.get(names.UNCOMMITTED_TAG, 0)),
        version=tags.get(names.PROJECT_VERSION_TAG, "unknown"),
        parameters=_as_declared(runs.main.data.params | absolute),
        subfolder=subfolder,
    )


def is_remote(source: str) -> bool:
    """Return whether a source is the URL of a git repository, and not a folder.

    >>> [is_remote(one) for one in ("https://host/repo", "git@host:repo.git", "/home/me/repo")]
    [True, True, False]
    """
    return ("://" in source and not source.startswith("file:")) or source.startswith("git@")


def _as_declared(parameters: dict[str, str]) -> dict[str, str]:
    """Return parameters in the order in which MLproject declares them, all others last."""
    declared = yaml.safe_load(MLPROJECT.read_text())["entry_points"]["main"]["parameters"]
    known = [name for name in declared if name in parameters]
    return {name: parameters[name] for name in [*known, *sorted(parameters.keys() - declared)]}
