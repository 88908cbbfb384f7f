"""The picture of a comparison: by how much a version is better than the champion."""

from typing import Any

from matplotlib.figure import Figure

import workflow.evaluation.regression_plots  # noqa: F401 - sets the style of plots
from workflow.evaluation.palette import BLUE, GREY, VERMILION
from workflow.formatting import number


def comparison_plot(content: dict[str, Any]) -> Figure:
    """Draw the improvement with its interval, and what it has to exceed.

    Args:
        content: As comparison.json has it, with a comparison.
    """
    figure = Figure(figsize=(8, 2.8))
    axes = figure.subplots()
    ends = [100 * one for one in (content["low"], content["high"]) if one is not None]
    middle = 100 * content["improvement"]
    if len(ends) == 2:
        axes.plot(ends, [0, 0], color=BLUE, linewidth=6, solid_capstyle="butt", alpha=0.5)
    axes.plot([middle], [0], "o", color=BLUE, markersize=10)
    axes.axvline(0, color=GREY, linewidth=1.5, label=f"version {content['champion']}")
    if content["needed"] is not None:
        needed = 100 * content["needed"]
        axes.axvline(needed, color=VERMILION, linestyle="--", label=f"needed: {needed:.2g} %")
    metric, rows = content["metric"], content["rows"]
    axes.set(
        yticks=[],
        ylim=(-1, 1),
        xlabel=f"% of version {content['champion']}'s loss that version {content['version']} "
        "spares, with 90 % interval",
        title=f"{metric} {number(content['score'])} against {number(content['champion_score'])} "
        f"on {rows:,} rows",
    )
    axes.legend(loc="upper right", fontsize="small")
    return figure
