import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from workflow.evaluation import classification_curves

RNG = np.random.default_rng(0)


def a_model(classes: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    probabilities = RNG.dirichlet(np.ones(classes), rows)
    return (probabilities.cumsum(axis=1) > RNG.random((rows, 1))).argmax(axis=1), probabilities


@pytest.mark.parametrize(
    ("curve", "area"),
    [
        (classification_curves.roc, metrics.roc_auc_score),
        (classification_curves.precision_recall, metrics.average_precision_score),
    ],
)
def test_areas_are_scikit_learns(curve, area):
    truth, probabilities = a_model(2)
    (only,) = curve(truth, probabilities)
    assert (only.of, only.code) == ("class", 1)
    assert only.area == pytest.approx(area(truth, probabilities[:, 1]))
    assert only.chance == pytest.approx(truth.mean())
    truth, probabilities = a_model(4)
    found = curve(truth, probabilities)
    assert [one.of for one in found] == ["class"] * 4 + ["macro", "micro"]
    for one in found[:4]:
        assert one.area == pytest.approx(area(truth == one.code, probabilities[:, one.code]))
    for one in found[4:]:
        assert one.area == pytest.approx(area(np.eye(4)[truth], probabilities, average=one.of))


def test_classes_with_a_curve_are_in_the_order_of_their_rows():
    truth, probabilities = a_model(30, 2_000)
    rows = np.bincount(truth, minlength=30)
    for curves in (
        classification_curves.roc(truth, probabilities),
        classification_curves.calibration(truth, probabilities)[0],
    ):
        own = [one.code for one in curves if one.of == "class"]
        assert own == list(np.argsort(-rows, kind="stable")[:8])


def test_a_curve_that_is_not_defined_is_left_out():
    truth, probabilities = np.ones(9, dtype=int), np.full((9, 2), 0.5)
    assert classification_curves.roc(truth, probabilities) == []
    assert classification_curves.precision_recall(truth * 0, probabilities) == []
    assert classification_curves.precision_recall(truth + 1, probabilities) == []  # never seen


def test_a_calibrations_histogram_names_its_class():
    truth, probabilities = a_model(2)
    _, histogram = classification_curves.calibration(truth, probabilities)
    assert histogram.code == 1
    np.testing.assert_array_equal(histogram.edges[[0, -1]], [0, 1])
    truth, probabilities = a_model(3)
    curves, histogram = classification_curves.calibration(truth, probabilities)
    assert [one.of for one in curves] == ["class"] * 3 + ["predicted"]
    assert histogram.code is None
    assert histogram.counts.sum() == 400


@pytest.mark.parametrize("classes", [2, 3, 40])
def test_without_rows_there_is_no_curve(classes):
    truth, probabilities = np.zeros(0, dtype=int), np.zeros((0, classes))
    curves, histogram = classification_curves.calibration(truth, probabilities)
    assert curves == classification_curves.roc(truth, probabilities) == []
    assert histogram.counts.sum() == 0


@pytest.mark.parametrize(
    "curve", [classification_curves.roc, classification_curves.precision_recall]
)
def test_a_curve_of_many_rows_keeps_its_shape_in_a_hundred_points(curve):
    truth, probabilities = a_model(2, 20_000)
    (whole,) = curve(truth, probabilities)
    kept = classification_curves.thinned(whole.x, whole.y, 100)
    assert len(kept) <= 100
    assert (kept[0], kept[-1]) == (0, len(whole.x) - 1)
    # The first rows of precision and recall jump up and down.
    later = whole.x > 0.01
    off = np.abs(np.interp(whole.x, whole.x[kept], whole.y[kept]) - whole.y)[later]
    assert off.max() < 0.02


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60),
    st.integers(2, 20),
)
@settings(max_examples=60, deadline=None)
def test_thinning_keeps_the_ends_and_the_order(points, most):
    x, y = np.array(sorted(points)).T
    kept = classification_curves.thinned(x, y, most)
    assert len(kept) <= most
    assert (np.diff(kept) > 0).all()
    assert {0, len(x) - 1} <= set(kept)


def test_a_line_that_needs_no_more_points_gets_no_more():
    x = np.linspace(0, 1, 1_000)
    assert len(classification_curves.thinned(x, x, 100)) == 2
    assert len(classification_curves.thinned(x, np.abs(x - 0.5), 100)) <= 4
