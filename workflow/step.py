"""The frame of every entry point: quiet libraries, one run, errors as one line."""

import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click
import mlflow
from mlflow.entities import Run

from workflow.errors import StepFailed, WorkflowError

ERROR_TAG = "workflow.error"


@contextmanager
def run(name: str) -> Iterator[Run]:
    """Log to the run that MLflow made for this step, or to a new one; name it after the step."""
    with mlflow.start_run(run_name=name) as active:
        mlflow.set_tags({"mlflow.runName": name, "workflow.step": name})
        yield active


def say(name: str, line: str, since: float | None = None) -> None:
    """Print one line of a step's progress, with the seconds since `since` (time.perf_counter())."""
    took = "" if since is None else f"  ({time.perf_counter() - since:.1f} s)"
    print(f"[{name}] {line}{took}", flush=True)


def execute(command: click.Command) -> None:
    """Run an entry point; on an error a user can cause, say it in one line and exit with 1.

    The line also goes into the tag `workflow.error` of the step's run, which ends FAILED. An error
    in this project's own code keeps its traceback, for the report of the bug.
    """
    # Of MLflow's inside, not about the user's table: links and bars amid our lines, and what these
    # libraries say at INFO.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # Rare classes are said by preprocess, in its checks.
    warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)
    for library in ("mlflow", "alembic", "hyperopt", "matplotlib", "fsspec"):
        logging.getLogger(library).setLevel(logging.WARNING)
    run_id = os.environ.get("MLFLOW_RUN_ID")  # MLflow takes it away when the run is started
    with tempfile.TemporaryDirectory(prefix="tabular-workflow-") as folder:
        tempfile.tempdir = folder  # MLflow leaves what it downloads; so it goes with the step
        try:
            command.main(standalone_mode=False)
        except click.ClickException as error:
            _fail(run_id, _line(command, error))
        except StepFailed as error:
            _tag(run_id, str(error))
            sys.exit(1)
        except WorkflowError as error:
            _fail(run_id, str(error))
        except Exception as error:
            _tag(run_id, f"{type(error).__name__}: {error}")
            raise


def _line(command: click.Command, error: click.ClickException) -> str:
    """Return click's message, and the names that would have been right."""
    allowed = ", ".join(option.opts[0].removeprefix("--") for option in command.params)
    hint = f" Parameters: {allowed}." if isinstance(error, click.NoSuchOption) else ""
    return error.format_message() + hint


def _fail(run_id: str | None, line: str) -> None:
    _tag(run_id, line)
    print(f"error: {line}", file=sys.stderr, flush=True)
    sys.exit(1)


def _tag(run_id: str | None, line: str) -> None:
    """Leave the line on the run that MLflow started this process for, if there is one."""
    if run_id is None:
        return
    client = mlflow.MlflowClient()
    client.set_tag(run_id, ERROR_TAG, line)
    client.set_terminated(run_id, "FAILED")
