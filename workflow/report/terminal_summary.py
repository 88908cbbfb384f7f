"""The summary that a workflow prints at its end: the models, the winner, what to do with it."""

import mlflow
import pandas as pd

from workflow import addresses
from workflow.formatting import number, seconds
from workflow.plain_values import cut
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.runtime import terminal
from workflow.tracking import names
from workflow.tracking.runs import page
from workflow.tracking.workflow_runs import WorkflowRuns

MODELS, WARNINGS = 8, 3  # lines of each: the summary fits on a screen
WIDEST = 20  # characters of a column of names


def show(workflow: FinishedWorkflow) -> None:
    """Print the summary."""
    for part in (_result, _leaderboard, _notes, _next_steps):
        if lines := part(workflow):
            print("", *map(terminal.printable, lines), sep="\n", flush=True)


def report_address(runs: WorkflowRuns) -> str:
    """Return where the report can be opened: in the UI of a tracking server, or as a file."""
    store = _store()
    if store.startswith("http"):
        return f"{store}/{page(runs.main)}/artifacts/{names.REPORT}"
    return f"{runs.main.info.artifact_uri.removeprefix('file://')}/{names.REPORT}"


def _store() -> str:
    """Return the address of the tracking store, without a password."""
    return addresses.stripped(mlflow.get_tracking_uri()).rstrip("/")


def _result(workflow: FinishedWorkflow) -> list[str]:
    model = workflow.model
    return [
        workflow.title,
        f"Registered {model.name} version {model.version}, @{model.alias}: {workflow.headline}",
        *([f"  {model.decision}"] if model.decision else []),
    ]


def _leaderboard(workflow: FinishedWorkflow) -> list[str]:
    board = workflow.leaderboard
    texts = ["run", "family", *([names.FEATURES] if board.has_features else [])]
    scores = board.metric.val_name, board.metric.test_name
    wide = max(12, len(board.metric.test_name) + 2)
    lines = [
        "  " + "".join(f"{name:<{WIDEST}}" for name in texts)
        + "".join(f"{name:>{wide}}" for name in scores) + f"{'fit':>12}"
    ]  # fmt: skip
    for place, (_, row) in enumerate(board.top(MODELS).iterrows()):
        who = "".join(f"{_name(row[name]):<{WIDEST}}" for name in texts)
        values = "".join(f"{number(row[name]):>{wide}}" for name in scores)
        mark, fit = "*" if place == 0 else " ", seconds(row[names.FIT_SECONDS])
        lines.append(f"{mark} {who}{values}{fit:>12}")
    if (more := board.model_count - MODELS) > 0:
        lines.append(f"  and {more} more, in the report")
    return lines


def _name(value: object) -> str:
    return "-" if pd.isna(value) else cut(str(value), WIDEST - 1)


def _notes(workflow: FinishedWorkflow) -> list[str]:
    """Return the warnings, and the columns that are read in a way of their own, or not used."""
    warnings, left_out = workflow.warnings, list(workflow.dataset.left_out)
    lines = [f"! {line}" for line in warnings[:WARNINGS]]
    if (more := len(warnings) - WARNINGS) > 0:
        lines.append(f"! and {more} more, in the report")
    if notes := list(workflow.data.notes):
        lines.append(f"  read in a way of their own, see the report: {_named(notes)}")
    if left_out:
        lines.append(f"  left out, with the reasons in the report: {_named(left_out)}")
    return lines


def _named(columns: list[str]) -> str:
    """Return the names of some columns, and how many more there are."""
    others = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    return ", ".join(_name(name) for name in columns[:5]) + others


def _next_steps(workflow: FinishedWorkflow) -> list[str]:
    """Return commands that serve the model, and where to look at the run and at the report."""
    store, run = _store(), page(workflow.runs.main)
    if store.startswith("http"):
        look = [f"{store}/{run}"]
    else:
        look = [f"mlflow server --backend-store-uri {store}", f"http://127.0.0.1:5000/{run}"]
    commands = [f"export MLFLOW_TRACKING_URI={store}", *workflow.model.serving]
    return [f"  {line}" for line in [*commands, *look, report_address(workflow.runs)]]
