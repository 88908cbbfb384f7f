"""The report of monitoring: one HTML page, in the style of the workflow's."""

from datetime import UTC, datetime
from typing import Any

from workflow.checks import profile
from workflow.checks.value_counts import Numbers, Texts, value_kind
from workflow.monitoring import finding
from workflow.monitoring.finding import OK
from workflow.monitoring.reference import Reference
from workflow.monitoring.result import Result, WindowResult, largest_drift
from workflow.plain_values import significant
from workflow.report import chart_style, data_charts, render
from workflow.report.chart_style import Chart
from workflow.version import VERSION

DRAWN, LISTED = 16, 500  # columns, and findings: more would make the file large
PREDICTION = "prediction"


def report(result: Result, known: Reference, metric: str, unit: str) -> str:
    """Return the report as one HTML file.

    Args:
        result: What was found.
        known: What the new rows were compared with.
        metric: The name of what the model was chosen by.
        unit: The target's.
    """
    findings = finding.in_order(result.newest.findings)
    sections = ["Result", *(["Windows"] if result.windows else []), "Findings", "Distributions"]
    return render.page(
        "monitor.html.j2",
        result=result,
        newest=result.newest,
        metric=metric,
        sections=sections,
        wrong=[one for one in findings if one.level != OK],
        findings=findings[:LISTED],
        unlisted=max(len(findings) - LISTED, 0),
        drift=largest_drift(result.newest),
        drifts=[largest_drift(one.judgement) for one in result.windows],
        reasons=[finding.reason(one.judgement.findings) for one in result.windows],
        over_time=_over_time(result.windows, metric, unit) if result.windows else [],
        distributions=_distributions(result, known, unit),
        version=VERSION,
        made=datetime.now(UTC).strftime("on %Y-%m-%d at %H:%M UTC"),
    )


def _distributions(result: Result, known: Reference, unit: str) -> list[tuple[str, Chart]]:
    """Draw the prediction, and the columns that have shifted most."""
    newest, drawn = result.newest, []
    if newest.predictions is not None:
        column = _drawn(PREDICTION, "DOUBLE", known.predictions, newest.predictions, "test")
        drawn += data_charts.distributions([column | {"role": "target"}], unit)
    index = {one.column: one.value or 0.0 for one in newest.findings if one.check == "drift"}
    names = [name for name in newest.values if name in known.sample and name in index]
    for name in sorted(names, key=lambda name: -index[name])[:DRAWN]:
        column = _drawn(name, known.columns[name], known.sample[name], newest.values[name])
        drawn += data_charts.distributions([column], unit)
    return drawn


def _drawn(
    name: str, type: str, before: Numbers | Texts, new: Numbers | Texts, split: str = "train"
) -> dict[str, Any]:
    """Return a column as the report of a workflow draws it: see `checks.profile`.

    Args:
        split: Which split the values of before are of.
    """
    kind = "text" if isinstance(before, Texts) else value_kind(type)
    values = {"train": before, "new": new}
    column = profile.DRAW[kind](values, type)
    shares = column["shares"]
    named = {split: shares["train"], "new": shares["new"]}
    return {"name": name, "kind": kind, "role": "feature column", **column, "shares": named}


def _over_time(windows: list[WindowResult], metric: str, unit: str) -> list[tuple[str, Chart]]:
    """Draw the score with its interval, and the largest drift, by window."""
    drawn = []
    scored = [one for one in windows if one.judgement.performance]
    if scored:
        figure = chart_style.chart(x=chart_style.CATEGORIES, y=chart_style.text(unit) or None)
        scores = [one.judgement.performance for one in scored]
        figure.add(
            "scatter",
            name="new rows",
            mode="lines+markers",
            x=[one.name for one in scored],
            y=[one.score for one in scores if one],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [significant(one.interval[1] - one.score) for one in scores if one],
                "arrayminus": [significant(one.score - one.interval[0]) for one in scores if one],
            },
            line={"color": chart_style.SPLIT_COLOURS["new"]},
        )
        figure.add(
            "scatter",
            name="test",
            mode="lines",
            x=[one.name for one in scored],
            y=[one.test for one in scores if one],
            line={"color": chart_style.SPLIT_COLOURS["test"], "dash": "dash"},
        )
        drawn.append((f"{metric} by window, with its 95 % interval", figure))
    figure = chart_style.chart(x=chart_style.CATEGORIES, y="population stability index")
    shifted = [largest_drift(one.judgement) for one in windows]
    figure.add(
        "bar",
        x=[one.name for one in windows],
        y=[one.value if one else None for one in shifted],
        customdata=[chart_style.text(one.column or PREDICTION) if one else "-" for one in shifted],
        hovertemplate="%{x}, %{customdata}: %{y:.3f}<extra></extra>",
        marker={"color": chart_style.SPLIT_COLOURS["new"]},
    )
    drawn.append(("Largest drift of a column by window", figure))
    return drawn
