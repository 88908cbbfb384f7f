"""The chart of a version's test against the champion."""

from typing import Any

from workflow.evaluation.palette import BLUE, GREY, VERMILION
from workflow.report import chart_style
from workflow.report.chart_style import Chart


def comparison(test: dict[str, Any]) -> Chart | None:
    """Draw the improvement with its interval, and what it has to exceed.

    Args:
        test: As comparison.json has it; empty where there was no test.
    """
    if not test:
        return None
    value = 100 * test["improvement"]
    figure = chart_style.chart(
        170,
        x="% of the champion's loss, with 90 % interval",
        y={"title": "", "tickvals": [], "range": [-1, 1]},
    )
    interval = {}
    if test["low"] is not None and test["high"] is not None:
        interval["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": [100 * test["high"] - value],
            "arrayminus": [value - 100 * test["low"]],
            "color": BLUE,
        }
    _line(figure, 0, f"version {test['champion']}", GREY, "solid")
    if test["needed"] is not None:
        needed = 100 * test["needed"]
        _line(figure, needed, f"needed: {needed:.2g} %", VERMILION, "dash")
    figure.add(
        "scatter",
        x=[value],
        y=[0],
        mode="markers",
        name=f"version {test['version']}",
        marker={"size": 12, "color": BLUE},
        hovertemplate="%{x:.2f} %<extra></extra>",
        **interval,
    )
    return figure


def _line(figure: Chart, place: float, name: str, colour: str, dash: str) -> None:
    figure.add(
        "scatter",
        x=[place, place],
        y=[-1, 1],
        mode="lines",
        name=name,
        line={"color": colour, "dash": dash},
        hoverinfo="skip",
    )
