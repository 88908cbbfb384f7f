"""The frame of every entry point: quiet libraries, one run, every ending a clean one."""

import atexit
import logging
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import click
import mlflow
from mlflow.entities import Run

from workflow import caller, fingerprint, interruption, orphans, reuse, trouble
from workflow.cache_key import Ingredients, key
from workflow.errors import StepFailed, WorkflowError
from workflow.interruption import Interrupted

ERROR_TAG = "workflow.error"
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
RESUME = "the same command goes on where it stopped"
GRACE = 3.0  # seconds that an interrupted step has to come out of what it is doing


@contextmanager
def run(name: str, ingredients: Ingredients | None = None, **tags: str) -> Iterator[Run]:
    """Log to the run that MLflow made for this step, or to a new one; name it after the step.

    Args:
        name: The step's.
        ingredients: What its result depends on; by their key it is found again. The last thing
            that is written is the record of what came out.
        tags: More of them.
    """
    with _run(run_name=name) as active:
        keyed = {fingerprint.KEY_TAG: key(ingredients)} if ingredients else {}
        mlflow.set_tags(
            {
                "mlflow.runName": name,
                "workflow.step": name,
                orphans.PROCESS_TAG: orphans.this_process(),
                **keyed,
                **tags,
            }
        )
        yield active
        if ingredients:
            reuse.record(active, ingredients)


def parameters() -> dict[str, str]:
    """Return what the step was given, by the names of its options."""
    context = click.get_current_context()
    return {
        option.opts[0].removeprefix("--"): context.params[option.name]
        for option in context.command.params
    }


def child(name: str) -> AbstractContextManager[Run]:
    """Log to a new run below the active one."""
    return _run(run_name=name, nested=True)


@contextmanager
def _run(**how: object) -> Iterator[Run]:
    with mlflow.start_run(**how) as active:
        try:
            yield active
        except Interrupted:
            interruption.end_children()
            orphans.end(active.info.run_id)
            mlflow.end_run("KILLED")  # MLflow would say FAILED
            raise
        except Exception as error:
            if trouble.is_unreachable(error):
                os.environ[RETRIES] = "0"  # it has been retried for long enough
            raise


def say(name: str, line: str, since: float | None = None) -> None:
    """Print one line of a step's progress, with the seconds since `since` (time.perf_counter())."""
    took = "" if since is None else f"  ({time.perf_counter() - since:.1f} s)"
    print(f"[{name}] {line}{took}", flush=True)


def execute(command: click.Command, grace: float = GRACE) -> None:
    """Run an entry point; on an error a user can cause, say it in one line and exit with 1.

    The line also goes into the tag `workflow.error` of the step's run, which ends FAILED; of an
    interruption it ends KILLED. An error in this project's own code keeps its traceback, for the
    report of the bug.

    Args:
        command: The entry point.
        grace: Seconds that it has to end when it is interrupted.
    """
    _quieten()
    # A server that is away is asked again after 0, 4, 8, 16 and 32 seconds.
    os.environ.setdefault(RETRIES, "5")
    # MLflow takes the run's id out of the environment when the run is started.
    run_id, calling = os.environ.get(caller.RUN_ID), caller.process()
    with tempfile.TemporaryDirectory(prefix="tabular-workflow-") as folder:
        tempfile.tempdir = folder  # MLflow leaves what it downloads; so it goes with the step

        def end(cause: Interrupted) -> None:
            shutil.rmtree(folder, ignore_errors=True)
            _killed(run_id, cause)

        interruption.watch(run_id, calling, grace, end)
        code = _outcome(command, run_id)
    # Python would take a second more to take apart all that has been imported.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _quieten() -> None:
    """Silence what is not about the user's table: of MLflow's inside, and what INFO says."""
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # Rare classes are said by preprocess, in its checks.
    warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)
    for library in ("mlflow", "alembic", "hyperopt", "matplotlib", "fsspec"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # each retry is a warning
    # What a store raises it also logs, with hundreds of lines of its inside.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _outcome(command: click.Command, run_id: str | None) -> int:
    """Run the command, say and log how it has ended, and return the exit code."""
    try:
        command.main(standalone_mode=False)
    except Interrupted as cause:
        _killed(run_id, cause)
        return 128 + cause.signal
    except StepFailed as error:
        _failed(run_id, str(error))
    except WorkflowError as error:
        _failed(run_id, str(error), say=True)
    except click.ClickException as error:
        _failed(run_id, _line(command, error), say=True)
    except Exception as error:
        if line := trouble.explain(error):
            _failed(run_id, line, say=True)
        else:
            traceback.print_exc()
            _failed(run_id, f"{type(error).__name__}: {error}")
    else:
        return 0
    return 1


def _line(command: click.Command, error: click.ClickException) -> str:
    """Return click's message, and the names that would have been right."""
    allowed = ", ".join(option.opts[0].removeprefix("--") for option in command.params)
    hint = f" Parameters: {allowed}." if isinstance(error, click.NoSuchOption) else ""
    return error.format_message() + hint


def _failed(run_id: str | None, line: str, say: bool = False) -> None:
    """Leave the line on the run that MLflow started this process for, if there is one."""
    if say:
        print(f"error: {line}", file=sys.stderr, flush=True)
    if run_id is None:
        return
    client = mlflow.MlflowClient()
    with suppress(Exception):  # the store may be what has failed
        client.set_tag(run_id, ERROR_TAG, line)
        client.set_terminated(run_id, "FAILED")


def _killed(run_id: str | None, cause: Interrupted) -> None:
    """End this process's run and all below it as KILLED, unless it was finished already."""
    os.environ[RETRIES] = "0"  # there is no time
    line, parent = f"interrupted ({cause}): {RESUME}.", None
    with suppress(Exception):  # what cannot be said now is found out by the next workflow
        if run_id is not None:
            client = mlflow.MlflowClient()
            run = client.get_run(run_id)
            parent = run.data.tags.get("mlflow.parentRunId")
            orphans.end(run_id)
            if run.info.status != "FINISHED":  # FAILED is what `mlflow run` may have said
                client.set_tag(run_id, ERROR_TAG, line)
                client.set_terminated(run_id, "KILLED")
    if parent is None:
        with suppress(OSError):  # the terminal may be closed
            print(line, file=sys.stderr, flush=True)
