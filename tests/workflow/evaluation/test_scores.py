import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from sql_features.errors import WorkflowError
from sql_features.expressions import TARGET
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.split_rules import SPLITS, ByFiles
from workflow.data.splits import Splits
from workflow.evaluation.scores import (
    CLASSIFICATION,
    REGRESSION,
    check_defined,
    codes,
    score,
    undefined,
    value,
)
from workflow.models.metrics import METRICS
from workflow.training.cross_validation import judged_splits

ACTUAL = np.array([1.0, 2.0, 4.0])
PREDICTED = np.array([2.0, 2.0, 2.0])


def test_every_named_metric_is_computed():
    assert set(METRICS["regression"]) == set(REGRESSION)
    assert set(METRICS["binary"]) == set(METRICS["multiclass"]) == set(CLASSIFICATION)


def test_scores_of_a_regression_follow_their_formulas():
    assert score("regression", "val", ACTUAL, PREDICTED) == pytest.approx(
        {
            "val_rmse": np.sqrt((1 + 0 + 4) / 3),
            "val_mae": (1 + 0 + 2) / 3,
            "val_mape": (1 + 0 + 1 / 2) / 3,
            "val_r2": 1 - 5 / (14 / 3),
        }
    )


@pytest.mark.parametrize(
    ("metric", "targets", "reason"),
    [
        ("mape", [1.0, 0.0, 4.0], "some targets are 0"),
        ("roc_auc", [1, 1, 1], "all rows are of one class"),
    ],
)
def test_a_metric_has_no_value_exactly_where_it_is_undefined(metric, targets, reason):
    metric = next(known[metric] for known in METRICS.values() if metric in known)
    task = metric.task
    predicted = PREDICTED if task == "regression" else np.full((3, 2), 0.5)
    assert undefined(metric, np.array(targets)) == reason
    assert np.isnan(value(metric, np.array(targets), predicted))
    assert undefined(metric, np.array([1, 2, 2])) is None
    assert np.isfinite(value(metric, np.array([1, 0, 1]) + (task == "regression"), predicted))
    assert [one for one in METRICS[task].values() if undefined(one, np.array(targets))] == [metric]


def splits(folder: Path, zero: str) -> Splits:
    """Write splits of three rows each; one of them has a target of 0."""
    dataset = Dataset(
        name="trips",
        task="regression",
        data="/data",
        split=ByFiles(**{split: f"{split}.parquet" for split in SPLITS}),
        target="minutes",
        features={"miles": "miles"},
    )
    (folder / "dataset.yaml").write_text(to_yaml(dataset))
    for split in SPLITS:
        targets = [1.0, 0.0, 4.0] if split == zero else ACTUAL
        frame = pd.DataFrame({"miles": 1.0, TARGET: targets})
        frame.to_parquet(folder / f"{split}.parquet")
    return Splits("runs:/abc/splits", folder)


@pytest.mark.parametrize(
    ("how", "zero", "refused"),
    [
        ("holdout", "train", False),
        ("holdout", "validation", True),
        ("cv:3", "train", True),
        ("cv:3", "validation", True),
        ("cv:3", "test", False),
    ],
)
def test_a_metric_undefined_where_models_are_judged_is_refused(tmp_path, how, zero, refused):
    found, known = splits(tmp_path, zero), METRICS["regression"]
    check_defined(found, judged_splits(how), [known["rmse"], known["mae"], known["r2"]])
    if not refused:
        check_defined(found, judged_splits(how), [known["mape"]])
        return
    with pytest.raises(WorkflowError) as error:
        check_defined(found, judged_splits(how), [known["rmse"], known["mape"]])
    assert str(error.value) == (
        f"mape has no value on the {zero} split, where some targets are 0. Allowed there: rmse, "
        "mae, r2."
    )


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("task", METRICS)
def test_scores_are_plain_numbers_named_after_the_split(task, split):
    if task == "regression":
        scores = score(task, split, ACTUAL, PREDICTED)
    else:
        scores = score(task, split, np.array([0, 1, 1]), np.full((3, 2), 0.5))
    assert set(scores) == {f"{split}_{name}" for name in METRICS[task]}
    assert {type(value) for value in scores.values()} == {float}


@pytest.mark.parametrize("metric", METRICS["regression"].values(), ids=METRICS["regression"])
def test_a_better_prediction_has_a_smaller_loss_by_every_metric(metric):
    better, worse = (value(metric, ACTUAL, predicted) for predicted in (ACTUAL + 0.1, PREDICTED))
    assert metric.is_better(better, worse)


@pytest.mark.parametrize("metric", METRICS["binary"])
@pytest.mark.parametrize("classes", [2, 3])
def test_better_probabilities_have_a_smaller_loss_by_every_metric(classes, metric):
    task = "binary" if classes == 2 else "multiclass"
    y = np.arange(12) % classes
    sure = np.eye(classes)[y]
    better, worse = 0.9 * sure + 0.1 / classes, 0.9 * sure[::-1] + 0.1 / classes
    judged = METRICS[task][metric]
    assert judged.is_better(*(value(judged, y, one) for one in (better, worse)))


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
@settings(max_examples=20, deadline=None)
def test_scores_of_classes_are_those_of_scikit_learn(seed, classes):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, 30)])
    p = rng.dirichlet(np.ones(classes), len(y))
    task = "binary" if classes == 2 else "multiclass"
    found = p.argmax(axis=1)
    of_one = {} if classes == 2 else {"average": "macro"}
    area = metrics.roc_auc_score(y, p[:, 1] if classes == 2 else p,
                                 multi_class="ovr", average="macro")  # fmt: skip
    assert score(task, "val", y, p) == pytest.approx(
        {
            "val_log_loss": metrics.log_loss(y, p),
            "val_accuracy": metrics.accuracy_score(y, found),
            "val_balanced_accuracy": metrics.balanced_accuracy_score(y, found),
            "val_f1": metrics.f1_score(y, found, zero_division=0, **of_one),
            "val_roc_auc": area,
        }
    )


def test_probabilities_of_single_precision_give_no_warning():
    p = np.random.default_rng(0).dirichlet(np.ones(3), 50).astype("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score("multiclass", "val", np.arange(50) % 3, p)


def test_a_label_that_was_not_seen_in_train_counts_as_wrong():
    known = np.array([[0.8, 0.2], [0.2, 0.8], [0.5, 0.5]])
    scores = score("multiclass", "val", np.array([0, 1, 2]), known)
    assert scores["val_accuracy"] == pytest.approx(2 / 3)
    assert scores["val_balanced_accuracy"] == pytest.approx(2 / 3)
    assert scores["val_f1"] < 1
    # The third class has the same probability, none, in each row: an area of one half.
    assert scores["val_roc_auc"] == pytest.approx((1 + 1 + 0.5) / 3)
    surprise = -np.log(np.finfo("float64").eps)
    assert scores["val_log_loss"] == pytest.approx((-2 * np.log(0.8) + surprise) / 3)


def test_means_over_classes_leave_out_those_that_do_not_occur():
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    scores = score("multiclass", "val", np.array([0, 1, 1]), p)
    assert scores["val_balanced_accuracy"] == pytest.approx((1 + 1 / 2) / 2)
    assert scores["val_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert scores["val_roc_auc"] == pytest.approx((1 + 1) / 2)


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_rows_of_one_class_are_scored_and_have_no_area(task, code, columns):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(task, "val", np.full(4, code), np.full((4, columns), 1 / columns))
    assert np.isnan(scores.pop("val_roc_auc"))
    assert np.isfinite(list(scores.values())).all()


@given(
    st.sampled_from(["binary", "multiclass"]),
    st.integers(1, 4),
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
)
@settings(max_examples=40, deadline=None)
def test_any_truth_and_any_known_classes_have_scores(task, columns, y):
    p = np.random.default_rng(0).dirichlet(np.ones(columns), len(y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(task, "val", np.array(y), p)
    assert all(
        0 <= one <= 1 or np.isnan(one) for name, one in scores.items() if name != "val_log_loss"
    )
    assert np.isfinite(scores["val_log_loss"])


LABELS = {
    "text": ["größer", "no", "yes"],
    "int": [-1, 0, 7],
    "bool": [False, True],
    "float": [0.5, 1.0, 2.0],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=list(LABELS))
def test_codes_are_positions_among_the_labels(labels):
    given = labels[::-1] + labels
    found = codes(pd.Series(given), labels)
    assert [labels[code] for code in found] == given
    assert found.dtype == "int64"


@pytest.mark.parametrize("labels", LABELS.values(), ids=list(LABELS))
def test_new_labels_have_codes_beyond_those_that_are_known(labels):
    found = codes(pd.Series([*labels, labels[-1]]), labels[:1])
    assert found.tolist() == [*range(len(labels)), len(labels) - 1]


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_predictions_that_are_not_finite_are_refused_in_one_line(wrong):
    words = "the model predicts no finite value for 1 of 3 rows of val: "
    with pytest.raises(WorkflowError, match=words) as caught:
        score("regression", "val", ACTUAL, np.array([1.0, wrong, 2.0]))
    assert "\n" not in str(caught.value)
    with pytest.raises(WorkflowError, match=words):
        score("binary", "val", np.array([0, 1, 1]), np.array([[1.0, 0.0]] * 2 + [[wrong, 0.5]]))
