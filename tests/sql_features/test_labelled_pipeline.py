import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sql_features.labelled_pipeline import LabelledPipeline
from workflow.tracking.logged_models import TRUSTED

X = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}, index=[7, 3, 5, 1, 9, 2])
CODES = np.array([0, 0, 1, 1, 2, 2])
LABELS = {
    "text": ["low", "mid", "größer"],
    "int": [1, 5, 7],
    "float": [0.5, 1.0, 2.5],
}
each_kind = pytest.mark.parametrize("labels", LABELS.values(), ids=list(LABELS))


def a_pipeline(labels: list, codes: np.ndarray = CODES) -> LabelledPipeline:
    steps = [("scale", StandardScaler()), ("estimator", LogisticRegression(C=1e6))]
    return LabelledPipeline(steps, labels=labels).fit(X, codes)


@each_kind
def test_the_most_probable_label_and_all_probabilities_are_predicted(labels):
    answer = a_pipeline(labels).predict(X)
    assert list(answer) == ["prediction", *(f"probability_{label}" for label in labels)]
    assert answer["prediction"].tolist() == [labels[code] for code in CODES]
    probabilities = answer.drop(columns="prediction").to_numpy()
    np.testing.assert_array_equal(probabilities, a_pipeline(labels).predict_proba(X))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_true_and_false_are_labels():
    answer = a_pipeline([False, True], CODES.clip(0, 1)).predict(X)
    assert list(answer) == ["prediction", "probability_False", "probability_True"]
    assert answer["prediction"].dtype == bool
    assert answer["prediction"].tolist() == [False, False, True, True, True, True]


def test_predictions_have_the_index_of_the_rows():
    assert a_pipeline(LABELS["text"]).predict(X).index.tolist() == X.index.tolist()


@each_kind
def test_classes_are_in_the_order_of_the_probabilities(labels):
    assert a_pipeline(labels).classes_.tolist() == labels


@each_kind
def test_a_pipeline_saved_by_skops_keeps_its_labels(labels):
    pipeline = a_pipeline(labels)
    dumped = skops.io.dumps(pipeline)
    assert set(skops.io.get_untrusted_types(data=dumped)) <= set(TRUSTED)
    loaded = skops.io.loads(dumped, trusted=list(TRUSTED))
    assert loaded.labels == labels
    assert [type(one) for one in loaded.labels] == [type(one) for one in labels]
    pd.testing.assert_frame_equal(loaded.predict(X), pipeline.predict(X))


def test_a_clone_keeps_the_labels():
    assert clone(a_pipeline(["a", "b", "c"])).labels == ["a", "b", "c"]


def test_steps_and_slices_of_the_pipeline_can_be_taken():
    assert a_pipeline(["a", "b", "c"])[0].n_features_in_ == 1
    assert len(a_pipeline(["a", "b", "c"])[:1]) == 1
