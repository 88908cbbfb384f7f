"""What the workflow says in the end: what was compared, what won, and what to do with it."""

import mlflow
import pandas as pd

from workflow.formatting import cut, number, seconds
from workflow.report.finished_workflow import FinishedWorkflow, public
from workflow.report.run_description import headline
from workflow.runtime import terminal
from workflow.tracking import names, runs
from workflow.tracking.names import REPORT

MODELS, WARNINGS = 9, 3  # lines; the summary fits a screen
WIDEST = 20  # characters of a name


def show(story: FinishedWorkflow) -> None:
    """Print the summary."""
    for line in ["", *_result(story), "", *_leaderboard(story), "", *_notes(story), *_next(story)]:
        print(terminal.printable(line), flush=True)


def _result(story: FinishedWorkflow) -> list[str]:
    return [
        story.dataset.description or story.dataset.name,
        f"Registered {story.model} version {story.version}, @{names.ALIAS}: {headline(story)}",
    ]


def _leaderboard(story: FinishedWorkflow) -> list[str]:
    table, scores = story.leaderboard, (story.val, story.test)
    # The baseline stands last.
    shown = pd.concat([table.iloc[:-1].head(MODELS - 1), table.iloc[-1:]])
    wide = max(12, len(story.test) + 2)
    texts = [name for name in ("run", "family", names.FEATURES) if name in shown]
    lines = [
        "  " + "".join(f"{name:<{WIDEST}}" for name in texts)
        + "".join(f"{name:>{wide}}" for name in scores) + f"{'fit':>12}"
    ]  # fmt: skip
    for place, (_, row) in enumerate(shown.iterrows()):
        who = "".join(f"{_name(row[name]):<{WIDEST}}" for name in texts)
        values = "".join(f"{number(row[name]):>{wide}}" for name in scores)
        mark, fit = "*" if place == 0 else " ", seconds(row["fit_seconds"])
        lines.append(f"{mark} {who}{values}{fit:>12}")
    if (more := len(table) - len(shown)) > 0:
        lines.append(f"  and {more} more, in the report")
    return lines


def _name(value: object) -> str:
    return "-" if pd.isna(value) else cut(str(value), WIDEST - 1)


def _notes(story: FinishedWorkflow) -> list[str]:
    """Return what may be wrong with the data, and what was not used of them."""
    lines = [f"! {line}" for line in story.warnings[:WARNINGS]]
    if (more := len(story.warnings) - WARNINGS) > 0:
        lines.append(f"! and {more} more, in the report")
    if left_out := list(story.dataset.left_out):
        named = ", ".join(_name(name) for name in left_out[:5])
        more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        lines.append(f"  left out, with the reasons in the report: {named}{more}")
    return [*lines, ""] if lines else []


def _next(story: FinishedWorkflow) -> list[str]:
    store, page = public(mlflow.get_tracking_uri()), runs.page(story.run)
    if store.startswith("http"):
        look = [f"{store}/{page}"]
    else:
        look = [f"mlflow server --backend-store-uri {store}", f"http://127.0.0.1:5000/{page}"]
    commands = [f"export MLFLOW_TRACKING_URI={store}", *story.serving]
    return [f"  {line}" for line in [*commands, *look, report_address(story)]]


def report_address(story: FinishedWorkflow) -> str:
    """Return where the report is looked at: in the UI of a server, or as a file."""
    store = public(mlflow.get_tracking_uri())
    if store.startswith("http"):
        return f"{store}/{runs.page(story.run)}/artifacts/{REPORT}"
    return f"{story.run.info.artifact_uri.removeprefix('file://')}/{REPORT}"
