"""How interactive charts look: one style, colours that colour-blind people can tell apart.

A chart has no background, and its text and lines take their colours from the page's style sheet, so
that it fits light and dark pages. Its title is the page's caption of it.
"""

import html
import json
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap
from typing import Any

from workflow import formatting
from workflow.evaluation.palette import AMBER, BLUE, COLOURS, GREY, VERMILION

SPLIT_COLOURS = {"train": GREY, "validation": BLUE, "test": VERMILION}
# Both ends are seen on white and on black, and the lightness only grows.
SCALE = [[0, BLUE], [0.5, "#8C9A8A"], [1, AMBER]]
DARK = 0.15  # of SCALE: so far white can be read on it, from here on black (WCAG: 4.5 to 1)
LINES = "rgba(128, 128, 128, 0.3)"
LONGEST, SLANTED = 20, 14  # characters of a label beside an axis, of one below it
WIDEST = 24  # characters of a line of an axis' title: a phone has room for more only without labels

Axis = str | dict[str, Any] | None


@dataclass
class Chart:
    """What plotly.js draws; see https://plotly.com/javascript/reference/.

    It is kept as plain data: `plotly.graph_objects` checks the same, in the tests, but would take
    longer than all else of a report.

    Attributes:
        data: The traces.
        layout: All else.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]

    def add(self, type: str, **trace: Any) -> None:
        """Add a trace."""
        self.data.append({"type": type, **trace})

    @property
    def height(self) -> int:
        """In pixels."""
        return self.layout["height"]

    def to_json(self) -> str:
        """Return both as JSON; what is missing is null."""
        return json.dumps({"data": self.data, "layout": self.layout}, allow_nan=False)


def chart(height: int = 340, *, x: Axis = None, y: Axis = None, **layout: Any) -> Chart:
    """Return an empty chart.

    Args:
        height: In pixels; the width is the page's.
        x: What is along: a title, or the axis in plotly's terms.
        y: What is up.
        layout: More of the layout in plotly's terms.
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
            "hoverlabel": {
                "bgcolor": "#ffffff",
                "bordercolor": GREY,
                "font": {"color": "#1a1a1a"},
            },
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "barmode": "group",
            "xaxis": _axis(x),
            "yaxis": _axis(y),
            **layout,
        },
    )


def _axis(given: Axis) -> dict[str, Any]:
    settings = {"title": given} if isinstance(given, str) else dict(given or {})
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


def bins(edges: list[float]) -> tuple[list[float], list[float], list[str]]:
    """Return the middle, the width and the name of each bin between edges."""
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    widths = [high - low for low, high in pairwise(edges)]
    return middles, widths, [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]


def text(value: object, longest: int | None = None) -> str:
    """Return a text as a chart shows it, which reads some HTML: none of it is the data's.

    >>> text("<b>bold</b> & more")
    '&lt;b&gt;bold&lt;/b&gt; &amp; more'
    """
    return html.escape(formatting.text(value, longest), quote=False)


def labels(values: list[object], longest: int = LONGEST) -> list[str]:
    """Return texts for the places along an axis, none alike, so that none fall together.

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
