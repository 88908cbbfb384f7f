"""The descriptions of a workflow's run and of a registered version, which the MLflow UI shows."""

import pandas as pd

from workflow.formatting import capitalized, number, seconds, size
from workflow.plain_values import cut
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.reproduction.recipe import Recipe
from workflow.tracking import model_versions, names, runs
from workflow.tracking.descriptions import escaped, raw_columns
from workflow.tracking.names import REPORT

LONGEST = 8_000  # characters of a tag; MLflow cuts what is longer
LONGEST_OF_VERSION = 5_000  # characters of a version's description; a longer one is refused


def of_run(workflow: FinishedWorkflow) -> str:
    """Return the description of a workflow's run: at most `LONGEST` characters of markdown."""
    main, model = workflow.runs.main, workflow.model
    report = f"{runs.page(main)}/artifacts/{REPORT}"
    version = model_versions.page(model.name, model.version)
    return _fitting(
        LONGEST,
        workflow,
        [
            # The UI shows only the first lines until it is asked for more: a heading would take
            # the room of the result.
            f"**{escaped(workflow.headline)}**. Registered as [{escaped(model.name)} version "
            f"{model.version}]({version}), `@{model.alias}`. Pictures: **[{REPORT}]({report})**.",
            *_decision(model.decision),
            " ".join(filter(None, [escaped(workflow.title), escaped(workflow.certainty)])),
        ],
    )


def of_version(workflow: FinishedWorkflow) -> str:
    """Return the description of the registered version: at most `LONGEST_OF_VERSION` characters."""
    return _fitting(
        LONGEST_OF_VERSION,
        workflow,
        [
            f"**{escaped(workflow.headline)}**. {names.TAKES_RAW_ROWS} Made by "
            f"[this workflow]({runs.page(workflow.runs.main)}), which has the report.",
            " ".join(filter(None, [escaped(workflow.title), escaped(workflow.certainty)])),
            _code("\n".join(workflow.model.serving)),
            *raw_columns(workflow.model.analysis.get(names.RAW_COLUMNS, {})),
        ],
    )


def _fitting(longest: int, workflow: FinishedWorkflow, beginning: list[str]) -> str:
    """Return the description with as many details as fit into so many characters."""
    details = (12, 5, True), (5, 2, True), (5, 2, False), (1, 0, False)
    for models, warnings, has_command in details:
        parts = [
            *beginning,
            *_leaderboard(workflow, models),
            *_data(workflow),
            *_warnings(workflow.warnings, warnings),
            *_reproduction(workflow.reproduction, has_command),
        ]
        text = "\n\n".join(parts)
        if len(text) <= longest:
            return text
    return cut(text, longest)


def _decision(sentence: str) -> list[str]:
    return [f"{escaped(capitalized(sentence))}."] if sentence else []


def _leaderboard(workflow: FinishedWorkflow, most: int) -> list[str]:
    board, experiment = workflow.leaderboard, workflow.runs.main.info.experiment_id
    features = [names.FEATURES] if board.has_features else []
    scores = [board.metric.val_name, board.metric.test_name]
    rows = [
        [
            "★" if place == 0 else "",
            _link(row["run"], row["run_id"], experiment),
            row["family"],
            *("" if pd.isna(row[name]) else escaped(row[name]) for name in features),
            *(number(row[name]) for name in scores),
            seconds(row[names.FIT_SECONDS]),
            size(row[names.MODEL_BYTES]),
        ]
        for place, (_, row) in enumerate(board.top(most).iterrows())
    ]
    parts = [
        "### Leaderboard",
        markdown_table(["", "run", "family", *features, *scores, "fit", "size"], rows),
    ]
    if (more := board.model_count - most) > 0:
        parts.append(f"{more} more are in {REPORT}.")
    return parts


def _data(workflow: FinishedWorkflow) -> list[str]:
    rows = [
        [
            split,
            f"{count['kept']:,}",
            f"{count['read']:,}",
            ", ".join(f"{n:,} {escaped(reason)}" for reason, n in count["dropped"].items() if n)
            or "none",
            f"`{workflow.data.digests[split]}`",
        ]
        for split, count in workflow.data.rows.items()
    ]
    parts = ["### Data", markdown_table(["split", "rows", "read", "dropped", "SHA-256"], rows)]
    if left_out := workflow.dataset.left_out:
        shown = "; ".join(
            f"{escaped(cut(name, 60))}: {escaped(cut(reason, 120))}"
            for name, reason in list(left_out.items())[:5]
        )
        more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        parts.append(f"Columns left out: {shown}{more}.")
    return parts


def _warnings(warnings: list[str], most: int) -> list[str]:
    if not warnings:
        return []
    lines = [f"- {escaped(cut(line, 400))}" for line in warnings[:most]]
    if (more := len(warnings) - most) > 0:
        lines.append(f"- {more} more, in {names.CHECKS} of the preprocess run")
    return ["### Warnings", "\n".join(lines)]


def _reproduction(reproduction: Recipe, has_command: bool) -> list[str]:
    heading = "### Do it again"
    if not has_command:
        return [heading, f"The command is too long for here: see {REPORT}."]
    parts = [heading, _code(reproduction.command)]
    if reproduction.uncommitted:
        parts.append(f"{reproduction.uncommitted} changed files of the project were in no commit.")
    return parts


def _link(name: str, run_id: object, experiment_id: str) -> str:
    if pd.isna(run_id):
        return escaped(name)
    return f"[{escaped(name)}](#/experiments/{experiment_id}/runs/{run_id})"


def markdown_table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table in markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: str) -> str:
    return f"```bash\n{text}\n```"
