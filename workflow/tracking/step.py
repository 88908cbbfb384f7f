"""The frame of every entry point: it opens one run, says how it goes, and ends it in any case."""

import atexit
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import click
import mlflow
import psutil
from mlflow.entities import Run

from sql_features.errors import WorkflowError
from workflow import addresses, options
from workflow.errors import AlertRaised, StepFailed
from workflow.runtime import (
    calling_process,
    final_status,
    http_retries,
    infrastructure_errors,
    library_logging,
    signals,
    terminal,
)
from workflow.runtime.signals import Interrupted
from workflow.tracking import names, reuse, stale_runs
from workflow.tracking.cache_key import Ingredients, key

REASON = "TABULAR_WORKFLOW_REASON"  # environment variable of a workflow's steps: why each runs
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
RESUME = "the same command goes on where it stopped"
GRACE = 3.0  # seconds that an interrupted step has to end by itself

_results: dict[str, str] = {}  # result lines of runs that have not ended yet, by run id


@contextmanager
def run(name: str, ingredients: Ingredients | None = None, **tags: str) -> Iterator[Run]:
    """Log to the run that MLflow made for this step, or to a new one; name it after the step.

    Args:
        name: The entry point.
        ingredients: What its result depends on. Given, the result is recorded at the end, so that
            a later workflow finds it again.
        tags: Further tags of the run.
    """
    reason = os.environ.get(REASON)
    if is_alone() and name != "main":
        terminal.say(name, "runs alone", faint=True)
    with _run(run_name=name) as active:
        keyed = {names.KEY_TAG: key(ingredients)} if ingredients else {}
        mlflow.set_tags(
            {
                names.NAME_TAG: name,
                names.STEP_TAG: name,
                names.KIND_TAG: names.WORKFLOW if name == "main" else names.STEP,
                names.PROCESS_TAG: stale_runs.this_process(),
                **({names.REASON_TAG: reason} if reason else {}),
                **keyed,
                **tags,
            }
        )
        yield active
        if ingredients:
            reuse.record(active, ingredients)
    if line := _results.pop(active.info.run_id, None):
        terminal.say(name, line, seconds=terminal.process_age())


def log_summary(line: str) -> None:
    """Log the active step's result in one sentence, and print it when its run has ended.

    It is a tag, so that a reused step and the report can say it too.
    """
    mlflow.set_tag(names.RESULT_TAG, line)
    run = mlflow.active_run()
    assert run is not None
    _results[run.info.run_id] = line


def is_alone() -> bool:
    """Tell whether the step was called by itself, with no workflow above."""
    return REASON not in os.environ


def remark(name: str, line: str) -> None:
    """Print what a workflow's summary tells anyway: if there is none, or with `verbose=true`."""
    if is_alone() or terminal.is_verbose():
        terminal.say(name, line)


@contextmanager
def started_by_workflow(reason: str, **secrets: str) -> Iterator[None]:
    """Tell the steps started meanwhile that a workflow runs them, and for which reason.

    Args:
        reason: Why they are run.
        secrets: Environment variables of theirs, for what no parameter may hold.
    """
    given = {REASON: reason, **secrets}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def parameters() -> dict[str, str]:
    """Return the text of each option as the user typed it, by the option's name.

    `verbose` is not among them, because no result depends on it.
    """
    return dict(click.get_current_context().meta[options.TEXTS])


def _set_verbose(verbose: bool) -> None:
    terminal.set_verbose(verbose)
    if verbose:
        library_logging.show()


verbose = options.verbose(_set_verbose)  # every entry point has this option


def child(name: str, kind: str) -> AbstractContextManager[Run]:
    """Log to a new run below the active one: a `MODEL` or a `TRIAL`."""
    return _run(run_name=name, nested=True, tags={names.KIND_TAG: kind})


@contextmanager
def _run(**how: Any) -> Iterator[Run]:
    with mlflow.start_run(**how) as active:
        try:
            yield active
        except Interrupted:
            signals.end_children()
            stale_runs.end(active.info.run_id)
            mlflow.end_run("KILLED")  # MLflow would say FAILED
            raise
        except Exception as error:
            if infrastructure_errors.is_unreachable(error):
                os.environ[RETRIES] = "0"  # it has been asked often enough
            raise


def execute(command: click.Command, grace: float = GRACE) -> None:
    """Run an entry point; on an error a user can cause, say it in one line and exit with 1.

    The line also goes into the tag `workflow.error` of the step's run, which ends FAILED; of an
    interruption it ends KILLED. An error in this project's own code keeps its traceback, for the
    report of the bug.

    Args:
        command: The entry point.
        grace: Seconds that it has to end when it is interrupted.
    """
    terminal.escape_what_it_lacks()
    library_logging.silence()
    # Five retries: a server that is away is asked again after 0, 4, 8, 16 and 32 seconds.
    os.environ.setdefault(RETRIES, "5")
    http_retries.ask_again()
    # Read now: MLflow removes the run's id from the environment when the run is started.
    run_id, calling = os.environ.get(calling_process.RUN_ID), calling_process.process()
    with tempfile.TemporaryDirectory(prefix="tabular-workflow-") as folder:
        tempfile.tempdir = folder  # MLflow does not remove what it downloads; this folder is

        def end(cause: Interrupted) -> None:
            shutil.rmtree(folder, ignore_errors=True)
            _killed(run_id, cause)

        signals.watch(run_id, calling, grace, end)
        code = _outcome(command, run_id, calling)
    # Leave at once: Python would need another second to take all modules apart.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _outcome(
    command: click.Command, run_id: str | None, calling: psutil.Process | None = None
) -> int:
    """Run the command, print and log how it has ended, and return the exit code."""
    try:
        command.main(standalone_mode=False)
    except Interrupted as cause:
        _killed(run_id, cause)
        signals.start_setter()
        return 128 + cause.signal
    except AlertRaised:  # it has said and logged what there is
        if run_id is not None:
            final_status.set_finished_later(run_id, calling)
    except StepFailed as error:
        _failed(run_id, str(error))
    except WorkflowError as error:
        _failed(run_id, str(error), say=True)
    except click.ClickException as error:
        _failed(run_id, _line(command, error), say=True)
    except Exception as error:
        if line := infrastructure_errors.explain(error):
            _failed(run_id, line, say=True)
        else:
            print(addresses.stripped_text(traceback.format_exc()), end="", file=sys.stderr)
            _failed(run_id, f"{type(error).__name__}: {error}")
    else:
        return 0
    return 1


def _line(command: click.Command, error: click.ClickException) -> str:
    """Return click's message; for an unknown parameter also the known ones."""
    allowed = ", ".join(option.opts[0].removeprefix("--") for option in command.params)
    hint = f" Parameters: {allowed}." if isinstance(error, click.NoSuchOption) else ""
    return error.format_message() + hint


def _failed(run_id: str | None, line: str, say: bool = False) -> None:
    """Log why the step has failed to the run that MLflow started this process for, if any.

    Whatever has failed may quote an address: what is secret in it is left out here at the latest.
    """
    line = addresses.stripped_text(line)
    if say:
        terminal.say_last(f"error: {line}")
    if run_id is None:
        return
    client = mlflow.MlflowClient()
    with suppress(Exception):  # the store may be what has failed
        client.set_tag(run_id, names.ERROR_TAG, line)
        client.set_terminated(run_id, "FAILED")


def _killed(run_id: str | None, cause: Interrupted) -> None:
    """Set this process's run and all runs below it to KILLED, unless it is FINISHED already."""
    os.environ[RETRIES] = "0"  # there is no time to wait for a server
    line, parent = f"interrupted ({cause}): {RESUME}.", None
    with suppress(Exception):  # what cannot be written now, the next workflow finds out
        if run_id is not None:
            client = mlflow.MlflowClient()
            run = client.get_run(run_id)
            parent = run.data.tags.get(names.PARENT_TAG)
            stale_runs.end(run_id)
            if run.info.status != "FINISHED":  # `mlflow run` may have set it to FAILED
                client.set_tag(run_id, names.ERROR_TAG, line)
                client.set_terminated(run_id, "KILLED")
    if parent is None:
        with suppress(OSError):  # the terminal may be closed
            terminal.say_last(line)
