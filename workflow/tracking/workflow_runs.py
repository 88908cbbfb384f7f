"""The runs of a finished workflow and of its steps, and the artifacts that they have logged."""

import io
import json
from dataclasses import dataclass
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Run

from sql_features.errors import WorkflowError
from workflow.tracking import artifacts, names, runs

STEPS = ("preprocess", "train", "hpo", "register")


@dataclass(frozen=True)
class Step:
    """A step of a workflow.

    Attributes:
        shown: The step's run below the workflow's run.
        run: The run that did the work: the same run, or the earlier one whose result was reused.
    """

    shown: Run
    run: Run

    @property
    def reused(self) -> bool:
        """Whether the result of an earlier run was taken."""
        return bool(self.run.info.run_id != self.shown.info.run_id)

    @property
    def seconds(self) -> float:
        """How long the work took."""
        info = self.run.info
        return float((info.end_time or info.start_time) - info.start_time) / 1000

    @property
    def result(self) -> str:
        """The result in one sentence."""
        return self.run.data.tags.get(names.RESULT_TAG, "")

    @property
    def reason(self) -> str:
        """Why the step was run instead of reused."""
        return self.shown.data.tags.get(names.REASON_TAG, "")


@dataclass(frozen=True)
class WorkflowRuns:
    """The run of a workflow, and its steps.

    Attributes:
        main: The workflow's run.
        steps: By name, in the order they were run.
    """

    main: Run
    steps: dict[str, Step]

    @property
    def seconds(self) -> float:
        """How long the work of all steps took, reused ones included."""
        return sum(step.seconds for step in self.steps.values())

    def of(self, step: str) -> Run:
        """Return the run that did the work of a step."""
        return self.steps[step].run

    def text(self, step: str, path: str) -> str:
        """Return an artifact of a step's run as text.

        Raises:
            WorkflowError: The run has no such artifact.
        """
        uri = f"runs:/{self.of(step).info.run_id}/{path}"
        text = artifacts.or_none(mlflow.artifacts.load_text, uri)
        if text is None:
            raise self.lacks(step, path)
        return text

    def lacks(self, step: str, path: str) -> WorkflowError:
        """Return the error for an artifact that a step's run has not."""
        return WorkflowError(
            f"run='{self.main.info.run_id}': {path} of its {step} run "
            f"{self.of(step).info.run_id} is not there. It was deleted, or an earlier version of "
            "this project made that run; run the workflow again."
        )

    def table(self, step: str, path: str) -> pd.DataFrame:
        """Return a CSV artifact of a step's run; only empty cells are missing values."""
        return pd.read_csv(io.StringIO(self.text(step, path)), keep_default_na=False, na_values="")

    def json(self, step: str, path: str) -> dict[str, Any]:
        """Return a JSON artifact of a step's run."""
        content: dict[str, Any] = json.loads(self.text(step, path))
        return content


def find(run_id: str) -> WorkflowRuns:
    """Return the runs of a workflow whose steps have all been run.

    Args:
        run_id: The workflow's run.

    Raises:
        WorkflowError: There is no such run, it is not a workflow's, or a step's run is missing.
    """
    run = runs.get(run_id)
    if run is None:
        raise WorkflowError(
            f"run='{run_id}': there is no such run in this tracking store; give the id of a "
            "finished workflow, the run named main."
        )
    if not _is_workflow(run):
        root = runs.root(run)
        its = f", {root.info.run_id}" if _is_workflow(root) else ""
        raise WorkflowError(
            f"run='{run_id}' is {run.info.run_name}: give the id of a finished workflow, the run "
            f"named main{its}."
        )
    found = {child.data.tags.get(names.STEP_TAG): child for child in runs.children(run)}
    if missing := [name for name in STEPS if name not in found]:
        raise WorkflowError(
            f"run='{run_id}' is {run.info.status} and has no {', '.join(missing)}: give the id of "
            "a finished workflow."
        )
    return WorkflowRuns(run, {name: Step(found[name], _worker(found[name])) for name in STEPS})


def existing(run_id: str, of: str) -> Run:
    """Return a run that a workflow refers to.

    Raises:
        WorkflowError: It was deleted.
    """
    if (run := runs.get(run_id)) is None:
        raise WorkflowError(f"run {run_id} of {of} is gone: run the workflow again.")
    return run


def _is_workflow(run: Run) -> bool:
    return run.data.tags.get(names.STEP_TAG) == "main"


def _worker(shown: Run) -> Run:
    """Return the run that did the work of the step that a run shows."""
    source = shown.data.tags.get(names.REUSED_TAG)
    return existing(source, shown.info.run_name) if source else shown
