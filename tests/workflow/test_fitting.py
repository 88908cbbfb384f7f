from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow.dataset import SPLITS, Dataset
from workflow.errors import WorkflowError
from workflow.evaluate import METRICS
from workflow.features import SqlFeatures
from workflow.fitting import Bench
from workflow.models import BASELINE, FAMILIES
from workflow.runs import Splits
from workflow.splits import write_splits

DATASET = Dataset(
    name="trips",
    task="regression",
    data="/data",
    split={split: f"{split}.parquet" for split in SPLITS},
    target="minutes",
    features={"zone": "zone || ''", "miles": "miles", "flag": "flag", "code": "CAST(code AS INT)"},
)
FEATURES = DATASET.select("zone,miles,flag")
LINEAR = FAMILIES["linear"]


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    folder = tmp_path_factory.mktemp("splits")
    files = {}
    for number, split in enumerate(SPLITS):
        rng = np.random.default_rng(number)
        miles = rng.gamma(2, 2, 500)
        frame = pd.DataFrame(
            {
                "zone": rng.integers(1, 40, 500),
                "miles": miles,
                "flag": np.where(rng.random(500) < 0.1, None, "Y"),
                "code": np.where(np.arange(500) == 499, "none", "1"),
                "minutes": 5 * miles + rng.normal(0, 1, 500),
            }
        )
        files[split] = folder / f"raw-{split}.parquet"
        frame.to_parquet(files[split])
    write_splits(DATASET, files, folder)
    (folder / "dataset.yaml").write_text(DATASET.to_yaml())
    return Splits("runs:/abc/splits", folder)


@pytest.fixture(scope="module")
def bench(splits: Splits) -> Bench:
    return Bench(splits, FEATURES, seed=42)


@pytest.fixture
def transforms(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Grows by an entry each time the features of a frame are computed."""
    calls, plain = [], SqlFeatures.transform

    def counted(self: SqlFeatures, X: pd.DataFrame) -> pd.DataFrame:
        calls.append(len(X))
        return plain(self, X)

    monkeypatch.setattr(SqlFeatures, "transform", counted)
    return calls


def test_a_fit_has_every_metric_of_the_validation_split(bench):
    fitted = bench.fit(LINEAR, {})
    assert set(fitted.metrics) == {f"val_{name}" for name in METRICS["regression"]}
    error = fitted.predictions - bench.y_validation
    assert fitted.metrics["val_rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert fitted.metrics["val_rmse"] < bench.fit(BASELINE, {}).metrics["val_rmse"]


def test_a_fitted_pipeline_takes_raw_rows(bench, splits):
    fitted = bench.fit(LINEAR, {})
    raw, _ = splits.read("validation", ["zone", "miles", "flag"])
    np.testing.assert_allclose(fitted.pipeline.predict(raw), fitted.predictions)


def test_the_features_are_computed_once_for_any_number_of_fits(splits, transforms):
    bench = Bench(splits, FEATURES, seed=42)
    for alpha in (0.1, 1.0):
        bench.fit(LINEAR, {"alpha": alpha})
    bench.fit(FAMILIES["kneighbors"], {})
    assert transforms == [500, 500]


def test_hyperparameters_are_told_with_the_defaults(bench):
    fitted = bench.fit(FAMILIES["random_forest"], {"n_estimators": 3})
    assert fitted.hyperparameters["n_estimators"] == 3
    assert fitted.hyperparameters["max_depth"] == 10
    assert fitted.hyperparameters["min_samples_split"] == 2
    assert fitted.hyperparameters["random_state"] == 42


def test_a_fit_leaves_the_fits_before_it_as_they_were(bench):
    first = bench.fit(LINEAR, {"alpha": 0.01})
    bench.fit(LINEAR, {"alpha": 1e6})
    predicted = first.pipeline[-1].predict(first.pipeline[1].transform(bench.x_validation))
    np.testing.assert_array_equal(predicted, first.predictions)
    assert first.pipeline[-1].alpha == 0.01


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("linear", {}),
        ("kneighbors", {}),
        ("random_forest", {"n_estimators": 50}),
        ("gradient_boosting", {"max_iter": 5}),
        ("lightgbm", {"n_estimators": 5}),
        ("xgboost", {"n_estimators": 5}),
    ],
)
def test_the_same_fit_gives_the_same_predictions_to_the_last_digit(bench, family, given):
    first, *others = (bench.fit(FAMILIES[family], given) for _ in range(3))
    for other in others:
        np.testing.assert_array_equal(other.predictions, first.predictions)


def test_train_metrics_are_those_of_the_train_split(bench):
    metrics = bench.train_metrics(LINEAR, bench.fit(LINEAR, {}))
    assert set(metrics) == {f"train_{name}" for name in METRICS["regression"]}


def test_columns_with_gaps_in_train_are_optional(bench):
    assert bench.sql.optional == ["flag"]


def test_the_example_is_five_raw_rows(bench):
    assert list(bench.example) == ["zone", "miles", "flag"]
    assert len(bench.example) == 5


def test_cardinality_counts_the_values_of_categories(bench):
    assert bench.cardinality == {"zone": 39, "flag": 1}


def test_an_unknown_hyperparameter_is_refused_with_the_nearest(bench):
    with pytest.raises(WorkflowError) as caught:
        bench.fit(FAMILIES["random_forest"], {"max_dept": 3})
    message = str(caught.value)
    assert message.startswith("unknown hyperparameter of random_forest")
    assert "'max_dept': did you mean 'max_depth'? Allowed: " in message


@pytest.mark.parametrize(
    ("family", "given"),
    [("random_forest", {"max_depth": -3}), ("linear", {"alpha": "much"})],
)
def test_a_value_that_the_estimator_refuses_is_refused_with_its_reason(bench, family, given):
    with pytest.raises(WorkflowError) as caught:
        bench.fit(FAMILIES[family], given)
    message = str(caught.value)
    assert message.startswith(f"{family} cannot be fitted with {given}: ")
    assert next(iter(given)) in message


@pytest.mark.parametrize(
    ("family", "given"),
    [
        ("xgboost", {"max_depth": "deep"}),
        ("lightgbm", {"num_leaves": 1}),
    ],
)
def test_a_value_that_a_native_library_refuses_is_refused_with_its_reason(bench, family, given):
    with pytest.raises(WorkflowError, match=f"^{family} cannot be fitted with "):
        bench.fit(FAMILIES[family], given)


def test_a_feature_that_fails_on_a_row_is_a_one_line_error(splits):
    with pytest.raises(WorkflowError, match="none"):
        Bench(splits, DATASET.select("code"), seed=42)
