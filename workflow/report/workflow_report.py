"""The report of a workflow: one HTML page, a section a topic."""

from datetime import UTC, datetime
from typing import Any

from workflow.data.split_rules import SPLITS
from workflow.formatting import number, worsening
from workflow.models import metrics
from workflow.report import data_charts, model_charts, render, search_charts
from workflow.report.chart_style import Chart
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.tracking import names
from workflow.version import VERSION

SECTIONS = {
    "result": "Result",
    "leaderboard": "Leaderboard",
    "workflow": "Workflow",
    "data": "Data",
    "search": "Search",
    "winner": "Winner",
    "reproduce": "Reproduce",
}
DRAWN, LISTED = 16, 200  # columns: with more of them the file gets large, and nobody looks at them


def report(workflow: FinishedWorkflow) -> str:
    """Return the report of a workflow as one HTML file, smaller than 3 MB."""
    dataset, data, metric = workflow.dataset, workflow.data, workflow.leaderboard.metric
    analysis, greater_is_better = workflow.model.analysis, metric.greater_is_better
    drawn = [column for column in data.columns if column.get("edges") or column.get("values")]
    return render.render(
        "report.html.j2",
        sections=SECTIONS,
        title=workflow.title,
        headline=workflow.headline,
        runs=workflow.runs,
        dataset=dataset,
        data=data,
        leaderboard=workflow.leaderboard,
        model=workflow.model,
        reproduction=workflow.reproduction,
        alias=names.ALIAS,
        metric=metric,
        metrics=list(metrics.METRICS[dataset.task]),
        handed_on=_handed_on(workflow),
        splits=SPLITS,
        columns=data.columns[:LISTED],
        unlisted=max(len(data.columns) - LISTED, 0),
        distributions=_distributions(drawn[:DRAWN], dataset.unit),
        undrawn=max(len(drawn) - DRAWN, 0),
        search=search_charts.of_search(
            workflow.trials,
            workflow.importance,
            metric.name,
            greater_is_better=greater_is_better,
        ),
        importance=model_charts.importance(
            analysis["importance"]["features"],
            worsening(metric.name, dataset.unit, greater_is_better=greater_is_better),
        ),
        overall=_overall(analysis, dataset.unit),
        residuals=_residuals(analysis) if dataset.task == "regression" else "",
        by_feature=_by_feature(analysis, dataset.unit),
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
        "hpo": f"{workflow.leaderboard.models} models",
        "register": f"the best of validation: {workflow.leaderboard.best['run']}",
    }


def _distributions(columns: list[dict[str, Any]], unit: str) -> list[tuple[str, Chart]]:
    return [
        (
            column["name"],
            data_charts.distribution(column, unit if column["role"] == "target" else ""),
        )
        for column in columns
    ]


def _overall(analysis: dict[str, Any], unit: str) -> list[tuple[str, Chart]]:
    if analysis["task"] == "regression":
        left_over = "actual - predicted" + (f" ({unit})" if unit else "")
        return [
            ("Predicted against actual", model_charts.density(analysis["density"], unit)),
            ("Residuals", model_charts.histogram(analysis["residuals"], left_over)),
        ]
    given, curves = analysis["probability_histogram"], model_charts.curves
    return [
        ("Confusion matrix", model_charts.confusion(analysis["confusion"])),
        (
            "ROC (area under the curve)",
            curves(
                analysis["roc"], "false positive rate", "true positive rate", "area",
                diagonal=True, steps=False,
            ),
        ),
        (
            "Precision and recall (average precision; dotted: chance)",
            curves(
                analysis["precision_recall"], "recall", "precision", "average precision",
                diagonal=False, steps=True,
            ),
        ),
        (
            "Calibration (dotted: perfect)",
            curves(
                analysis["calibration"], "predicted probability", "observed share",
                diagonal=True, steps=False,
            ),
        ),
        (
            "Predicted probabilities",
            model_charts.histogram(given, f"predicted probability of {given['of']}"),
        ),
    ]  # fmt: skip


def _residuals(analysis: dict[str, Any]) -> str:
    """Return in a sentence where the residuals lie, and how many rows the charts leave out."""
    mean, low, middle, high = (
        number(analysis["residuals"][name], 3) for name in ("mean", "p10", "p50", "p90")
    )
    outside = analysis["density"].get("outside", 0)
    return f"Mean residual {mean}, median {middle}; four of five lie between {low} and {high}." + (
        f" {outside:,} rows far off are not drawn." if outside else ""
    )


def _by_feature(analysis: dict[str, Any], unit: str) -> list[tuple[str, Chart]]:
    is_regression = analysis["task"] == "regression"
    return [
        (
            one["feature"],
            model_charts.residuals_by(one, unit) if is_regression else model_charts.errors_by(one),
        )
        for one in analysis["by_feature"]
    ]


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
