import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from workflow.tracking import prediction_intervals


def test_numbers_have_bounds_and_none_where_there_is_no_prediction():
    answer = pd.DataFrame({"prediction": [1.0, None]}, dtype=object)
    found = prediction_intervals.columns(answer, [], 0.5, as_text=False)
    assert {name: values.to_pylist() for name, values in found.items()} == {
        "prediction_low": [0.5, None],
        "prediction_high": [1.5, None],
    }


@pytest.mark.parametrize(
    ("labels", "as_text", "sets"),
    [
        (["a", "b", "c"], False, [["a"], ["b", "c"], None, []]),
        ([1, 2, 3], False, [[1], [2, 3], None, []]),
        ([False, True], True, ["[false]", "[true]", None, "[]"]),
    ],
)
def test_classes_have_the_set_of_those_that_are_likely_enough(labels, as_text, sets):
    rows = [[0.9, 0.05, 0.05], [0.2, 0.4, 0.4], [np.nan] * 3, [0.34, 0.33, 0.33]]
    answer = pd.DataFrame(
        {f"probability_{label}": [row[place] for row in rows] for place, label in enumerate(labels)}
    )
    answer.insert(0, "prediction", [labels[0], labels[1], None, labels[0]])
    found = prediction_intervals.columns(answer, labels, 0.6 + 1e-9, as_text)
    (field,) = prediction_intervals.fields(labels, as_text)
    assert found["prediction_set"].type == field.type
    assert found["prediction_set"].to_pylist() == sets
    assert pa.table(found).num_rows == 4
