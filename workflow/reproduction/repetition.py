"""A recorded workflow run again: its code, its parameters, into a store of its own."""

import os
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

from sql_features.errors import WorkflowError
from workflow import addresses
from workflow.parameters import AUTO, NONE
from workflow.reproduction.recipe import Recipe, is_remote
from workflow.tracking import environment, names, workflow_runs
from workflow.tracking.workflow_runs import WorkflowRuns

EXPERIMENT = "reproduce"
# What belongs to the tracking server that a user has named, or to this step's own run.
NOT_PASSED_ON = ("MLFLOW_TRACKING_", "MLFLOW_REGISTRY_", "MLFLOW_EXPERIMENT_", "MLFLOW_RUN_ID")
LAST = 5  # lines of a run that has failed without saying why


def check_out(recipe: Recipe, into: Path) -> Path:
    """Check out the recorded commit of a project; return the project's folder.

    Args:
        recipe: What was recorded.
        into: A folder that does not exist yet.

    Raises:
        WorkflowError: The source or the commit is not there.
    """
    source, below = recipe.source, recipe.subfolder
    if not is_remote(source):
        top = _git("rev-parse", "--show-toplevel", "--show-prefix", cwd=Path(source), of=recipe)
        source, below = (*top.splitlines(), "")[:2]
    assert recipe.commit is not None
    _git("clone", "--quiet", "--no-checkout", "--", source, str(into), of=recipe)
    _git("checkout", "--quiet", "--detach", recipe.commit, cwd=into, of=recipe)
    return into / below


def check_recipe(recipe: Recipe) -> None:
    """Check that the code of a workflow can be had again.

    Raises:
        WorkflowError: It was in no commit.
    """
    here = "Give code=here to compare the version with what the code of this folder makes."
    if recipe.commit is None:
        raise WorkflowError(f"the code of {recipe.source} was in no git repository. {here}")
    if recipe.uncommitted:
        raise WorkflowError(
            f"{recipe.uncommitted} changed files of the project were in no commit when it was run, "
            f"so its code is not known. {here}"
        )


def parameters(recipe: Recipe, recorded: WorkflowRuns, *, trials: int) -> dict[str, str]:
    """Return the parameters that repeat a workflow.

    Each `auto` that depends on the dataset is what it stood for then, and a time limit is the
    number of trials that had started when it was over.

    Args:
        recipe: What was recorded.
        recorded: The workflow's runs.
        trials: How many its search has started.
    """
    given = {name: "".join(shlex.split(text)) for name, text in recipe.parameters.items()}
    if given.get("validation") == AUTO:
        winner = recorded.of("register").data.tags[names.WINNER_TAG]
        tags = workflow_runs.existing(winner, "the registered model").data.tags
        given["validation"] = tags[names.VALIDATION_TAG]
    if given.get("timeout", NONE) != NONE:
        given |= {"timeout": NONE, "max_evals": str(trials)}
    return given


def run(
    project: Path,
    given: dict[str, str],
    recorded_environment: dict[str, str],
    folder: Path,
    say: Callable[[str], None],
) -> str:
    """Run a project's workflow into a store of its own; return the store's address.

    Args:
        project: The project's folder.
        given: The parameters.
        recorded_environment: As `environment.installed` returned it then. Where this process has
            the same, it is not built again.
        folder: An existing empty folder for the store.
        say: Is given each line that the workflow prints.

    Raises:
        WorkflowError: The workflow has failed.
    """
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    MlflowClient(uri).create_experiment(EXPERIMENT, str(folder / "artifacts"))
    manager = "local" if environment.installed() == recorded_environment else "uv"
    command = [sys.executable, "-m", "mlflow", "run", str(project), "--env-manager", manager]
    command += ["--experiment-name", EXPERIMENT]
    command += [word for name, text in given.items() for word in ("-P", f"{name}={text}")]
    passed_on = {n: text for n, text in os.environ.items() if not n.startswith(NOT_PASSED_ON)}
    # The steps are started by the `python` that is first on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), passed_on.get("PATH", "")])
    with subprocess.Popen(
        command,
        cwd=folder,
        env=passed_on | {"MLFLOW_TRACKING_URI": uri, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        last: deque[str] = deque(maxlen=LAST)
        for line in process.stdout:
            last.append(line.strip())
            say(line.rstrip("\n"))
    if process.returncode:
        with of_store(uri):
            main = _main_run()
        said = None if main is None else main.data.tags.get(names.ERROR_TAG)
        why = said or " | ".join(filter(None, last))
        raise WorkflowError(f"the workflow cannot be run again: {addresses.stripped_text(why)}")
    return uri


@contextmanager
def of_store(uri: str) -> Iterator[None]:
    """Read from another tracking store meanwhile."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def found() -> WorkflowRuns:
    """Return the workflow that `run` has run, from its store."""
    main = _main_run()
    assert main is not None
    return workflow_runs.find(main.info.run_id)


def _main_run() -> mlflow.entities.Run | None:
    client = MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None  # `run` has made it
    runs = client.search_runs([experiment.experiment_id], f"tags.`{names.STEP_TAG}` = 'main'")
    return runs[0] if runs else None


def _git(*arguments: str, of: Recipe, cwd: Path | None = None) -> str:
    """Run git and return what it prints.

    Raises:
        WorkflowError: It has failed, or is not there.
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},  # nobody could answer
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError as error:
        why = "there is no such folder" if cwd and not cwd.is_dir() else "git is not installed"
        raise _not_there(of, why) from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.strip()]
        why = lines[-1] if lines else f"git ended with {error.returncode}"
        raise _not_there(of, why) from error
    return done.stdout


def _not_there(recipe: Recipe, why: str) -> WorkflowError:
    return WorkflowError(
        f"commit {recipe.commit} of {recipe.source} cannot be checked out "
        f"({addresses.stripped_text(why)}). Give code=here to compare the version with what the "
        "code of this folder makes."
    )
