"""Charts of the columns' distributions, split beside split."""

from typing import Any

from workflow.evaluation.palette import GREY
from workflow.report import chart_style


def distribution(column: dict[str, Any], unit: str = "") -> chart_style.Chart:
    """Draw the share of each split's rows by a column's value: train as bars, the others as lines.

    Args:
        column: One of profile.json's, with "edges" or "values"; see distributions.py.
        unit: Of the values.
    """
    if column.get("edges"):
        edges = column["edges"]
        if column["kind"] == "time":
            places, names, widths = edges[:-1], [f"from {one}" for one in edges[:-1]], None
        else:
            places, widths, names = chart_style.bins(edges)
        mode = "lines"
    else:
        places = chart_style.labels(column["values"], chart_style.SLANTED)
        names, widths, mode = [chart_style.text(one) for one in column["values"]], None, "markers"
    along: dict[str, Any] = {"title": chart_style.text(unit)} if unit else {}
    if mode == "markers":
        along |= {"type": "category", "tickangle": -35}
    figure = chart_style.chart(
        230,
        x=along,
        y={"title": "share of rows", "tickformat": ".0%", "rangemode": "tozero"},
        bargap=0.25 if mode == "markers" else 0,
        hovermode="x unified",
    )
    for split, shares in column["shares"].items():
        if shares is None:
            continue  # it has no value
        look: dict[str, Any] = {"name": split, "x": places, "y": shares}
        look |= {"customdata": names, "hovertemplate": "%{customdata}: %{y:.2%}"}
        if split == "train":
            width = {"width": widths} if widths else {}
            figure.add("bar", **look, **width, marker={"color": GREY}, opacity=0.55)
            continue
        colour = chart_style.SPLIT_COLOURS[split]
        symbol = "circle" if split == "validation" else "diamond"
        shape = {"shape": "hvh"} if mode == "lines" else {}
        figure.add(
            "scatter",
            **look,
            mode=mode,
            line={"color": colour, "width": 2, **shape},
            marker={"color": colour, "symbol": symbol, "size": 9},
        )
    return figure
