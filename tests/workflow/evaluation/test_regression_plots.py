import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from workflow.evaluation import regression_plots

RNG = np.random.default_rng(0)
ACTUAL = RNG.gamma(2, 5, 500)
PREDICTED = ACTUAL + RNG.normal(0, 2, 500)


@pytest.mark.parametrize(
    "draw", [regression_plots.predicted_against_actual, regression_plots.residuals]
)
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
    axes = regression_plots.predicted_against_actual(ACTUAL, PREDICTED, "").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("actual", "predicted")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["predicted = actual"]


def test_residuals_are_drawn_as_actual_minus_predicted():
    axes = regression_plots.residuals(ACTUAL, PREDICTED, "").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "actual - predicted")


def test_the_25_most_important_features_are_drawn_in_order():
    importance = pd.DataFrame(
        {"feature": [f"f{n}" for n in range(40)], "importance": np.arange(40.0), "std": 0.1}
    )
    axes = regression_plots.feature_importance(importance, "title", "rmse").axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"f{n}" for n in range(15, 40)]
    assert axes.get_xlabel() == "rmse"


def test_pyplot_keeps_no_figure_in_memory():
    before = plt.get_fignums()
    regression_plots.residuals(ACTUAL, PREDICTED, "")
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    "draw", [regression_plots.predicted_against_actual, regression_plots.residuals]
)
def test_the_unit_stands_on_both_axes(draw):
    axes = draw(ACTUAL, PREDICTED, "", "minutes").axes[0]
    assert axes.get_xlabel().endswith(" (minutes)")
    assert axes.get_ylabel().endswith(" (minutes)")


def test_any_name_of_a_feature_is_drawn_as_it_is_and_short(tmp_path):
    names = [r"$\nothing$", "a$b", "x" * 100, "x" * 101]
    importance = pd.DataFrame({"feature": names, "importance": 1.0, "std": 0.1})
    figure = regression_plots.feature_importance(importance, "title", "rmse")
    figure.savefig(tmp_path / "figure.png", dpi=30)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[:2] == names[:2]
    assert len(labels) == 4
    assert all(len(label) <= regression_plots.LONGEST for label in labels)
