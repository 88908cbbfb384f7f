import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from sql_features.errors import WorkflowError
from sql_features.labelled_pipeline import LabelledPipeline
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.split_rules import SPLITS, ByFiles
from workflow.data.split_writer import read_raw, write_splits
from workflow.data.splits import Splits
from workflow.models.encoding import MANY
from workflow.models.families import BASELINE, FAMILIES, WEIGHT, Family, narrowed
from workflow.models.family_names import FAMILY_NAMES
from workflow.models.metrics import TASKS
from workflow.models.search_space import Choice, Real, Whole
from workflow.tracking.logged_models import TRUSTED
from workflow.training.trainer import Trainer
from workflow.training.training_data import TrainingData

ALL = [BASELINE, *FAMILIES.values()]
ROWS = 360
QUICK = {"n_estimators": 30, "max_iter": 30, "learning_rate": 0.2, "n_jobs": 1}
TARGETS = {"regression": "price", "binary": "price > 27", "multiclass": "class"}
each_family = pytest.mark.parametrize("family", ALL, ids=[family.name for family in ALL])
each_real_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
each_task = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than these few rows."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Splits]:
    """By task, splits of numbers and categories of few and many values, with gaps in all."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "zone": pd.array(rng.integers(0, 40, ROWS), dtype="Int64"),
            "address": rng.permutation(np.arange(ROWS) % (MANY + 50)).astype(str),
            "size": rng.normal(10, 3, ROWS),
            "flat": rng.random(ROWS) < 0.5,
        }
    )
    frame["price"] = frame["size"] * 2 + frame["zone"].astype(float) / 2
    frame["class"] = pd.cut(frame["price"], [-99, 24, 34, 99], labels=["low", "mid", "größer"])
    frame["class"] = frame["class"].astype(str)
    frame.loc[::17, "size"] = np.nan
    frame.loc[::19, "address"] = None
    frame.loc[::23, "zone"] = pd.NA
    raw = tmp_path_factory.mktemp("raw") / "raw.parquet"
    frame.to_parquet(raw)

    @cache
    def made(task: str) -> Splits:
        folder = tmp_path_factory.mktemp("splits")
        features = {"zone": "zone || ''", "address": "address", "size": "size", "flat": "flat"}
        dataset = Dataset(
            name="houses",
            task=task,
            data="/data",
            split=ByFiles(**dict.fromkeys(SPLITS, "raw.parquet")),
            target=TARGETS[task],
            features=features,
        )
        write_splits(dataset, read_raw(dataset, {split: [raw] for split in SPLITS}), folder)
        (folder / "dataset.yaml").write_text(to_yaml(dataset))
        return Splits("runs:/abc/splits", folder)

    return made


COLUMNS = ["zone", "address", "size", "flat"]


@pytest.fixture(scope="module")
def raw(splits: Callable[[str], Splits]) -> pd.DataFrame:
    return splits("regression").read("train", COLUMNS)[0]


def quick(family: Family, task: str) -> dict:
    """Hyperparameters of a fit that takes no time; boosting is given few trees."""
    known = family.estimator(task, 0).get_params()
    trees = family.name not in ("linear", BASELINE.name)
    return {name: value for name, value in QUICK.items() if trees and known.get(name)}


def fitted(family: Family, task: str, splits: Splits) -> Pipeline:
    features = splits.dataset.features
    trainer = Trainer(TrainingData.read(splits, features, seed=42, validation="holdout"))
    return trainer.pipeline(trainer.fit(family, quick(family, task)).model)


@pytest.fixture(scope="module")
def model(splits: Callable[[str], Splits]) -> Callable[[str, str], Pipeline]:
    """Each family's fitted pipeline by its name and the task, fitted once."""
    by_name = {one.name: one for one in ALL}
    return cache(lambda name, task: fitted(by_name[name], task, splits(task)))


def numbers(model: Pipeline, frame: pd.DataFrame) -> np.ndarray:
    """Return predictions, or the probabilities of classes."""
    if isinstance(model, LabelledPipeline):
        return model.predict_proba(frame)
    return model.predict(frame)


def test_the_families_are_those_of_the_contract():
    assert list(FAMILIES) == [
        "linear", "kneighbors", "random_forest", "gradient_boosting", "lightgbm", "xgboost",
    ]  # fmt: skip
    assert all(family.name == name for name, family in FAMILIES.items())
    assert tuple(FAMILIES) == FAMILY_NAMES


def test_the_baseline_is_not_one_of_the_families():
    assert BASELINE.name not in FAMILIES
    assert not BASELINE.values.space
    assert not BASELINE.classes.space


@each_family
def test_every_family_predicts_values_or_probabilities(family):
    assert not hasattr(family.estimator("regression", 0), "predict_proba")
    for task in ("binary", "multiclass"):
        assert family.of(task) is family.classes
        assert hasattr(family.estimator(task, 0), "predict_proba")


@each_task
@each_family
def test_defaults_and_space_name_hyperparameters_of_the_estimator(family, task):
    known = family.estimator(task, 0).get_params()
    if family.weighs and task != "regression":
        known.setdefault(WEIGHT, None)
    assert set(family.of(task).defaults) | set(family.of(task).space) <= set(known)
    for name, value in family.of(task).defaults.items():
        assert known[name] == value


@each_task
@each_family
def test_the_estimator_is_given_the_seed_if_it_takes_one(family, task):
    parameters = family.estimator(task, 7).get_params()
    if family.seeded:
        assert parameters["random_state"] == 7
    elif family is not BASELINE:
        assert "random_state" not in parameters


@each_task
@each_real_family
def test_every_space_has_ranges_to_search(family, task):
    assert family.of(task).space
    for name, one in family.of(task).space.items():
        match one:
            case Choice(options):
                assert len(set(options)) > 1, name
            case Whole(low, high, log):
                assert isinstance(low, int), name
                assert isinstance(high, int), name
                assert low < high, name
                assert low > 0 or not log, name
            case Real(low, high, log):
                assert low < high, name
                assert math.isfinite(high), name
                assert low > 0 or not log, name


@each_task
@each_real_family
def test_a_familys_default_lies_in_its_own_space(family, task):
    for name, one in family.of(task).space.items():
        if name in family.of(task).defaults and not isinstance(one, Choice):
            assert one.low <= family.of(task).defaults[name] <= one.high, name


@each_real_family
def test_a_family_that_can_weigh_classes_searches_whether_to(family):
    searched = family.classes.space.get(WEIGHT)
    assert searched == (Choice((None, "balanced")) if family.weighs else None)
    assert WEIGHT not in family.values.space
    own = WEIGHT in family.estimator("binary", 0).get_params()
    assert own is (family.weighs == "class_weight")


def test_the_forests_space_and_depth_are_those_of_the_course():
    assert FAMILIES["random_forest"].values.space == {
        "max_depth": Whole(1, 20),
        "n_estimators": Whole(10, 50),
        "min_samples_split": Whole(2, 10),
        "min_samples_leaf": Whole(1, 4),
    }
    assert FAMILIES["random_forest"].values.defaults["max_depth"] == 10


@each_task
@each_family
def test_every_family_learns_from_raw_rows_with_gaps(family, task, model, raw, splits):
    predicted = numbers(model(family.name, task), raw)
    _, y = splits(task).read("train", [])
    assert np.isfinite(predicted).all()
    if task == "regression":
        assert predicted.shape == (ROWS,)
        good = np.sqrt(np.mean((predicted - y) ** 2)) < 0.85 * y.std()
    else:
        assert predicted.shape == (ROWS, y.nunique())
        np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-6)
        labels = model(family.name, task).classes_
        right = (labels[predicted.argmax(axis=1)] == y).mean()
        good = right > y.value_counts(normalize=True).max() + 0.1
    assert good == (family is not BASELINE)


@each_task
@each_family
def test_every_family_predicts_rows_with_unseen_values(family, task, model):
    unseen = pd.DataFrame(
        {"zone": [9999, None], "address": ["x", None], "size": [1e6, None], "flat": [True, None]}
    )
    assert np.isfinite(numbers(model(family.name, task), unseen)).all()


@pytest.mark.parametrize("task", ["regression", "multiclass"])
@each_family
def test_every_family_predicts_a_row_alone_as_among_others(family, task, model, raw):
    some = raw.iloc[[0, 1, 17, 19, 23]]  # gaps in all columns, in none, in each
    whole = numbers(model(family.name, task), some)
    alone = [numbers(model(family.name, task), some.iloc[[row]])[0] for row in range(len(some))]
    np.testing.assert_allclose(alone, whole, rtol=1e-9)


@pytest.mark.parametrize("task", ["regression", "multiclass"])
@each_family
def test_every_family_fits_the_same_to_the_last_digit_when_repeated(
    family, task, model, raw, splits
):
    again = fitted(family, task, splits(task))
    np.testing.assert_array_equal(numbers(again, raw), numbers(model(family.name, task), raw))


@each_task
@each_family
def test_skops_loads_every_family_with_its_trusted_types_alone(family, task, model, raw):
    trusted = [*TRUSTED, *family.trusted]
    one = model(family.name, task)
    dumped = skops.io.dumps(one)
    assert set(skops.io.get_untrusted_types(data=dumped)) <= set(trusted)
    loaded = skops.io.loads(dumped, trusted=trusted)
    np.testing.assert_array_equal(numbers(loaded, raw), numbers(one, raw))
    if task != "regression":
        assert loaded.labels == one.labels
        pd.testing.assert_frame_equal(loaded.predict(raw), one.predict(raw))


def test_adding_a_family_takes_one_entry():
    forest = FAMILIES["random_forest"]
    values = replace(forest.values, path="sklearn.ensemble.ExtraTreesRegressor")
    trees = replace(forest, name="extra_trees", values=values)
    assert type(trees.estimator("regression", 0)).__name__ == "ExtraTreesRegressor"


FOREST = FAMILIES["random_forest"]


def test_a_dataset_narrows_a_space_and_fixes_hyperparameters():
    given = {"max_depth": Whole(2, 4), "n_estimators": 7, "max_features": Real(0.1, 0.5)}
    for task in ("regression", "binary"):
        family = narrowed(FOREST, given, task)
        space, plain = family.of(task).space, FOREST.of(task).space
        assert space["max_depth"] == Whole(2, 4)
        assert space["max_features"] == Real(0.1, 0.5)
        assert "n_estimators" not in space
        untouched = set(plain) - set(given)
        assert {name: space[name] for name in untouched} == {
            name: plain[name] for name in untouched
        }
        assert family.estimator(task, 0).n_estimators == 7


def test_a_family_that_is_not_narrowed_stays_as_it_is():
    assert narrowed(FOREST, {}, "regression") == FOREST


def test_class_weight_can_be_fixed_where_the_estimator_has_none():
    family = narrowed(FAMILIES["xgboost"], {WEIGHT: "balanced"}, "binary")
    assert WEIGHT not in family.classes.space
    assert family.classes.defaults[WEIGHT] == "balanced"
    assert WEIGHT not in family.estimator("binary", 0).get_params()


@pytest.mark.parametrize("value", [3, Whole(1, 3)])
@each_real_family
def test_a_hyperparameter_that_the_family_does_not_have_is_refused(family, value):
    with pytest.raises(WorkflowError) as caught:
        narrowed(family, {"n_leafs": value}, "regression")
    start = f"unknown hyperparameter in search.{family.name}: 'n_leafs': "
    assert str(caught.value).startswith(start)
