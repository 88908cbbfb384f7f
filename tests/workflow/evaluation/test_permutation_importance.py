import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance as scikit_learns
from sklearn.linear_model import LinearRegression

from workflow.evaluation import permutation_importance
from workflow.models.metrics import METRICS

RNG = np.random.default_rng(0)


def a_model(
    rows: int = 400, features: int = 3
) -> tuple[LinearRegression, pd.DataFrame, np.ndarray]:
    """Return a model that leans on its features the more the later they come, not on the first."""
    x = pd.DataFrame(RNG.normal(size=(rows, features)), columns=[f"f{n}" for n in range(features)])
    y = (x * np.arange(features)).sum(axis=1).to_numpy()
    return LinearRegression().fit(x, y), x, y


def test_importance_is_what_scikit_learn_measures():
    model, x, y = a_model()
    found = permutation_importance.permutation(
        model.predict, x, y, metric=METRICS["regression"]["rmse"], seed=1
    ).set_index("feature")
    expected = scikit_learns(
        model, x, y, scoring="neg_root_mean_squared_error", n_repeats=30, random_state=1
    )
    np.testing.assert_allclose(found["importance"], expected["importances_mean"], atol=0.15)
    assert found["importance"].is_monotonic_increasing
    assert found.loc["f0", "importance"] == pytest.approx(0, abs=1e-9)
    assert (found.loc[["f1", "f2"], "std"] > 0).all()


@pytest.mark.parametrize("at_once", [1, 400, 900, 1_000_000])
def test_how_many_rows_are_predicted_at_once_changes_nothing(monkeypatch, at_once):
    model, x, y = a_model()
    given = {"metric": METRICS["regression"]["mae"], "seed": 3}
    expected = permutation_importance.permutation(model.predict, x, y, **given)
    sizes = []

    def predict(some: pd.DataFrame) -> np.ndarray:
        sizes.append(len(some))
        return model.predict(some)

    monkeypatch.setattr(permutation_importance, "AT_ONCE", at_once)
    pd.testing.assert_frame_equal(
        permutation_importance.permutation(predict, x, y, **given), expected
    )
    assert max(sizes) <= max(at_once, len(x))


def test_importance_is_positive_for_a_metric_that_falls():
    model, x, y = a_model()
    found = permutation_importance.permutation(
        model.predict, x, y, metric=METRICS["regression"]["r2"], seed=0
    )
    assert found["importance"].iloc[-1] > 0.5


def test_texts_and_gaps_are_shuffled_as_they_are():
    x = pd.DataFrame({"zone": pd.array(["a", "b", None] * 40, dtype="str"), "self": np.nan})
    y = (x["zone"] == "a").to_numpy(dtype=float)
    seen = []

    def predict(some: pd.DataFrame) -> np.ndarray:
        seen.append(some)
        return (some["zone"] == "a").to_numpy(dtype=float)

    found = permutation_importance.permutation(
        predict, x, y, metric=METRICS["regression"]["rmse"], seed=0
    )
    assert list(found["importance"] > 0) == [True, False]
    assert all((some.dtypes == x.dtypes).all() for some in seen)
    assert sum(len(some) for some in seen) == len(x) * (1 + 2 * permutation_importance.REPEATS)


def test_classes_are_judged_by_their_probabilities():
    x = pd.DataFrame({"a": np.tile([0.1, 0.9], 50), "b": RNG.normal(size=100)})
    y = np.tile([0, 1], 50)
    found = permutation_importance.permutation(
        lambda some: np.column_stack([1 - some["a"], some["a"]]),
        x, y, metric=METRICS["binary"]["log_loss"], seed=0,
    )  # fmt: skip
    assert found["importance"].iloc[0] > 0.5
    assert found["importance"].iloc[1] == 0


def test_where_a_metric_is_not_defined_importance_is_not():
    x = pd.DataFrame({"a": [0.2, 0.4]})
    found = permutation_importance.permutation(
        lambda some: np.column_stack([1 - some["a"], some["a"]]),
        x, np.array([1, 1]), metric=METRICS["binary"]["roc_auc"], seed=0,
    )  # fmt: skip
    assert found["importance"].isna().all()


@pytest.mark.parametrize(
    ("rows", "features", "expected"),
    [
        (60_000, 1, 5_000),
        (60_000, 10, 1_000),
        (60_000, 500, 200),
        (300, 10, 300),
        (1, 10, 1),
        (9_000, 0, 5_000),
    ],
)
def test_fewer_rows_are_drawn_of_a_wide_table_and_no_row_twice(rows, features, expected):
    some = permutation_importance.drawn_rows(rows, features, seed=0)
    assert len(some) == len(set(some)) == expected
    assert set(some) <= set(range(rows))
    np.testing.assert_array_equal(some, permutation_importance.drawn_rows(rows, features, seed=0))
