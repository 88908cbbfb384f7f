import numpy as np
import pandas as pd
import pytest

from workflow.evaluation.prediction_shares import PredictionShares


def test_numbers_are_counted_by_the_tenths_of_those_on_test():
    shares = PredictionShares(pd.Series(np.arange(1.0, 101.0)), [])
    shares.add(pd.Series([0.0, 10.0, 11.0]))
    shares.add(pd.Series([1000.0, None]))
    assert shares.rows == 4
    assert shares.means == (pytest.approx(1021 / 4), 50.5)
    table = shares.table
    assert [name for name, *_ in table][:2] == ["up to 10", "10 to 20"]
    assert [new for _, new, _ in table] == [0.5, 0.25, *[0.0] * 7, 0.25]
    assert [test for *_, test in table] == pytest.approx([0.1] * 10)


def test_classes_are_counted_by_their_labels():
    shares = PredictionShares(pd.Series([True, True, False, True]), [False, True])
    shares.add(pd.Series([True, None], dtype=object))
    assert shares.means is None
    assert shares.table == [("False", 0.0, 0.25), ("True", 1.0, 0.75)]


def test_predictions_that_are_all_alike_have_two_parts():
    shares = PredictionShares(pd.Series([3.0, 3.0]), [])
    assert shares.table == [("up to 3", 0.0, 1.0), ("above 3", 0.0, 0.0)]
