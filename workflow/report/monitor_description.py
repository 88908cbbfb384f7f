"""The description of monitor's run, which the MLflow UI shows."""

from mlflow.entities import Run

from workflow.formatting import number
from workflow.monitoring import finding
from workflow.monitoring.finding import OK
from workflow.monitoring.result import Result, largest_drift
from workflow.plain_values import cut
from workflow.report.run_description import LONGEST, markdown_table
from workflow.tracking import model_versions, names, runs
from workflow.tracking.descriptions import escaped

SHOWN, WINDOWS = 12, 12  # findings, and windows


def of_run(result: Result, run: Run) -> str:
    """Return the description of a run that has monitored a version, in markdown."""
    version = model_versions.page(result.model, result.version)
    page = f"{runs.page(run)}/artifacts/{names.MONITOR_REPORT}"
    findings = finding.in_order(result.newest.findings)
    wrong = [one for one in findings if one.level != OK]
    parts = [
        f"**{escaped(result.text)}**. Of [{escaped(result.model)} version {result.version}]"
        f"({version}). Pictures: **[{names.MONITOR_REPORT}]({page})**.",
        f"New rows: {escaped(result.data)}.",
        *map(escaped, result.notes),
    ]
    if wrong:
        lines = [f"- {one.level}: {escaped(cut(one.message, 400))}" for one in wrong[:SHOWN]]
        more = [f"- and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        parts += ["### Findings", "\n".join([*lines, *more])]
    if result.windows:
        parts += ["### Windows", _windows(result)]
    return cut("\n\n".join(parts), LONGEST)


def _windows(result: Result) -> str:
    rows = []
    for one in result.windows[-WINDOWS:]:
        drift, measured = largest_drift(one.judgement), one.judgement.performance
        rows.append(
            [
                one.name,
                one.level,
                f"{one.judgement.rows:,}",
                number(measured.score) if measured else "-",
                number(drift.value, 3) if drift else "-",
            ]
        )
    return markdown_table(["window", "verdict", "rows", "score", "largest drift"], rows)
