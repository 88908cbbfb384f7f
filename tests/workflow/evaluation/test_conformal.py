from dataclasses import asdict

import numpy as np
import pytest

from sql_features.errors import WorkflowError
from workflow.evaluation import conformal
from workflow.evaluation.conformal import Residuals


def test_residuals_are_distances_or_what_the_truth_lacks_to_certainty():
    assert conformal.residuals(np.array([1.0, 5.0]), np.array([2.0, 2.0])).tolist() == [1, 3]
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]])
    found = conformal.residuals(np.array([0, 0, 2]), probabilities)
    assert found == pytest.approx([0.1, 0.7, 1.0])


def test_the_rank_is_that_of_one_row_more():
    known = Residuals.of(np.arange(1.0, 10.0))  # nine rows: the ninth of ten ranks
    assert known.within(0.9) == 9
    assert known.within(0.5) == 5
    line = r"^interval='0\.95': the model has the residuals of 9 rows, and 19 are needed"
    with pytest.raises(WorkflowError, match=line):
        known.within(0.95)


@pytest.mark.parametrize("count", [3, 1_999, 2_001, 7_777])
def test_thinned_residuals_are_hardly_wider_and_never_narrower(count):
    values = np.random.default_rng(count).permutation(count).astype(float)
    known = Residuals.from_dict(asdict(Residuals.of(values)))
    assert len(known.kept) <= conformal.KEPT
    for level in (0.5, 0.74):
        exact = np.sort(values)[int(np.ceil((count + 1) * level - 1e-9)) - 1]
        assert 0 <= known.within(level) - exact <= count / conformal.KEPT


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_the_truth_in_the_share_of_rows_asked_for(seed):
    rng = np.random.default_rng(seed)
    actual = rng.standard_t(3, 24_000)
    predictions = actual + rng.standard_t(3, 24_000)
    known = Residuals.of(conformal.residuals(actual[:4_000], predictions[:4_000]))
    table = conformal.coverage(actual[4_000:], predictions[4_000:], known)
    assert [one["level"] for one in table] == list(conformal.LEVELS)
    for one in table:
        assert one["coverage"] == pytest.approx(one["level"], abs=0.02)
    assert table[0]["width"] == 2 * known.within(0.5)


@pytest.mark.parametrize("seed", range(3))
def test_sets_of_classes_hold_the_truth_in_the_share_of_rows_asked_for(seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.5, 0.5, 0.5], 24_000)
    actual = (probabilities.cumsum(axis=1) < rng.random((24_000, 1))).sum(axis=1)
    known = Residuals.of(conformal.residuals(actual[:4_000], probabilities[:4_000]))
    for one in conformal.coverage(actual[4_000:], probabilities[4_000:], known):
        assert one["coverage"] == pytest.approx(one["level"], abs=0.02)
        assert one["width"] <= 3


def test_rows_are_drawn_in_order_where_there_are_many():
    assert conformal.drawn(5, 0).tolist() == [0, 1, 2, 3, 4]
    some = conformal.drawn(50_000, 0)
    assert len(np.unique(some)) == conformal.ROWS
    assert (np.diff(some) > 0).all()
