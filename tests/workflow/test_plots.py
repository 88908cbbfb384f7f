from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from workflow import plots

RNG = np.random.default_rng(0)
ACTUAL = RNG.gamma(2, 5, 500)
PREDICTED = ACTUAL + RNG.normal(0, 2, 500)
TRIALS = pd.DataFrame(
    {
        "trial": [0, 1, 2],
        "family": ["linear", "lightgbm", "linear"],
        "alpha": [0.1, np.nan, 10.0],
        "num_leaves": [np.nan, 31.0, np.nan],
        "rmse": [5.0, 4.0, 4.5],
    }
)


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.parametrize("draw", [plots.predicted_against_actual, plots.residuals])
@pytest.mark.parametrize(
    ("actual", "predicted"),
    [
        (ACTUAL, PREDICTED),
        (ACTUAL[:1], PREDICTED[:1]),
        (ACTUAL, np.full(500, 10.0)),
        (pd.Series(ACTUAL), PREDICTED),
    ],
    ids=["ordinary", "one row", "a constant model", "series"],
)
def test_predictions_are_drawn_whatever_their_shape(draw, actual, predicted, tmp_path):
    figure = draw(actual, predicted, title="linear: 500 rows")
    figure.savefig(tmp_path / "figure.png", dpi=30)
    assert figure.axes[0].get_title(loc="left") == "linear: 500 rows"


def test_predicted_against_actual_says_which_axis_is_which():
    axes = plots.predicted_against_actual(ACTUAL, PREDICTED, "").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("actual", "predicted")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["predicted = actual"]


def test_residuals_are_what_is_left_of_the_actual():
    axes = plots.residuals(ACTUAL, PREDICTED, "").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "actual - predicted")


def test_the_25_most_important_features_are_drawn_the_most_important_on_top():
    importance = pd.DataFrame(
        {"feature": [f"f{n}" for n in range(40)], "importance": np.arange(40.0), "std": 0.1}
    )
    axes = plots.feature_importance(importance, "title", "rmse").axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"f{n}" for n in range(15, 40)]
    assert axes.get_xlabel() == "rmse"


def test_closing_gives_back_the_figure():
    figure = plots.residuals(ACTUAL, PREDICTED, "")
    plots.close(figure)
    assert figure.number not in plt.get_fignums()


def test_a_search_history_has_a_trace_a_family_and_the_best_so_far():
    figure = plots.search_history(TRIALS, "rmse", TRIALS["rmse"].cummin())
    assert [trace.name for trace in figure.data] == ["linear", "lightgbm", "best so far"]
    assert list(figure.data[-1].y) == [5.0, 4.0, 4.0]
    assert "alpha: 0.1" in figure.data[0].hovertext[0]
    assert "num_leaves" not in figure.data[0].hovertext[0]


def test_parallel_coordinates_have_an_axis_a_hyperparameter_and_the_metric_last():
    rows = TRIALS[TRIALS["family"] == "linear"].dropna(axis=1)
    figure = plots.parallel_coordinates(rows, "rmse")
    assert [axis.label for axis in figure.data[0].dimensions] == ["alpha", "rmse"]
    assert "linear" in figure.layout.title.text


def test_a_page_holds_every_figure_and_needs_no_network():
    figures = [plots.search_history(TRIALS, "rmse", TRIALS["rmse"].cummin())] * 2
    html = plots.page(figures)
    assert html.count("Search history: rmse by trial") == 2
    assert 'src="http' not in html
    assert html.count("plotly.js v") <= 1  # the library comes once
