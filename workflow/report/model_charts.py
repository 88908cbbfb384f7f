"""Charts of the registered model: importances, and its errors on the test split.

They draw the parts of what `workflow.evaluation.model_analysis` returns.
"""

from typing import Any

import numpy as np

from workflow.evaluation.palette import BLUE, COLOURS, GREY, VERMILION
from workflow.report import chart_style
from workflow.report.chart_style import Chart
from workflow.tracking.names import INTERVALS

MOST = 20  # importances


def importance(features: list[dict[str, Any]], measure: str) -> Chart:
    """Draw permutation importances, at most `MOST` of them.

    Args:
        features: "feature", "importance" and "std", the most important first.
        measure: What the importances are measured in.
    """
    names, values, errors = (
        [row[key] for row in features[:MOST]] for key in ("feature", "importance", "std")
    )
    axis = chart_style.text(measure)
    return chart_style.horizontal_bars(names, values, errors, x=axis, form=".4g")


def errors(analysis: dict[str, Any], unit: str) -> list[tuple[str, Chart]]:
    """Return charts of the errors on the test split, with their titles."""
    if analysis["task"] == "regression":
        title = "actual - predicted" + (f" ({unit})" if unit else "")
        return [
            ("Predicted against actual", density(analysis["density"], unit)),
            ("Residuals", histogram(analysis["residuals"], title)),
            *_intervals(analysis),
        ]
    roc = curves(analysis["roc"], "false positive rate", "true positive rate", diagonal=True)
    precision = curves(analysis["precision_recall"], "recall", "precision", diagonal=False)
    calibration = curves(
        analysis["calibration"], "predicted probability", "observed share", diagonal=True
    )
    probabilities = analysis["probability_histogram"]
    title = f"predicted probability of {probabilities['of']}"
    return [
        ("Confusion matrix", confusion(analysis["confusion"])),
        ("ROC (area under the curve)", roc),
        ("Precision and recall (average precision; dotted: chance)", precision),
        ("Calibration (dotted: perfect)", calibration),
        ("Predicted probabilities", histogram(probabilities, title)),
        *_intervals(analysis),
    ]


def _intervals(analysis: dict[str, Any]) -> list[tuple[str, Chart]]:
    """Return the chart of how often intervals hold the truth; none of workflows before 0.2.0."""
    if not (coverage := analysis.get(INTERVALS, {}).get("coverage")):
        return []
    what = "Intervals" if analysis["task"] == "regression" else "Sets of classes"
    held = {
        "label": "on test", "area": None, "chance": None, "of": "class",
        "x": [one["level"] for one in coverage], "y": [one["coverage"] for one in coverage],
    }  # fmt: skip
    figure = curves([held], "share of rows asked for", "share of test rows held", diagonal=True)
    return [(f"{what}: how often they hold the truth (dotted: as asked for)", figure)]


def errors_by_feature(analysis: dict[str, Any], unit: str) -> list[tuple[str, Chart]]:
    """Return a chart of the errors for each feature that they were looked at by, with its name."""
    features = analysis["by_feature"]
    if analysis["task"] == "regression":
        return [(bins["feature"], residuals_by(bins, unit)) for bins in features]
    return [(bins["feature"], errors_by(bins)) for bins in features]


def density(cells: dict[str, Any], unit: str) -> Chart:
    """Draw how many rows there are by actual and predicted value, and the line of equal values.

    Args:
        cells: "actual" and "predicted", the edges; "counts", by actual and then predicted value.
        unit: The target's.
    """
    x, y = cells["actual"], cells["predicted"]
    counts = np.array(cells["counts"], dtype=float).T
    ticks = [10**power for power in range(7) if 10**power <= max(counts.max(), 1)]
    of_unit = f" ({chart_style.text(unit)})" if unit else ""
    figure = chart_style.chart(430, x=f"actual{of_unit}", y=f"predicted{of_unit}", showlegend=False)
    figure.add(
        "heatmap",
        x=chart_style.bins(x)[0],
        y=chart_style.bins(y)[0],
        # On a logarithmic scale single rows can be seen beside thousands.
        z=[[round(float(np.log10(n)), 3) if n else None for n in row] for row in counts],
        customdata=counts.astype(int).tolist(),
        colorscale=chart_style.SCALE,
        colorbar={
            "title": {"text": "rows"},
            "thickness": 12,
            "tickvals": [float(np.log10(tick)) for tick in ticks],
            "ticktext": [f"{tick:,}" for tick in ticks],
        },
        hoverongaps=False,
        hovertemplate="actual %{x:.4g}, predicted %{y:.4g}: %{customdata:,} rows<extra></extra>",
    )
    ends = [max(x[0], y[0]), min(x[-1], y[-1])]
    line = {"color": VERMILION, "width": 2}
    figure.add("scatter", x=ends, y=ends, mode="lines", line=line, hoverinfo="skip")
    return figure


def histogram(histogram: dict[str, Any], title: str) -> Chart:
    """Draw the counts of rows between edges."""
    middles, widths, names = chart_style.bins(histogram["edges"])
    rows = {"title": "rows", "tickformat": ","}
    figure = chart_style.chart(280, x=chart_style.text(title), y=rows, bargap=0)
    look = {"width": widths, "hovertemplate": "%{customdata}: %{y:,} rows<extra></extra>"}
    figure.add("bar", x=middles, y=histogram["counts"], customdata=names, **look)
    return figure


def residuals_by(bins: dict[str, Any], unit: str) -> Chart:
    """Draw the mean residual in each bin of a feature, and the range of four residuals in five."""
    title = chart_style.text(unit or "residual")
    figure = chart_style.chart(260, x=chart_style.CATEGORIES, y=title, showlegend=False)
    look = {"color": GREY, "width": 1}
    figure.layout["shapes"] = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": look}
    ]
    mean, low, high = (np.array(bins[name], dtype=float) for name in ("mean", "p10", "p90"))
    above, below = _without_nan(high - mean), _without_nan(mean - low)
    figure.add(
        "scatter",
        y=_without_nan(mean),
        **_by_bin(bins),
        mode="markers",
        marker={"size": 9, "color": BLUE},
        error_y={"type": "data", "array": above, "arrayminus": below, "color": GREY},
        hovertemplate="%{customdata[0]}<br>mean %{y:.4g}<br>%{customdata[1]:,} rows<extra></extra>",
    )
    return figure


def errors_by(bins: dict[str, Any]) -> Chart:
    """Draw the share of wrongly classified rows in each bin of a feature."""
    wrong = {"title": "share wrong", "tickformat": ".0%", "rangemode": "tozero"}
    figure = chart_style.chart(260, x=chart_style.CATEGORIES, y=wrong, showlegend=False)
    hover = "%{customdata[0]}<br>%{y:.1%} of %{customdata[1]:,} rows<extra></extra>"
    figure.add("bar", y=bins["error_rate"], **_by_bin(bins), hovertemplate=hover)
    return figure


def confusion(matrix: dict[str, Any]) -> Chart:
    """Draw how many rows of each class are predicted as which class; "counts" by actual class."""
    counts = np.array(matrix["counts"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = chart_style.labels(matrix["labels"])
    figure = chart_style.chart(
        max(320, min(140 + 34 * len(names), 800)),
        x={"title": "predicted", "type": "category", "side": "bottom"},
        y={"title": "actual", "type": "category", "autorange": "reversed"},
    )
    figure.add(
        "heatmap",
        x=names,
        y=names,
        z=shares.round(4).tolist(),
        customdata=counts.tolist(),
        zmin=0,
        zmax=1,
        colorscale=chart_style.SCALE,
        colorbar={"title": {"text": "share"}, "tickformat": ".0%", "thickness": 12},
        hovertemplate="actual %{y}, predicted %{x}: %{customdata:,} rows, %{z:.1%}<extra></extra>",
    )
    if len(counts) <= 12:  # the numbers of more would not fit into the cells
        figure.layout["annotations"] = [
            {
                "x": column,
                "y": row,
                "text": f"{counts[row, column]:,}",
                "showarrow": False,
                "font": {"color": "#ffffff" if share < chart_style.DARK else "#000000"},
            }
            for (row, column), share in np.ndenumerate(shares)
        ]
    return figure


def curves(curves: list[dict[str, Any]], x: str, y: str, *, diagonal: bool) -> Chart:
    """Draw a curve for each class, and their averages.

    Args:
        curves: "label", "x", "y", "area", "chance" and "of" of each. The area stands beside the
            label, where there is one.
        x: The title of the axis along.
        y: The title of the axis upwards.
        diagonal: Whether the diagonal is drawn for comparison, instead of each curve's "chance".
            Without it the curves of classes go from point to point in steps.
    """
    ends = [-0.02, 1.02]
    figure = chart_style.chart(420, x={"title": x, "range": ends}, y={"title": y, "range": ends})
    look = {"x": [0, 1], "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    if diagonal:
        figure.add("scatter", y=[0, 1], line={"color": GREY, "dash": "dot"}, **look)
    for place, curve in enumerate(curves):
        name = chart_style.text(curve["label"], chart_style.LONGEST)
        if curve["area"] is not None:
            name += f": {curve['area']:.3f}"
        is_class = curve["of"] == "class"
        colour = COLOURS[place % len(COLOURS)] if is_class else GREY
        if curve["chance"] is not None and not diagonal:
            level = [curve["chance"]] * 2
            figure.add("scatter", y=level, line={"color": colour, "dash": "dot"}, **look)
        figure.add(
            "scatter",
            x=curve["x"],
            y=curve["y"],
            mode="lines" if len(curve["x"]) > 30 else "lines+markers",
            name=name,
            line={
                "color": colour,
                "dash": "solid" if is_class and place < len(COLOURS) else "dash",
                "width": 2,
                "shape": "vh" if is_class and not diagonal else "linear",
            },
            hovertemplate=f"{name}<br>{x} %{{x:.3f}}<br>{y} %{{y:.3f}}<extra></extra>",
        )
    return figure


def _by_bin(bins: dict[str, Any]) -> dict[str, Any]:
    """Return the places of bins along an axis, and the whole name and number of rows of each."""
    names = [chart_style.text(name) for name in bins["bins"]]
    return {
        "x": chart_style.labels(bins["bins"], chart_style.SLANTED),
        "customdata": [list(pair) for pair in zip(names, bins["rows"], strict=True)],
    }


def _without_nan(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
