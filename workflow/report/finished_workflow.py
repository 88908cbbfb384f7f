"""A workflow's story as the tracking store has it: what was done, what came out, how to repeat it.

Nothing is computed here: the steps have logged what there is to tell. So the story of a finished
workflow can be told at any time, whoever did the work of its steps.
"""

import io
import json
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
import pandas as pd
import yaml
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from sql_features.errors import WorkflowError
from workflow.checks import finding
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml
from workflow.data.split_rules import SPLITS
from workflow.models import metrics
from workflow.paths import MLPROJECT
from workflow.runtime import infrastructure_errors
from workflow.tracking import names, runs
from workflow.tracking.names import UNCOMMITTED_TAG

STEPS = ("preprocess", "train", "hpo", "register")


@dataclass(frozen=True)
class Step:
    """A step of a workflow.

    Attributes:
        name: The entry point.
        shown: The child run of the workflow.
        run: The run that has done the work: the same, unless it was reused.
    """

    name: str
    shown: Run
    run: Run

    @property
    def reused(self) -> bool:
        """Whether an earlier run's result was found."""
        return self.run.info.run_id != self.shown.info.run_id

    @property
    def seconds(self) -> float:
        """That the work has taken."""
        return _seconds(self.run)

    @property
    def result(self) -> str:
        """What came out, in one sentence."""
        return self.run.data.tags.get(names.RESULT_TAG, "")

    @property
    def reason(self) -> str:
        """Why it was run."""
        return self.shown.data.tags.get(names.REASON_TAG, "")


class FinishedWorkflow:
    """What is known of a workflow whose steps are finished.

    Args:
        run_id: The workflow's run.

    Attributes:
        run: It.
        steps: By name, in the order they were run.

    Raises:
        WorkflowError: There is no such run, or it is none of a whole workflow.
    """

    def __init__(self, run_id: str) -> None:
        run = runs.get(run_id)
        if run is None:
            raise WorkflowError(
                f"run='{run_id}': there is no such run in this tracking store; give the id of a "
                "finished workflow, the run named main."
            )
        if run.data.tags.get("workflow.step") != "main":
            above = runs.root(run)
            its = f", {above.info.run_id}" if above.data.tags.get("workflow.step") == "main" else ""
            raise WorkflowError(
                f"run='{run_id}' is {run.info.run_name}: give the id of a finished workflow, the "
                f"run named main{its}."
            )
        self.run = run
        found = {one.data.tags.get("workflow.step"): one for one in runs.children(run)}
        if missing := [name for name in STEPS if name not in found]:
            raise WorkflowError(
                f"run='{run_id}' is {run.info.status} and has no {', '.join(missing)}: give the id "
                "of a finished workflow."
            )
        self.steps = {name: Step(name, found[name], _worker(found[name])) for name in STEPS}

    @cached_property
    def dataset(self) -> Dataset:
        """What it was about."""
        where = f"runs:/{self._id('preprocess')}/splits/dataset.yaml"
        return from_yaml(self._text("preprocess", "splits/dataset.yaml"), where)

    @cached_property
    def metric(self) -> str:
        """The name of the metric that models were judged by."""
        return self._metric.name

    @property
    def val(self) -> str:
        """The metric's name on validation."""
        return self._metric.val_name

    @property
    def test(self) -> str:
        """The metric's name on test."""
        return self._metric.test_name

    @property
    def greater_is_better(self) -> bool:
        """Which way the metric is better."""
        return self._metric.greater_is_better

    @cached_property
    def _metric(self) -> metrics.Metric:
        asked = unquoted(self.run.data.params["metric"])
        return metrics.resolve(asked, self.dataset.task, self.dataset.metric)

    @property
    def model(self) -> str:
        """The registered model's name."""
        return self._register.data.tags[names.MODEL_TAG]

    @property
    def version(self) -> str:
        """The registered version."""
        return self._register.data.tags[names.VERSION_TAG]

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """All models that were compared, in order: the finalists, the others, the baseline.

        Columns: "run", "family", `features` where they were searched, scores, "fit_seconds",
        "model_bytes", "run_id". Only finalists and the baseline have scores on test.
        """
        finalists = self._csv("register", names.LEADERBOARD)
        known = set(finalists["run_id"].dropna())
        compared = [self._id("train"), self._id("hpo")]
        rest = [
            {
                "run": run.info.run_name,
                "family": run.data.tags[names.FAMILY_TAG],
                **runs.chosen_features(run),
                **run.data.metrics,
                "run_id": run.info.run_id,
            }
            for run in runs.candidates(compared)
            if run.info.run_id not in known
        ]
        rest.sort(key=lambda one: self._metric.loss(one[self.val]))
        # The baseline stands last in both.
        table = pd.concat([finalists.iloc[:-1], pd.DataFrame(rest), finalists.iloc[-1:]])
        return table.reset_index(drop=True)

    @property
    def best(self) -> pd.Series:
        """The leaderboard's row of the registered model."""
        return self.leaderboard.iloc[0]

    @property
    def baseline(self) -> pd.Series:
        """The leaderboard's row of the model that knows no feature."""
        return self.leaderboard.iloc[-1]

    @property
    def validation(self) -> str:
        """How models were judged: `holdout` or `cv:<folds>`."""
        return self._winner.data.tags[names.VALIDATION_TAG]

    @cached_property
    def hyperparameters(self) -> dict[str, str]:
        """The registered model's, as text."""
        return dict(sorted(self._winner.data.params.items()))

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """By split, the rows "read" and "kept", and those "dropped" by reason."""
        return self._json("preprocess", "rows.json")

    @cached_property
    def checks(self) -> pd.DataFrame:
        """What was looked for in the data; see checks.py."""
        return self._csv("preprocess", names.CHECKS)

    @cached_property
    def warnings(self) -> list[str]:
        """What the checks of the data warn of."""
        return finding.warnings(self.checks)

    @cached_property
    def profile(self) -> dict[str, Any]:
        """What preprocess has logged of the columns' distributions; see distributions.py."""
        return self._json("preprocess", names.PROFILE)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row a trial, see steps/hpo.py."""
        return self._csv("hpo", names.TRIALS)

    @cached_property
    def hyperparameter_importance(self) -> pd.DataFrame:
        """Columns "family", "hyperparameter" and "importance"; see search_importance.py."""
        return self._csv("hpo", names.SEARCH_IMPORTANCE)

    @cached_property
    def winner(self) -> dict[str, Any]:
        """What register has logged of the registered model; see winner.py."""
        return self._json("register", names.WINNER)

    @property
    def digests(self) -> dict[str, str]:
        """Digest of each clean split."""
        tags = self.steps["preprocess"].run.data.tags
        return {split: tags[f"{names.DIGEST_TAG}.{split}"] for split in SPLITS}

    @property
    def raw_digests(self) -> dict[str, str]:
        """Digest of the raw rows, by split or of the whole table."""
        head = f"{names.RAW_DIGEST_TAG}."
        tags = self.steps["preprocess"].run.data.tags
        return {name.removeprefix(head): one for name, one in tags.items() if name.startswith(head)}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Every parameter of the workflow, paths absolute, quoted for a shell by MLflow."""
        given = dict(self.run.data.params)
        located = self.steps["preprocess"].shown.data.params
        given |= {name: located[name] for name in ("dataset", "data") if name in located}
        declared = yaml.safe_load(MLPROJECT.read_text())["entry_points"]["main"]["parameters"]
        order = [*(name for name in declared if name in given), *sorted(given.keys() - declared)]
        return {name: given[name] for name in order}

    @property
    def commit(self) -> str | None:
        """The commit of the code, if it has one."""
        return self.run.data.tags.get("mlflow.source.git.commit")

    @property
    def uncommitted(self) -> int:
        """How many files of the project were in no commit."""
        return int(self.run.data.tags.get(UNCOMMITTED_TAG, 0))

    @property
    def source(self) -> str:
        """Where the code was: a git URL, or a folder."""
        tags = self.run.data.tags
        given = tags.get("mlflow.source.name", "").partition("#")[0].removeprefix("file://")
        remote = tags.get("mlflow.source.git.repoURL", "")
        return public(remote if is_remote(remote) else given)

    @property
    def command(self) -> list[str]:
        """The words of the command that does it again, a line each that belongs together."""
        given = [f"-P {name}={text}" for name, text in self.parameters.items()]
        source = self.source
        if self.commit is None:
            return [f"mlflow run {shlex.quote(source)} --env-manager uv", *given]
        if is_remote(source):
            return [f"mlflow run {source} -v {self.commit} --env-manager uv", *given]
        folder = Path(source).name or "project"
        return [
            f"git clone {shlex.quote(source)} {folder} &&",
            f"git -C {folder} checkout {self.commit} &&",
            f"mlflow run {folder} --env-manager uv",
            *given,
        ]

    @property
    def uri(self) -> str:
        """Where the registered model is loaded from."""
        return f"models:/{self.model}@{names.ALIAS}"

    @property
    def serving(self) -> list[str]:
        """The commands that serve the registered model, and score rows with it."""
        return [
            f"mlflow models serve -m {self.uri} --env-manager uv --port 5001",
            f"mlflow models predict -m {self.uri} --env-manager uv -i rows.csv -t csv",
        ]

    @property
    def seconds(self) -> float:
        """That the work of all steps has taken, reused ones too."""
        return sum(step.seconds for step in self.steps.values())

    @cached_property
    def _winner(self) -> Run:
        return _present(self._register.data.tags[names.WINNER_TAG], "the registered model")

    @property
    def _register(self) -> Run:
        return self.steps["register"].run

    def _id(self, step: str) -> str:
        return self.steps[step].run.info.run_id

    def _text(self, step: str, path: str) -> str:
        try:
            return mlflow.artifacts.load_text(f"runs:/{self._id(step)}/{path}")
        except (MlflowException, OSError) as error:
            if infrastructure_errors.explain(error):
                raise
            raise WorkflowError(
                f"run='{self.run.info.run_id}': {path} of its {step} run {self._id(step)} is not "
                "there. It was deleted, or an earlier version of this project made that run; run "
                "the workflow again."
            ) from error

    def _csv(self, step: str, path: str) -> pd.DataFrame:
        return pd.read_csv(io.StringIO(self._text(step, path)), keep_default_na=False, na_values="")

    def _json(self, step: str, path: str) -> dict[str, Any]:
        return json.loads(self._text(step, path))


def unquoted(param: str) -> str:
    """Return the value of a parameter that MLflow has quoted for a shell.

    >>> unquoted("'a b'")
    'a b'
    """
    return " ".join(shlex.split(param))


def is_remote(source: str) -> bool:
    """Tell the URL of a git repository from a folder.

    >>> [is_remote(one) for one in ("https://host/repo", "git@host:repo.git", "/home/me/repo")]
    [True, True, False]
    """
    return ("://" in source and not source.startswith("file:")) or source.startswith("git@")


def public(address: str) -> str:
    """Return an address without the user and the password in it.

    >>> public("https://me:secret@host:8080/mlflow/")
    'https://host:8080/mlflow'
    """
    if "://" not in address or not (host := urlsplit(address).netloc):
        return address
    return address.replace(host, host.rpartition("@")[2], 1).rstrip("/")


def _worker(shown: Run) -> Run:
    """Return the run that did the work of a step that is shown."""
    source = shown.data.tags.get(names.REUSED_TAG)
    return _present(source, shown.info.run_name) if source else shown


def _present(run_id: str, of: str) -> Run:
    if (run := runs.get(run_id)) is None:
        raise WorkflowError(f"run {run_id} of {of} is gone: run the workflow again.")
    return run


def _seconds(run: Run) -> float:
    return ((run.info.end_time or run.info.start_time) - run.info.start_time) / 1000
