import numpy as np
import pytest
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from workflow.evaluation import classification_plots
from workflow.report import chart_style, model_charts

Colour = str | tuple[float, ...]
READABLE = 4.5  # WCAG 2, success criterion 1.4.3
ROWS = 20
each_share = pytest.mark.parametrize("right", range(ROWS + 1))


def contrast(one: Colour, other: Colour) -> float:
    """Return how well two colours are told apart, from 1 to 21, as WCAG has it."""

    def luminance(colour: Colour) -> float:
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, bright = sorted([luminance(one), luminance(other)])
    return (bright + 0.05) / (dark + 0.05)


@each_share
def test_the_numbers_of_a_confusion_matrix_can_be_read_on_every_colour(right):
    predicted = (np.arange(ROWS) < right).astype(int)
    figure = classification_plots.confusion_matrix(np.ones(ROWS, int), predicted, ["no", "yes"], "")
    (image,) = figure.axes[0].images
    shares = image.get_array()
    assert shares[1, 1] == right / ROWS
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        assert contrast(text.get_color(), image.cmap(shares[row, column])) >= READABLE


@each_share
def test_the_numbers_of_the_reports_matrix_can_be_read_too(right):
    counts = [[ROWS, 0], [ROWS - right, right]]
    chart = model_charts.confusion({"labels": ["no", "yes"], "counts": counts})
    (cells,) = chart.data
    colours = LinearSegmentedColormap.from_list("report", chart_style.SCALE)
    assert len(chart.layout["annotations"]) == 4
    for note in chart.layout["annotations"]:
        share = cells["z"][note["y"]][note["x"]]
        assert contrast(note["font"]["color"], colours(share)) >= READABLE
