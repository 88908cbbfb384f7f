"""Charts of the columns' distributions in train, validation and test."""

from typing import Any

from workflow.report import chart_style
from workflow.report.chart_style import Chart


def distributions(columns: list[dict[str, Any]], unit: str) -> list[tuple[str, Chart]]:
    """Return a chart for each column, with its name.

    Args:
        columns: Descriptions of `workflow.checks.profile` that have "edges" or "values".
        unit: The target's.
    """
    return [
        (column["name"], _distribution(column, unit if column["role"] == "target" else ""))
        for column in columns
    ]


def _distribution(column: dict[str, Any], unit: str) -> Chart:
    """Draw the share of each split's rows by value: train as bars, the others over them."""
    places: list[Any]
    widths, edges = None, column.get("edges")
    if not edges:
        places = chart_style.labels(column["values"], chart_style.SLANTED)
        names = [chart_style.text(value) for value in column["values"]]
    elif column["kind"] == "time":
        places, names = edges[:-1], [f"from {edge}" for edge in edges[:-1]]
    else:
        places, widths, names = chart_style.bins(edges)
    title = {"title": chart_style.text(unit)} if unit else {}
    figure = chart_style.chart(
        230,
        x=title if edges else {**title, **chart_style.CATEGORIES},
        y={"title": "share of rows", "tickformat": ".0%", "rangemode": "tozero"},
        bargap=0 if edges else 0.25,
        hovermode="x unified",
    )
    for split, shares in column["shares"].items():
        if shares is None:
            continue  # the column has no value in this split
        trace: dict[str, Any] = {"name": split, "x": places, "y": shares}
        trace |= {"customdata": names, "hovertemplate": "%{customdata}: %{y:.2%}"}
        colour = chart_style.SPLIT_COLOURS[split]
        if split == "train":
            figure.add("bar", **trace, width=widths, marker={"color": colour}, opacity=0.55)
        elif edges:
            line = {"color": colour, "width": 2, "shape": "hvh"}
            figure.add("scatter", **trace, mode="lines", line=line)
        else:
            symbol = "circle" if split == "validation" else "diamond"
            marker = {"color": colour, "symbol": symbol, "size": 9}
            figure.add("scatter", **trace, mode="markers", marker=marker)
    return figure
