"""What the MLflow UI shows first, in markdown: of a workflow's run, and of a registered version."""

import re

import pandas as pd

from workflow.formatting import cut, number, one_line, seconds, size, with_unit
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.tracking import names, runs
from workflow.tracking.names import REPORT

TAG = "mlflow.note.content"  # of a run: its description
LONGEST = 8_000  # characters of a tag; MLflow cuts what is longer
LONGEST_OF_VERSION = 5_000  # characters of a version's description; a longer one is refused
MODELS, WARNINGS, CUT = 12, 5, 400  # rows, lines, and characters of a line
# What the UI's markdown (showdown) would make something of: in a line, and at its beginning.
INSIDE, FIRST = re.compile(r"([\\`*_{}\[\]|~])"), re.compile(r"^([#+=-]|\d+(?=\.))")
ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})
EMOJI = re.compile(r":(?=[\w+-]+:)")


def of_run(story: FinishedWorkflow) -> str:
    """Return the description of a workflow's run: at most `LONGEST` characters."""
    page = f"{runs.page(story.run)}/artifacts/{REPORT}"
    model = f"#/models/{story.model}/versions/{story.version}"
    return _fitting(
        LONGEST,
        story,
        [
            # The UI shows the first lines, and the rest when asked for more: no heading's height.
            f"**{escaped(headline(story))}**. Registered as [{escaped(story.model)} version "
            f"{story.version}]({model}), `@{names.ALIAS}`. Pictures: **[{REPORT}]({page})**.",
            escaped(story.dataset.description or story.dataset.name),
        ],
    )


def of_version(story: FinishedWorkflow) -> str:
    """Return the description of the registered version: at most `LONGEST_OF_VERSION` characters."""
    return _fitting(
        LONGEST_OF_VERSION,
        story,
        [
            f"**{escaped(headline(story))}**. Takes raw rows. Made by "
            f"[this workflow]({runs.page(story.run)}), which has the report.",
            escaped(story.dataset.description or story.dataset.name),
            _code("\n".join(story.serving)),
        ],
    )


def headline(story: FinishedWorkflow) -> str:
    """Return the result in one sentence.

    It says what the model is worth on rows that nothing has looked at before, beside a model that
    knows no feature.
    """
    best, test, unit = story.best, story.test, story.dataset.unit
    score, chance = best[test], story.baseline[test]
    who = best["family"] if best["run"] == best["family"] else f"{best['family']} ({best['run']})"
    said = f"{who}: {test} {with_unit(story.metric, score, unit)}, "
    if story.greater_is_better or not chance:
        return f"{said}beside {number(chance)} of the baseline"
    return f"{said}{1 - score / chance:.0%} below the baseline's {number(chance)}"


def escaped(text: object) -> str:
    """Return a text that markdown shows as it is, in one line.

    >>> print(escaped("a|b <script>"))
    a\\|b &lt;script&gt;
    """
    line = INSIDE.sub(r"\\\1", one_line(text))
    return EMOJI.sub("&#58;", FIRST.sub(r"\\\1", line).translate(ENTITIES))


def _fitting(most: int, story: FinishedWorkflow, head: list[str]) -> str:
    """Return what is said in the most detail that there is room for."""
    for models, warnings, command in (
        (MODELS, WARNINGS, True), (5, 2, True), (5, 2, False), (1, 0, False),
    ):  # fmt: skip
        parts = [
            *head,
            *_leaderboard(story, models),
            *_data(story),
            *_warnings(story, warnings),
            *_again(story, command),
        ]
        text = "\n\n".join(parts)
        if len(text) <= most:
            return text
    return cut(text, most)


def _leaderboard(story: FinishedWorkflow, most: int) -> list[str]:
    table = story.leaderboard
    shown = pd.concat([table.iloc[:-1].head(most), table.iloc[-1:]])
    heads = ["", "run", "family", story.val, story.test, "fit", "size"]
    rows = [
        [
            "★" if position == 0 else "",
            _link(row["run"], row["run_id"], story),
            row["family"],
            number(row[story.val]),
            number(row[story.test]),
            seconds(row["fit_seconds"]),
            size(row["model_bytes"]),
        ]
        for position, (_, row) in enumerate(shown.iterrows())
    ]
    if names.FEATURES in table:
        heads.insert(3, names.FEATURES)
        for cells, name in zip(rows, shown[names.FEATURES], strict=True):
            cells.insert(3, "" if pd.isna(name) else escaped(name))
    parts = ["### Leaderboard", _table(heads, rows)]
    if (more := len(table) - len(shown)) > 0:
        parts.append(f"{more} more are in {REPORT}.")
    return parts


def _data(story: FinishedWorkflow) -> list[str]:
    rows = [
        [
            split,
            f"{one['kept']:,}",
            f"{one['read']:,}",
            ", ".join(f"{count:,} {escaped(why)}" for why, count in one["dropped"].items() if count)
            or "none",
            f"`{story.digests[split]}`",
        ]
        for split, one in story.rows.items()
    ]
    parts = ["### Data", _table(["split", "rows", "read", "dropped", "SHA-256"], rows)]
    if left_out := story.dataset.left_out:
        shown = "; ".join(
            f"{escaped(cut(name, 60))}: {escaped(cut(why, 120))}"
            for name, why in list(left_out.items())[:5]
        )
        more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        parts.append(f"Columns left out: {shown}{more}.")
    return parts


def _warnings(story: FinishedWorkflow, most: int) -> list[str]:
    if not story.warnings:
        return []
    lines = [f"- {escaped(cut(line, CUT))}" for line in story.warnings[:most]]
    if (more := len(story.warnings) - most) > 0:
        lines.append(f"- {more} more, in {names.CHECKS} of the preprocess run")
    return ["### Warnings", "\n".join(lines)]


def _again(story: FinishedWorkflow, whole: bool) -> list[str]:
    parts = ["### Do it again"]
    if not whole:
        return [*parts, f"The command is too long for here: see {REPORT}."]
    parts.append(_code(" \\\n  ".join(story.command)))
    if story.uncommitted:
        parts.append(f"{story.uncommitted} changed files of the project were in no commit.")
    return parts


def _link(name: str, run_id: object, story: FinishedWorkflow) -> str:
    if pd.isna(run_id):
        return escaped(name)
    return f"[{escaped(name)}](#/experiments/{story.run.info.experiment_id}/runs/{run_id})"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: str) -> str:
    return f"```bash\n{text}\n```"
