"""Makes the report's HTML page, with its charts, plotly.js and styles inside."""

import base64
import gzip
import json
from functools import cache

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from workflow import formatting
from workflow.report.chart_style import Chart


def page(template: str = "report.html.j2", **values: object) -> str:
    """Return the page of a template, with the values that it names.

    Every value is escaped, except for the charts, which are made into HTML here.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("workflow.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = formatting
    filters = (own.number, own.size, own.seconds, own.share, own.capitalized)
    environment.filters |= {filter.__name__: filter for filter in filters}
    environment.globals |= {"chart": embedded, "plotly": packed_library}
    return environment.get_template(template).render(**values)


def embedded(figure: Chart, title: str, description: str = "") -> Markup:
    """Return the HTML of a chart.

    Args:
        figure: The chart.
        title: What stands above it.
        description: What a screen reader says of it; empty for its title.
    """
    # JSON in a script element: without "<" no text can end the element or begin a comment.
    data = json.dumps(vars(figure), allow_nan=False).replace("<", "\\u003c")
    return Markup(
        '<figure><figcaption>{title}</figcaption><script type="application/json">{data}</script>'
        '<div class="chart" role="img" aria-label="{label}" style="min-height: {height}px"></div>'
        "</figure>"
    ).format(
        title=title,
        data=Markup(data),
        label=description or title,
        height=figure.layout["height"],
    )


@cache
def packed_library() -> str:
    """Return plotly.js, compressed, as text: 2.0 MB instead of 4.8."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 6, mtime=0)).decode()
