import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sql_features.errors import WorkflowError
from workflow.training.cross_validation import (
    ValidationPlan,
    cross_validation,
    encode_targets,
    holdout,
    judged_splits,
    val_metrics,
    without_value,
)


def folded(folds: int, y: np.ndarray, **changes: object) -> ValidationPlan:
    given = {"classes": False, "moments": None, "groups": None, "seed": 1}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        return cross_validation(folds, y, **given | changes)


def judged(plan: ValidationPlan) -> list[int]:
    return [row for _, rows in plan.folds for row in rows]


def test_a_holdout_fits_on_train_and_judges_on_validation():
    rows = np.arange(10)
    plan = holdout(7, 10)
    ((fitted, on),) = plan.folds
    assert rows[fitted].tolist() == rows[plan.final].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert rows[on].tolist() == [7, 8, 9]


@given(st.integers(2, 6), st.integers(6, 60), st.booleans(), st.integers(0, 9), st.booleans())
@settings(max_examples=30, deadline=None)
def test_every_row_is_judged_once_by_a_model_not_fitted_on_it(folds, rows, classes, seed, grouped):
    y = np.arange(rows) % 2
    groups = np.arange(rows) // 2 if grouped else None
    assume(rows // 2 >= folds)
    plan = folded(folds, y, classes=classes, groups=groups, seed=seed)
    assert len(plan.folds) == folds
    assert sorted(judged(plan)) == list(range(rows))
    for fitted, on in plan.folds:
        assert not set(fitted) & set(on)
        assert len(fitted) + len(on) == rows


def test_the_final_model_is_fitted_on_every_row():
    assert np.arange(20)[folded(4, np.zeros(20)).final].tolist() == list(range(20))


@given(st.lists(st.integers(0, 12), min_size=10, max_size=80), st.booleans(), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_rows_of_a_group_stay_in_one_fold(groups, classes, folds):
    groups = np.array(groups, dtype="float64") / 13
    y = np.random.default_rng(0).integers(0, 2, len(groups))
    try:
        plan = folded(folds, y, classes=classes, groups=groups)
    except WorkflowError as error:
        assert "Give fewer folds, or 'holdout'." in str(error)
        return
    assert sorted(judged(plan)) == list(range(len(groups)))
    for fitted, on in plan.folds:
        assert len(fitted)
        assert len(on)
        assert not set(groups[fitted]) & set(groups[on])


def test_groups_of_one_row_each_change_nothing():
    y = np.arange(30) % 3
    alone = folded(3, y, classes=True, groups=np.random.default_rng(0).random(30))
    none = folded(3, y, classes=True)
    for (_, one), (_, other) in zip(alone.folds, none.folds, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("grouped", [False, True])
def test_every_fold_has_about_the_same_share_of_every_class(grouped):
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(int)
    groups = rng.integers(0, 400, 600) if grouped else None
    for _, on in folded(5, y, classes=True, groups=groups).folds:
        assert y[on].mean() == pytest.approx(y.mean(), abs=0.02)


@given(st.integers(2, 6), st.integers(7, 60), st.booleans())
@settings(max_examples=30, deadline=None)
def test_folds_in_the_order_of_time_never_look_ahead(folds, rows, classes):
    groups = np.arange(rows) // 3
    moments = pd.Series(np.arange(rows))
    plan = folded(folds, np.arange(rows) % 2, classes=classes, moments=moments, groups=groups)
    assert len(plan.folds) == folds
    for fitted, on in plan.folds:
        assert max(fitted) < min(on)
        assert fitted.tolist() == list(range(max(fitted) + 1))
    found = judged(plan)
    assert found == list(range(found[0], rows))  # the first rows are only fitted on


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(2, 6), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_folds_in_the_order_of_time_are_cut_between_moments(sizes, folds, kind):
    numbers = np.repeat(np.arange(len(sizes)), sizes)
    days = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(numbers, unit="D"))
    # Whole numbers that no fraction can tell apart.
    moments = [pd.Series(numbers + 2**60), days, days.dt.tz_localize("UTC")][kind]
    try:
        plan = folded(folds, np.zeros(len(numbers)), moments=moments)
    except WorkflowError as error:
        assert len(sizes) <= folds
        assert "Give fewer folds, or 'holdout'." in str(error)
        return
    cuts = [on[0] for _, on in plan.folds]
    assert all(numbers[cut] != numbers[cut - 1] for cut in cuts)
    assert judged(plan) == list(range(cuts[0], len(numbers)))
    for fitted, on in plan.folds:
        assert fitted.tolist() == list(range(on[0]))
        assert len(on)


def test_folds_of_too_few_moments_are_refused():
    with pytest.raises(WorkflowError) as caught:
        folded(3, np.zeros(60), moments=pd.Series(np.arange(60) // 20))
    assert str(caught.value) == (
        "validation='cv:3': 60 rows of train and validation cannot be split so (they are of 3 "
        "moments). Give fewer folds, or 'holdout'."
    )


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_folds_depend_on_the_seed_alone(classes, grouped):
    y, groups = np.arange(60) % 2, np.arange(60) // 2 if grouped else None
    first, again, other = (
        [on.tolist() for _, on in folded(3, y, classes=classes, groups=groups, seed=seed).folds]
        for seed in (5, 5, 6)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"classes": True},
        {"moments": pd.Series([1, 2, 3, 4])},
        {"groups": np.array([1, 1, 2, 2])},
        {"classes": True, "groups": np.array([1, 1, 2, 2])},
    ],
)
def test_too_few_rows_for_so_many_folds_are_refused(changes):
    with pytest.raises(WorkflowError) as caught:
        folded(5, np.array([0, 0, 0, 1]), **changes)
    message = str(caught.value)
    assert message.startswith("validation='cv:5': 4 rows of train and validation cannot be split")
    assert message.endswith("Give fewer folds, or 'holdout'.")
    assert "\n" not in message


def test_a_class_with_fewer_rows_than_folds_is_split():
    plan = folded(5, np.array([0] * 18 + [1, 1]), classes=True)
    assert sorted(judged(plan)) == list(range(20))


LABELS = [["a", "b", "c"], [1, 5, 7], [False, True], [0.5, 1.5, 2.5]]


@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_labels_that_the_final_model_knows_have_the_first_codes(labels):
    train, validation = pd.Series(labels[1:]), pd.Series(labels)
    y, found = encode_targets("multiclass", train, validation, "holdout")
    assert found == [*labels[1:], labels[0]]
    assert [found[code] for code in y] == [*train, *validation]
    y, found = encode_targets("multiclass", train, validation, "cv:2")
    assert found == labels
    assert [found[code] for code in y] == [*train, *validation]


def test_metrics_of_folds_need_predictions_for_each_fold():
    plan = folded(2, np.zeros(4))
    with pytest.raises(ValueError, match="shorter"):
        val_metrics(plan, "regression", np.zeros(4), [np.zeros(2)])


def test_a_metric_that_one_fold_lacks_has_no_mean_and_a_reason():
    plan = folded(2, np.zeros(4), moments=pd.Series([1, 2, 3, 4]))
    ((_, on), (_, last)), y = plan.folds, np.array([1.0, 2.0, 0.0, 4.0])
    predictions = [y[on] + 1, y[last] + 1]
    found = val_metrics(plan, "regression", y, predictions)
    assert found["val_rmse"] == 1
    assert np.isnan([found["val_mape"], found["val_mape_std"], found["val_r2"]]).all()
    assert without_value(plan, "regression", y) == {
        "mape": "some targets are 0 in fold 1 of 2", "r2": "there is a single row in fold 1 of 2"
    }  # fmt: skip
    labels = np.array([0, 1, 1, 0])
    assert without_value(plan, "binary", labels) == {
        "roc_auc": "all rows are of one class in fold 1 of 2"
    }
    assert without_value(holdout(2, 4), "regression", np.zeros(4)) == {}


def test_a_holdout_is_judged_on_validation_and_folds_on_train_too():
    assert judged_splits("holdout") == ("validation",)
    assert judged_splits("cv:3") == ("train", "validation")
    assert holdout(7, 10).is_holdout
    assert not folded(2, np.zeros(10)).is_holdout
