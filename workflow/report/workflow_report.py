"""The report of a workflow: one HTML page, a section a topic."""

from datetime import UTC, datetime

from workflow.data.split_rules import SPLITS
from workflow.formatting import worsening
from workflow.models import metrics
from workflow.report import comparison_chart, data_charts, model_charts, render, search_charts
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.tracking import names
from workflow.version import VERSION

SECTIONS = ("Result", "Leaderboard", "Workflow", "Data", "Search", "Winner", "Reproduce")
DRAWN, LISTED = 16, 200  # columns of the data: more would make the file large


def report(workflow: FinishedWorkflow) -> str:
    """Return the report of a workflow as one HTML file, smaller than 3 MB."""
    metric, unit = workflow.leaderboard.metric, workflow.dataset.unit
    columns, analysis = workflow.data.columns, workflow.model.analysis
    drawn = [column for column in columns if column.get("edges") or column.get("values")]
    return render.page(
        **vars(workflow),  # its parts, by their names
        title=workflow.title,
        headline=workflow.headline,
        certainty=workflow.certainty,
        warnings=workflow.warnings,
        sections=SECTIONS,
        comparison=comparison_chart.comparison(workflow.model.comparison),
        metric=metric,
        metrics=list(metrics.METRICS[metric.task]),
        handed_on=_handed_on(workflow),
        splits=SPLITS,
        columns=columns[:LISTED],
        unlisted=max(len(columns) - LISTED, 0),
        distributions=data_charts.distributions(drawn[:DRAWN], unit),
        undrawn=max(len(drawn) - DRAWN, 0),
        search=search_charts.of_search(workflow.trials, workflow.hyperparameter_importance, metric),
        importance=model_charts.importance(
            analysis["importance"]["features"],
            worsening(metric.name, unit, greater_is_better=metric.greater_is_better),
        ),
        errors=model_charts.errors(analysis, unit),
        errors_by_feature=model_charts.errors_by_feature(analysis, unit),
        lineage=_lineage(workflow),
        version=VERSION,
        made=datetime.now(UTC).strftime("on %Y-%m-%d at %H:%M UTC"),
    )


def _handed_on(workflow: FinishedWorkflow) -> dict[str, str]:
    """Return, by step, what it has handed on to the next one."""
    kept = ", ".join(f"{count['kept']:,}" for count in workflow.data.rows.values())
    best_family = workflow.runs.of("train").data.tags[names.FAMILY_TAG]
    searched = workflow.runs.of("hpo").data.params.get("models", "")
    return {
        "preprocess": f"splits: {kept} rows",
        "train": f"best: {best_family}; searched: {searched}",
        "hpo": f"{workflow.leaderboard.model_count} models",
        "register": f"the best of validation: {workflow.leaderboard.best['run']}",
    }


def _lineage(workflow: FinishedWorkflow) -> dict[str, str]:
    runs, reproduction = workflow.runs, workflow.reproduction
    return {
        "code": reproduction.source,
        "version": reproduction.version,
        "commit": reproduction.commit or "none",
        "workflow run": runs.main.info.run_id,
        **{f"{name} run": step.run.info.run_id for name, step in runs.steps.items()},
        "model's run": workflow.model.run.info.run_id,
        **{f"raw rows, {part}": digest for part, digest in workflow.data.raw_digests.items()},
    }
