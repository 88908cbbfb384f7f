"""Charts of the registered model on the test split, and of what it leans on."""

from typing import Any

import numpy as np

from workflow.evaluation.palette import BLUE, COLOURS, GREY, VERMILION
from workflow.report import chart_style

CATEGORIES = {"type": "category", "tickangle": -35}
ZERO = {  # a line across
    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
    "line": {"color": GREY, "width": 1},
}  # fmt: skip


def importance(features: list[dict[str, Any]], measure: str, most: int = 20) -> chart_style.Chart:
    """Draw permutation importances, the largest on top.

    Args:
        features: "feature", "importance" and "std", the most important first.
        measure: What they are measured in.
        most: How many are drawn.
    """
    rows = features[:most][::-1]
    figure = chart_style.chart(90 + 26 * len(rows), x=chart_style.text(measure))
    figure.add(
        "bar",
        x=[one["importance"] for one in rows],
        y=chart_style.labels([one["feature"] for one in rows]),
        error_x={"type": "data", "array": [one["std"] for one in rows], "color": VERMILION},
        orientation="h",
        hovertemplate="%{y}: %{x:.4g}<extra></extra>",
    )
    return figure


def density(found: dict[str, Any], unit: str) -> chart_style.Chart:
    """Draw how many rows there are by actual and predicted value, and where both are equal.

    Args:
        found: "actual" and "predicted" (edges), and "counts" (by predicted within actual).
        unit: Of the target.
    """
    x, y = found["actual"], found["predicted"]
    counts = np.array(found["counts"], dtype=float).T
    ticks = [10**power for power in range(7) if 10**power <= max(counts.max(), 1)]
    figure = chart_style.chart(
        430, x=_named("actual", unit), y=_named("predicted", unit), showlegend=False
    )
    figure.add(
        "heatmap",
        x=chart_style.bins(x)[0],
        y=chart_style.bins(y)[0],
        # The logarithm, so that few rows far off are seen beside many.
        z=[[None if one == 0 else round(float(np.log10(one)), 3) for one in row] for row in counts],
        customdata=counts.astype(int).tolist(),
        colorscale=chart_style.SCALE,
        colorbar={
            "title": {"text": "rows"},
            "thickness": 12,
            "tickvals": [float(np.log10(one)) for one in ticks],
            "ticktext": [f"{one:,}" for one in ticks],
        },
        hoverongaps=False,
        hovertemplate="actual %{x:.4g}, predicted %{y:.4g}: %{customdata:,} rows<extra></extra>",
    )
    ends = [max(x[0], y[0]), min(x[-1], y[-1])]
    figure.add(
        "scatter",
        x=ends,
        y=ends,
        mode="lines",
        line={"color": VERMILION, "width": 2},
        hoverinfo="skip",
    )
    return figure


def histogram(found: dict[str, Any], title: str) -> chart_style.Chart:
    """Draw counts between edges."""
    middles, widths, names = chart_style.bins(found["edges"])
    rows = {"title": "rows", "tickformat": ","}
    figure = chart_style.chart(280, x=chart_style.text(title), y=rows, bargap=0)
    figure.add(
        "bar",
        x=middles,
        y=found["counts"],
        width=widths,
        customdata=names,
        hovertemplate="%{customdata}: %{y:,} rows<extra></extra>",
    )
    return figure


def residuals_by(one: dict[str, Any], unit: str) -> chart_style.Chart:
    """Draw the mean residual in each bin of a feature, and where four of five residuals lie."""
    figure = chart_style.chart(
        260, x=CATEGORIES, y=chart_style.text(unit or "residual"), showlegend=False, shapes=[ZERO]
    )
    mean, low, high = (np.array(one[name], dtype=float) for name in ("mean", "p10", "p90"))
    figure.add(
        "scatter",
        x=chart_style.labels(one["bins"], chart_style.SLANTED),
        y=_plain(mean),
        mode="markers",
        marker={"size": 9, "color": BLUE},
        error_y={
            "type": "data",
            "array": _plain(high - mean),
            "arrayminus": _plain(mean - low),
            "color": GREY,
        },
        customdata=_told(one),
        hovertemplate="%{customdata[0]}<br>mean %{y:.4g}<br>%{customdata[1]:,} rows<extra></extra>",
    )
    return figure


def errors_by(one: dict[str, Any]) -> chart_style.Chart:
    """Draw the share of rows that are taken for a wrong class in each bin of a feature."""
    wrong = {"title": "share wrong", "tickformat": ".0%", "rangemode": "tozero"}
    figure = chart_style.chart(260, x=CATEGORIES, y=wrong, showlegend=False)
    figure.add(
        "bar",
        x=chart_style.labels(one["bins"], chart_style.SLANTED),
        y=one["error_rate"],
        customdata=_told(one),
        hovertemplate="%{customdata[0]}<br>%{y:.1%} of %{customdata[1]:,} rows<extra></extra>",
    )
    return figure


def confusion(found: dict[str, Any]) -> chart_style.Chart:
    """Draw how many rows of each class are taken for which."""
    counts = np.array(found["counts"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names, few = chart_style.labels(found["labels"]), len(counts) <= 12
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
    if few:
        figure.layout["annotations"] = [
            {
                "x": column,
                "y": row,
                "text": f"{counts[row, column]:,}",
                "showarrow": False,
                "font": {
                    "color": "#ffffff" if shares[row, column] < chart_style.DARK else "#000000"
                },
            }
            for row, column in np.ndindex(counts.shape)
        ]
    return figure


def curves(
    found: list[dict[str, Any]], x: str, y: str, area: str = "", *, diagonal: bool, steps: bool
) -> chart_style.Chart:
    """Draw a curve a class, and their averages.

    Args:
        found: "label", "x", "y", "area", "chance" and "of" of each.
        x: What is along.
        y: What is up.
        area: What the number beside a label is; empty for none.
        diagonal: Whether it is what chance gives, or what would be perfect.
        steps: Whether a class's curve goes from point to point in steps.
    """
    ends = [-0.02, 1.02]
    figure = chart_style.chart(420, x={"title": x, "range": ends}, y={"title": y, "range": ends})
    look = {"mode": "lines", "hoverinfo": "skip", "showlegend": False}
    if diagonal:
        figure.add("scatter", x=[0, 1], y=[0, 1], line={"color": GREY, "dash": "dot"}, **look)
    for place, one in enumerate(found):
        name = chart_style.text(one["label"], chart_style.LONGEST)
        if area and one["area"] is not None:
            name += f": {one['area']:.3f}"
        is_class = one["of"] == "class"
        colour = COLOURS[place % len(COLOURS)] if is_class else GREY
        if one.get("chance") is not None and not diagonal:
            level = [one["chance"]] * 2
            figure.add("scatter", x=[0, 1], y=level, line={"color": colour, "dash": "dot"}, **look)
        figure.add(
            "scatter",
            x=one["x"],
            y=one["y"],
            mode="lines" if len(one["x"]) > 30 else "lines+markers",
            name=name,
            line={
                "color": colour,
                "dash": "solid" if is_class and place < len(COLOURS) else "dash",
                "width": 2,
                "shape": "vh" if steps and is_class else "linear",
            },
            hovertemplate=f"{name}<br>{x} %{{x:.3f}}<br>{y} %{{y:.3f}}<extra></extra>",
        )
    return figure


def _named(what: str, unit: str) -> str:
    return f"{what} ({chart_style.text(unit)})" if unit else what


def _told(one: dict[str, Any]) -> list[list[Any]]:
    """Return the whole name of each bin, and its rows."""
    return [
        [chart_style.text(name), rows] for name, rows in zip(one["bins"], one["rows"], strict=True)
    ]


def _plain(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(one) else float(one) for one in values]
