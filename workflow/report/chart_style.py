"""The common style of the report's interactive charts.

A chart has no background, and its text and lines take their colours from the page's style sheet, so
that it fits light and dark pages. It has no title of its own: the page gives it a caption.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap
from typing import Any

from workflow import plain_values
from workflow.evaluation.palette import AMBER, BLUE, COLOURS, GREEN, GREY, VERMILION

SPLIT_COLOURS = {"train": GREY, "validation": BLUE, "test": VERMILION, "new": GREEN}
# Colours of a scale: both ends stand out on white and on black, and the lightness only grows.
SCALE = [[0, BLUE], [0.5, "#8C9A8A"], [1, AMBER]]
# White text is readable on the scale up to here, black text from here on (4.5 to 1, as WCAG asks).
DARK = 0.15
LINES = "rgba(128, 128, 128, 0.3)"
LONGEST, SLANTED = 20, 14  # characters of a label beside an axis, and of a slanted one below it
WIDEST = 24  # characters of a line of an axis' title: more does not fit on a phone
# The settings of an axis whose values are texts.
CATEGORIES = {"type": "category", "tickangle": -35}

Axis = str | dict[str, Any] | None


@dataclass
class Chart:
    """A chart in the terms of plotly.js; see https://plotly.com/javascript/reference/.

    It is plain data. `plotly.graph_objects` would check it, but importing that takes longer than
    all the rest of a report; the tests do so.

    Attributes:
        data: The traces.
        layout: Everything else.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]

    def add(self, type: str, **trace: Any) -> None:
        """Add a trace."""
        self.data.append({"type": type, **trace})


def chart(height: int = 340, *, x: Axis = None, y: Axis = None, **layout: Any) -> Chart:
    """Return an empty chart.

    Args:
        height: In pixels; the width is the page's.
        x: The title of the axis along, or the whole axis in plotly's terms.
        y: The same of the axis upwards.
        layout: More of the layout, in plotly's terms.
    """
    return Chart(
        [],
        {
            "height": height,
            "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
            "paper_bgcolor": "rgba(0, 0, 0, 0)",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "font": {"family": "system-ui, sans-serif", "size": 13},
            "colorway": list(COLOURS),
            "dragmode": False,
            "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": GREY, "font": {"color": "#1a1a1a"}},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "barmode": "group",
            "xaxis": _axis(x),
            "yaxis": _axis(y),
            **layout,
        },
    )


def _axis(given: Axis) -> dict[str, Any]:
    settings: dict[str, Any] = {"title": given} if isinstance(given, str) else dict(given or {})
    if "title" in settings:
        settings["title"] = {"text": "<br>".join(wrap(settings["title"], WIDEST)), "standoff": 8}
    return {
        "automargin": True,
        "gridcolor": LINES,
        "linecolor": LINES,
        "zerolinecolor": LINES,
        "fixedrange": True,  # so that a finger scrolls the page
        **settings,
    }


def horizontal_bars(
    names: list[str], values: list[float], errors: list[float] | None = None, *, x: Axis, form: str
) -> Chart:
    """Draw a horizontal bar for each name, the first on top.

    Where the mouse is over a bar, its value is written as `form` says, such as `.4g`.
    """
    figure = chart(90 + 27 * len(names), x=x, y={"autorange": "reversed"})
    hover = f"%{{y}}: %{{x:{form}}}<extra></extra>"
    figure.add("bar", x=values, y=labels(names), orientation="h", hovertemplate=hover)
    if errors:
        figure.data[0]["error_x"] = {"type": "data", "array": errors, "color": VERMILION}
    return figure


def bins(edges: list[float]) -> tuple[list[float], list[float], list[str]]:
    """Return the middle, the width and the name of each bin between edges."""
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    widths = [high - low for low, high in pairwise(edges)]
    return middles, widths, [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]


def text(value: object, longest: int | None = None) -> str:
    """Return any text for a chart, escaped, since plotly.js reads some HTML tags in texts.

    >>> text("<b>bold</b> & more")
    '&lt;b&gt;bold&lt;/b&gt; &amp; more'
    """
    return html.escape(plain_values.text(value, longest), quote=False)


def labels(values: Sequence[object], longest: int = LONGEST) -> list[str]:
    """Return different labels for the places along an axis: equal ones would share a place.

    >>> labels(["a", "b", "a"])
    ['a', 'b', 'a\\u200b']
    """
    found: list[str] = []
    for value in values:
        label = text(value, longest)
        while label in found:
            label += "\N{ZERO WIDTH SPACE}"
        found.append(label)
    return found
