import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from workflow.dataset import SPLITS, TASKS, Dataset
from workflow.encoding import MANY
from workflow.fitting import Bench
from workflow.logged_models import TRUSTED
from workflow.models import BASELINE, FAMILIES, Choice, Family, Real, Whole
from workflow.runs import Splits
from workflow.splits import write_splits

ALL = [BASELINE, *FAMILIES.values()]
ROWS = 400
QUICK = {"n_estimators": 40, "max_iter": 40, "n_jobs": 1}
each_family = pytest.mark.parametrize("family", ALL, ids=[family.name for family in ALL])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than these few rows."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """Numbers and categories of few and of many values, with gaps, and what follows from them."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "zone": pd.array(rng.integers(0, 40, ROWS), dtype="Int64"),
            "address": rng.permutation(np.arange(ROWS) % (MANY + 50)).astype(str),
            "size": rng.normal(10, 3, ROWS),
        }
    )
    frame["price"] = frame["size"] * 2 + frame["zone"].astype(float) / 2
    frame.loc[::17, "size"] = np.nan
    frame.loc[::19, "address"] = None
    frame.loc[::23, "zone"] = pd.NA
    folder = tmp_path_factory.mktemp("splits")
    frame.to_parquet(folder / "raw.parquet")
    dataset = Dataset(
        name="houses",
        task="regression",
        data="/data",
        split=dict.fromkeys(SPLITS, "raw.parquet"),
        target="price",
        features={"zone": "zone || ''", "address": "address", "size": "size", "root": "sqrt(size)"},
    )
    write_splits(dataset, dict.fromkeys(SPLITS, folder / "raw.parquet"), folder)
    (folder / "dataset.yaml").write_text(dataset.to_yaml())
    return Splits("runs:/abc/splits", folder)


@pytest.fixture(scope="module")
def raw(splits: Splits) -> pd.DataFrame:
    return splits.read("train", ["zone", "address", "size"])[0]


def fitted(family: Family, splits: Splits) -> Pipeline:
    bench = Bench(splits, splits.dataset.features, seed=42)
    known = family.estimator("regression", 0).get_params() if family.space else {}
    quick = {name: value for name, value in QUICK.items() if known.get(name)}
    return bench.fit(family, quick).pipeline


@pytest.fixture(scope="module")
def model(splits: Splits) -> Callable[[str], Pipeline]:
    """Each family's fitted pipeline by its name, fitted once."""
    return cache(lambda name: fitted({one.name: one for one in ALL}[name], splits))


def test_families_go_by_their_names_which_are_those_of_the_contract():
    assert list(FAMILIES) == [
        "linear", "kneighbors", "random_forest", "gradient_boosting", "lightgbm", "xgboost",
    ]  # fmt: skip
    assert all(family.name == name for name, family in FAMILIES.items())


def test_the_baseline_is_not_one_of_the_families():
    assert BASELINE.name not in FAMILIES
    assert not BASELINE.space


@each_family
def test_every_family_has_an_estimator_for_every_task(family):
    assert set(family.classes) == set(TASKS)
    for task in TASKS:
        assert hasattr(family.estimator(task, 0), "predict")


@each_family
def test_defaults_and_space_name_hyperparameters_of_the_estimator(family):
    known = family.estimator("regression", 0).get_params()
    assert set(family.defaults) | set(family.space) <= set(known)
    for name, value in family.defaults.items():
        assert known[name] == value


@each_family
def test_the_estimator_is_given_the_seed_if_it_takes_one(family):
    parameters = family.estimator("regression", 7).get_params()
    assert ("random_state" in parameters) is family.seeded
    assert parameters.get("random_state", 7) == 7


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_every_space_has_ranges_to_search(family):
    assert family.space
    for name, domain in family.space.items():
        match domain:
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


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_familys_default_lies_in_its_own_space(family):
    for name, domain in family.space.items():
        if name in family.defaults and not isinstance(domain, Choice):
            assert domain.low <= family.defaults[name] <= domain.high, name


def test_the_forests_space_and_depth_are_those_of_the_course():
    assert FAMILIES["random_forest"].space == {
        "max_depth": Whole(1, 20),
        "n_estimators": Whole(10, 50),
        "min_samples_split": Whole(2, 10),
        "min_samples_leaf": Whole(1, 4),
    }
    assert FAMILIES["random_forest"].defaults["max_depth"] == 10


@each_family
def test_every_family_learns_from_raw_rows_with_gaps(family, model, raw, splits):
    predicted = model(family.name).predict(raw)
    _, y = splits.read("train", [])
    assert predicted.shape == (ROWS,)
    assert np.isfinite(predicted).all()
    if family is not BASELINE:
        assert np.sqrt(np.mean((predicted - y) ** 2)) < 0.7 * y.std()


@each_family
def test_every_family_predicts_what_it_has_never_seen(family, model):
    unseen = pd.DataFrame({"zone": [9999, None], "address": ["x", None], "size": [1e6, None]})
    assert np.isfinite(model(family.name).predict(unseen)).all()


@each_family
def test_every_family_predicts_a_row_alone_as_among_others(family, model, raw):
    some = raw.iloc[[0, 1, 17, 19, 23]]  # gaps in all columns, in none, in each
    whole = model(family.name).predict(some)
    alone = [model(family.name).predict(some.iloc[[row]])[0] for row in range(len(some))]
    np.testing.assert_allclose(alone, whole, rtol=1e-9)


@each_family
def test_every_family_fits_the_same_to_the_last_digit_when_repeated(family, model, raw, splits):
    again = fitted(family, splits)
    np.testing.assert_array_equal(again.predict(raw), model(family.name).predict(raw))


@each_family
def test_every_family_comes_back_from_skops_with_no_more_than_its_trusted_types(family, model, raw):
    trusted = [*TRUSTED, *family.trusted]
    dumped = skops.io.dumps(model(family.name))
    assert set(skops.io.get_untrusted_types(data=dumped)) <= set(trusted)
    loaded = skops.io.loads(dumped, trusted=trusted)
    np.testing.assert_array_equal(loaded.predict(raw), model(family.name).predict(raw))
