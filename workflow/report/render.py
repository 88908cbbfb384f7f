"""A page that needs nothing but itself: charts, the library that draws them, styles, texts."""

import base64
import gzip
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from workflow import formatting
from workflow.report.chart_style import Chart

FOLDER = Path(__file__).resolve().parent / "templates"


def render(template: str, **values: object) -> str:
    """Return a page of a template under `templates/`.

    What is put into it is escaped; only charts, made here, are HTML.

    Args:
        template: Its name.
        values: By the names that it uses.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": formatting.number,
        "size": formatting.size,
        "seconds": formatting.seconds,
        "share": formatting.share,
    }
    environment.globals |= {"chart": embedded, "plotly": packed_library, "file": _file}
    return environment.get_template(template).render(**values)


def embedded(figure: Chart, title: str, said: str = "") -> Markup:
    """Return a chart with its title, and for who cannot see it a sentence.

    Args:
        figure: From `workflow.report.style.chart`.
        title: Above it.
        said: What it shows, if the title does not say that.
    """
    # Of all that JSON may hold, only this could end a script element or begin a comment in it.
    data = figure.to_json().replace("<", "\\u003c")
    return Markup(
        '<figure><figcaption>{title}</figcaption><script type="application/json">{data}</script>'
        '<div class="chart" role="img" aria-label="{said}" style="min-height: {height}px"></div>'
        "</figure>"
    ).format(title=title, data=Markup(data), said=said or title, height=figure.height)


@cache
def packed_library() -> str:
    """Return plotly.js, compressed, as text: 2.0 MB instead of 4.8."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 6, mtime=0)).decode()


def _file(name: str) -> Markup:
    return Markup((FOLDER / name).read_text(encoding="utf-8"))
