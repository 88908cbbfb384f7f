"""The page of a workflow: its story as its report."""

from datetime import UTC, datetime
from typing import Any

from workflow.data.split_rules import SPLITS
from workflow.formatting import number, worsening
from workflow.models import metrics
from workflow.report import data_charts, model_charts, render, search_charts
from workflow.report.chart_style import Chart
from workflow.report.finished_workflow import FinishedWorkflow
from workflow.report.run_description import headline
from workflow.tracking import names

SECTIONS = {
    "result": "Result",
    "leaderboard": "Leaderboard",
    "workflow": "Workflow",
    "data": "Data",
    "search": "Search",
    "winner": "Winner",
    "reproduce": "Reproduce",
}
DRAWN, LISTED = 16, 200  # columns: of more the file gets large, and nobody looks at them


def report(story: FinishedWorkflow) -> str:
    """Return the report of a workflow as one HTML file, smaller than 3 MB."""
    task, winner, columns = story.dataset.task, story.winner, story.profile["columns"]
    unit = story.dataset.unit
    drawn = [one for one in columns if one.get("edges") or one.get("values")]
    by_feature = _by_feature(winner, unit)
    importance = winner["importance"]
    measure = worsening(story.metric, unit, greater_is_better=story.greater_is_better)
    return render.render(
        "report.html.j2",
        story=story,
        headline=headline(story),
        sections=SECTIONS,
        alias=names.ALIAS,
        unit=unit,
        metrics=list(metrics.METRICS[task]),
        validation=story.validation,
        searched_features=names.FEATURES in story.leaderboard,
        kept=sum(one["kept"] for one in story.rows.values()),
        read=sum(one["read"] for one in story.rows.values()),
        flows=_flows(story),
        splits=SPLITS,
        columns=columns[:LISTED],
        more_columns=max(len(columns) - LISTED, 0),
        distributions=[
            (one["name"], data_charts.distribution(one, unit if one["role"] == "target" else ""))
            for one in drawn[:DRAWN]
        ],
        undrawn=max(len(drawn) - DRAWN, 0),
        search=search_charts.of_search(
            story.trials,
            story.hyperparameter_importance,
            story.metric,
            greater_is_better=story.greater_is_better,
        ),
        winner=winner,
        importance=model_charts.importance(importance["features"], measure)
        if importance["features"]
        else None,
        overall=_overall(winner, unit),
        notes=_notes(winner),
        by_feature=by_feature,
        by_title="Residuals (actual - predicted) by feature"
        if task == "regression"
        else "Errors by feature",
        command=" \\\n  ".join(story.command),
        serve=_serve(story),
        lineage=_lineage(story),
        made=datetime.now(UTC).strftime("on %Y-%m-%d at %H:%M UTC"),
    )


def _flows(story: FinishedWorkflow) -> dict[str, str]:
    """Return what each step has handed on."""
    kept = ", ".join(f"{one['kept']:,}" for one in story.rows.values())
    train, hpo = (story.steps[name].run for name in ("train", "hpo"))
    searched = hpo.data.params.get("models", "")
    return {
        "preprocess": f"splits: {kept} rows",
        "train": f"best: {train.data.tags[names.FAMILY_TAG]}; searched: {searched}",
        "hpo": f"{len(story.leaderboard) - 1} models",
        "register": f"the best of validation: {story.best['run']}",
    }


def _overall(winner: dict[str, Any], unit: str) -> list[tuple[str, Chart]]:
    if winner["task"] == "regression":
        left_over = "actual - predicted" + (f" ({unit})" if unit else "")
        return [
            ("Predicted against actual", model_charts.density(winner["density"], unit)),
            ("Residuals", model_charts.histogram(winner["residuals"], left_over)),
        ]
    given, curves = winner["probability_histogram"], model_charts.curves
    return [
        ("Confusion matrix", model_charts.confusion(winner["confusion"])),
        (
            "ROC (area under the curve)",
            curves(
                winner["roc"], "false positive rate", "true positive rate", "area",
                diagonal=True, steps=False,
            ),
        ),
        (
            "Precision and recall (average precision; dotted: chance)",
            curves(
                winner["precision_recall"], "recall", "precision", "average precision",
                diagonal=False, steps=True,
            ),
        ),
        (
            "Calibration (dotted: perfect)",
            curves(
                winner["calibration"], "predicted probability", "observed share",
                diagonal=True, steps=False,
            ),
        ),
        (
            "Predicted probabilities",
            model_charts.histogram(given, f"predicted probability of {given['of']}"),
        ),
    ]  # fmt: skip


def _notes(winner: dict[str, Any]) -> str:
    """Return what the pictures do not show."""
    if winner["task"] != "regression":
        return ""
    mean, low, middle, high = (
        number(winner["residuals"][name], 3) for name in ("mean", "p10", "p50", "p90")
    )
    outside = winner["density"].get("outside", 0)
    said = f"Mean residual {mean}, median {middle}; four of five lie between {low} and {high}."
    return said + (f" {outside:,} rows far off are not drawn." if outside else "")


def _by_feature(winner: dict[str, Any], unit: str) -> list[tuple[str, Chart]]:
    draw = (
        (lambda one: model_charts.residuals_by(one, unit))
        if winner["task"] == "regression"
        else model_charts.errors_by
    )
    return [(one["feature"], draw(one)) for one in winner["by_feature"]]


def _serve(story: FinishedWorkflow) -> str:
    load = f"import mlflow; model = mlflow.pyfunc.load_model('{story.uri}')"
    return "\n".join([*story.serving, f'python -c "{load}"'])


def _lineage(story: FinishedWorkflow) -> dict[str, str]:
    return {
        "code": story.source,
        "commit": story.commit or "none",
        "workflow run": story.run.info.run_id,
        **{f"{name} run": step.run.info.run_id for name, step in story.steps.items()},
        "model's run": str(story.best["run_id"]),
        **{f"raw rows, {part}": digest for part, digest in story.raw_digests.items()},
    }
