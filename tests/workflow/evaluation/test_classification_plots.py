import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from workflow.evaluation import classification_plots

CURVES = [
    classification_plots.roc,
    classification_plots.precision_recall,
    classification_plots.calibration,
]
RNG = np.random.default_rng(0)


def a_model(classes: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray, list[str]]:
    probabilities = RNG.dirichlet(np.ones(classes), rows)
    codes = (probabilities.cumsum(axis=1) > RNG.random((rows, 1))).argmax(axis=1)
    return codes, probabilities, [f"label {n}" for n in range(classes)]


def legend(figure) -> list[str]:
    return [entry.get_text() for entry in figure.axes[0].get_legend().get_texts()]


def line(figure, start: str) -> tuple[np.ndarray, np.ndarray]:
    (found,) = [one for one in figure.axes[0].lines if str(one.get_label()).startswith(start)]
    return found.get_data()


@pytest.mark.parametrize("draw", CURVES)
@pytest.mark.parametrize("classes", [2, 40])
def test_a_curve_has_its_title_and_can_be_drawn(draw, classes):
    figure = draw(*a_model(classes), title="lightgbm on validation")
    figure.draw_without_rendering()
    assert figure.axes[0].get_title(loc="left") == "lightgbm on validation"


def test_the_axes_say_what_they_are():
    axes = [draw(*a_model(2), "").axes[-1] for draw in CURVES]
    assert [one.get_xlabel() for one in axes] == [
        "false positive rate",
        "recall",
        "predicted probability of class label 1",
    ]
    assert [one.get_ylabel() for one in axes] == ["true positive rate", "precision", "rows"]


def test_of_two_classes_the_second_is_drawn_as_sklearn_has_it():
    truth, probabilities, labels = a_model(2)
    score = probabilities[:, 1]
    figure = classification_plots.roc(truth, probabilities, labels, "")
    assert legend(figure) == [
        "chance: 0.500",
        f"class label 1: {metrics.roc_auc_score(truth, score):.3f}",
    ]
    x, y = line(figure, "class label 1")
    expected = metrics.roc_curve(truth, score)
    np.testing.assert_array_equal(x, expected[0])
    np.testing.assert_array_equal(y, expected[1])


def test_the_precision_of_chance_is_the_share_of_the_class():
    truth, probabilities, labels = a_model(2)
    figure = classification_plots.precision_recall(truth, probabilities, labels, "")
    precision, recall, _ = metrics.precision_recall_curve(
        truth, probabilities[:, 1], drop_intermediate=True
    )
    x, y = line(figure, "class label 1")
    np.testing.assert_array_equal(x, recall[::-1])
    np.testing.assert_array_equal(y, precision[::-1])
    area = metrics.average_precision_score(truth, probabilities[:, 1])
    assert legend(figure) == [f"class label 1: {area:.3f}", f"chance: {truth.mean():.3f}"]
    assert line(figure, "chance")[1] == pytest.approx([truth.mean()] * 2)


def test_calibration_is_sklearns_in_ten_bins_of_as_many_rows():
    truth, probabilities, labels = a_model(2)
    happened, given = calibration_curve(truth, probabilities[:, 1], n_bins=10, strategy="quantile")
    x, y = line(classification_plots.calibration(truth, probabilities, labels, ""), "class label 1")
    np.testing.assert_allclose(x, given)
    np.testing.assert_allclose(y, happened)


def test_the_histogram_below_calibration_holds_every_row():
    for classes in (2, 5):
        truth, probabilities, labels = a_model(classes)
        below = classification_plots.calibration(truth, probabilities, labels, "").axes[1]
        assert sum(bar.get_height() for bar in below.patches) == 400


def test_frequent_classes_are_drawn_and_all_are_averaged():
    truth, probabilities, labels = a_model(12, 1200)
    figure = classification_plots.roc(truth, probabilities, labels, "")
    frequent = set(np.argsort(-np.bincount(truth), kind="stable")[:8])
    drawn = {entry.split(":")[0] for entry in legend(figure) if entry.startswith("class")}
    assert drawn == {f"class label {code}" for code in frequent}
    assert figure.axes[0].get_legend().get_title().get_text().startswith("8 most frequent of 12")
    for average in ("macro", "micro"):
        area = metrics.roc_auc_score(np.eye(12)[truth], probabilities, average=average)
        assert f"{average} average: {area:.3f}" in legend(figure)


def test_the_averages_of_precision_are_sklearns():
    truth, probabilities, labels = a_model(3)
    shown = legend(classification_plots.precision_recall(truth, probabilities, labels, ""))
    for average in ("macro", "micro"):
        area = metrics.average_precision_score(np.eye(3)[truth], probabilities, average=average)
        assert f"{average} average: {area:.3f}" in shown


@pytest.mark.parametrize("draw", CURVES)
def test_lines_that_share_a_colour_differ_in_their_dashes(draw):
    lines = draw(*a_model(12, 1200), "").axes[0].lines
    named = [one for one in lines if str(one.get_label()).startswith("class")]
    assert len({(one.get_color(), one.get_linestyle()) for one in named}) == len(named) == 8


@pytest.mark.parametrize("draw", CURVES)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_label_that_training_has_not_seen_does_not_crash(draw, classes):
    truth, probabilities, labels = a_model(classes)
    truth[:50] = classes
    figure = draw(truth, probabilities, [*labels, "unseen"], "")
    assert not any("unseen" in entry for entry in legend(figure))


@pytest.mark.parametrize("draw", CURVES)
def test_a_class_without_rows_has_no_curve(draw):
    truth, probabilities, labels = a_model(4)
    truth[truth == 2] = 0
    shown = " ".join(legend(draw(truth, probabilities, labels, "")))
    assert "label 1" in shown
    assert "label 2" not in shown


@pytest.mark.parametrize("draw", CURVES)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("only", [0, 1, "unseen"])
@pytest.mark.parametrize("rows", [1, 100])
def test_rows_of_one_class_do_not_crash(draw, classes, only, rows):
    _, probabilities, labels = a_model(classes, rows)
    truth = np.full(rows, classes if only == "unseen" else only)
    assert draw(truth, probabilities, [*labels, "unseen"], "").axes


def test_a_plot_says_that_its_curve_is_not_defined():
    figure = classification_plots.roc(np.ones(9, dtype=int), np.full((9, 2), 0.5), ["a", "b"], "")
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "not defined: all rows are of one class"
    ]


def test_a_confusion_matrix_shows_counts_and_shares_of_the_actual_class():
    figure = classification_plots.confusion_matrix(
        [0, 0, 0, 0, 1], [0, 0, 0, 1, 1], ["no", "yes"], "title"
    )
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["3\n75%", "1\n25%", "0\n0%", "1\n100%"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["no", "yes"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "actual")
    assert axes.get_title(loc="left") == "title"
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])


@pytest.mark.parametrize(("classes", "cells"), [(10, 100), (15, 225), (40, 0), (200, 0)])
def test_cells_have_numbers_as_long_as_they_can_be_read(classes, cells):
    codes = RNG.integers(0, classes, 300)
    figure = classification_plots.confusion_matrix(codes, codes[::-1], range(classes), "")
    assert len(figure.axes[0].texts) == cells
    assert len(figure.axes[0].get_xticks()) <= 60


def test_a_class_that_occurs_nowhere_has_an_empty_row_and_column():
    figure = classification_plots.confusion_matrix([0, 2], [0, 0], ["a", "b", "c"], "")
    np.testing.assert_allclose(
        figure.axes[0].images[0].get_array(), [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    )


SHOWN = {
    "$x_1$": "$x_1$",
    "_hidden": "_hidden",
    "$\\broken{$": "$\\broken{$",  # mathtext would fail
    "two\nlines": "two lines",
    "": "(empty)",
    np.float64(1.5): "1.5",
    "x" * 50: "x" * 21 + "…",
    "\0": "\N{REPLACEMENT CHARACTER}",
}


@pytest.mark.parametrize("draw", CURVES)
def test_a_label_is_shown_as_text_in_the_legend(draw):
    truth, probabilities, _ = a_model(len(SHOWN))
    figure = draw(truth, probabilities, list(SHOWN), "$\\broken{$")
    figure.draw_without_rendering()
    drawn = {entry.split(": 0.")[0] for entry in legend(figure)}
    assert {f"class {shown}" for shown in SHOWN.values()} <= drawn


@pytest.mark.parametrize("draw", CURVES)
def test_the_second_of_two_labels_is_shown_as_text(draw):
    truth, probabilities, _ = a_model(2)
    figure = draw(truth, probabilities, ["other", "$\\broken{$"], "")
    figure.draw_without_rendering()
    assert any(entry.startswith("class $\\broken{$") for entry in legend(figure))


def test_labels_are_shown_as_text_along_a_confusion_matrix():
    codes = np.arange(len(SHOWN))
    figure = classification_plots.confusion_matrix(codes, codes, list(SHOWN), "$\\broken{$")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == list(SHOWN.values())
