from typing import get_args, get_type_hints

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from workflow.models.encoding import FOLDS, MANY, build
from workflow.models.families import Encoding

ROWS = 2 * MANY
FEW_VALUED = get_args(get_type_hints(Encoding)["few"])
MANY_VALUED = get_args(get_type_hints(Encoding)["many"])
NUMBERS = get_args(get_type_hints(Encoding)["number"])
KINDS = {"size": "number", "colour": "category", "zone": "category", "age": "number"}


def features(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Two numbers, a category of few values and one of many, with gaps in each."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(10, 3, rows),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "zone": [f"z{number % int(1.5 * MANY)}" for number in range(rows)],
            "age": rng.exponential(20, rows),
        }
    )
    gaps = rng.random(frame.shape) < 0.05
    return frame.mask(gaps)


def cardinality(frame: pd.DataFrame) -> dict[str, int]:
    return {name: frame[name].nunique() for name, kind in KINDS.items() if kind == "category"}


def target(frame: pd.DataFrame) -> np.ndarray:
    return frame["size"].fillna(0).to_numpy() + (frame["colour"] == "red") * 5.0


def encoder(encoding: Encoding, frame: pd.DataFrame, seed: int = 0):
    return build(encoding, KINDS, cardinality(frame), seed, rows=1_000, classes=False)


def dense(matrix: object) -> np.ndarray:
    return matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix, dtype="float64")


def test_columns_are_few_valued_then_many_valued_then_numbers():
    frame = features()
    built = encoder(Encoding(few="one_hot", many="one_hot", number="keep"), frame)
    built.fit(frame, target(frame))
    stages = [name.partition("__")[0] for name in built.get_feature_names_out()]
    assert stages == ["few"] * stages.count("few") + ["many"] * stages.count("many") + [
        "numbers",
        "numbers",
    ]
    assert stages.count("many") > MANY
    assert stages.count("few") >= 3


@pytest.mark.parametrize(("values", "stage"), [(MANY, "few"), (MANY + 1, "many")])
def test_a_category_is_one_of_many_by_how_many_values_it_has(values, stage):
    built = build(Encoding(), {"c": "category"}, {"c": values}, seed=0, rows=1_000, classes=False)
    assert [name for name, _, _ in built.transformers] == [stage]


@pytest.mark.parametrize(
    ("kinds", "stages"),
    [({"n": "number"}, ["numbers"]), ({"c": "category"}, ["few"])],
)
def test_there_is_no_stage_for_a_kind_that_no_feature_has(kinds, stages):
    built = build(Encoding(), kinds, {"c": 2}, seed=0, rows=1_000, classes=False)
    assert [name for name, _, _ in built.transformers] == stages


@pytest.mark.parametrize("few", FEW_VALUED)
@pytest.mark.parametrize("many", MANY_VALUED)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_encoding_handles_unseen_and_missing_values(few, many, number):
    frame = features()
    built = encoder(Encoding(few=few, many=many, number=number), frame)
    train = dense(built.fit_transform(frame, target(frame)))
    unseen = pd.DataFrame(
        {
            "size": [np.nan, 1e9, -1e9],
            "colour": ["violet", None, np.nan],
            "zone": [None, "elsewhere", np.nan],
            "age": [0.0, np.nan, -1.0],
        }
    )
    encoded = dense(built.transform(unseen))
    assert encoded.shape == (3, train.shape[1])
    if number != "keep" and few != "native":  # those two leave gaps to the estimator
        assert np.isfinite(train).all()
        assert np.isfinite(encoded).all()


@pytest.mark.parametrize("how", FEW_VALUED)
def test_a_category_without_gaps_in_train_may_have_gaps_later(how):
    frame = features().assign(colour="red", zone="z1")
    built = encoder(Encoding(few=how), frame)
    built.fit(frame, target(frame))
    gaps = frame.head(2).assign(colour=pd.Series([None, None], dtype=object), zone="z2")
    assert len(dense(built.transform(gaps))) == 2


@pytest.mark.parametrize("few", FEW_VALUED)
@pytest.mark.parametrize("number", NUMBERS)
def test_features_without_any_value_are_handled(few, number):
    frame = features().assign(age=np.nan, colour=pd.Series([None] * ROWS, dtype=object))
    built = encoder(Encoding(few=few, number=number), frame)
    assert len(dense(built.fit_transform(frame, target(frame)))) == ROWS


def test_numbers_that_are_kept_keep_their_gaps():
    frame = features()
    built = build(
        Encoding(number="keep"), {"size": "number"}, {}, seed=0, rows=1_000, classes=False
    )
    encoded = dense(built.fit_transform(frame, target(frame)))
    np.testing.assert_array_equal(encoded[:, 0], frame["size"])


def test_filled_numbers_have_an_indicator_column():
    frame = pd.DataFrame({"size": [1.0, 3.0, np.nan, 5.0]})
    built = build(
        Encoding(number="median"), {"size": "number"}, {}, seed=0, rows=1_000, classes=False
    )
    encoded = dense(built.fit_transform(frame, np.zeros(4)))
    assert encoded.tolist() == [[1, 0], [3, 0], [3, 1], [5, 0]]


def test_ranks_of_numbers_are_not_moved_by_an_outlier():
    built = build(
        Encoding(number="normal"), {"size": "number"}, {}, seed=0, rows=1_000, classes=False
    )
    sizes = np.linspace(1, 2, 1_000)
    sane = dense(built.fit_transform(pd.DataFrame({"size": sizes}), np.zeros(1_000)))
    sizes[-1] = 1e9
    wild = dense(built.fit_transform(pd.DataFrame({"size": sizes}), np.zeros(1_000)))
    assert np.abs(wild - sane)[:900].max() < 0.01


@pytest.mark.parametrize(("values", "stage"), [(3, "OneHotEncoder"), (6, "TargetEncoder")])
def test_categories_with_too_many_values_in_all_are_target_encoded(values, stage):
    kinds, counts = {"a": "category", "b": "category"}, {"a": values, "b": values}
    built = build(
        Encoding(few="one_hot", many="one_hot", widest=10),
        kinds,
        counts,
        seed=0,
        rows=1_000,
        classes=False,
    )
    assert {type(one).__name__ for _, one, _ in built.transformers} == {stage}


@pytest.mark.parametrize("dtype", ["float64", "int64"])
@pytest.mark.parametrize("values", [2, 9])
def test_target_encoding_of_a_regression_takes_whole_numbers_for_values(values, dtype):
    frame = pd.DataFrame({"zone": np.repeat(list("abcde"), 40)})
    y = (np.arange(200) % values).astype(dtype)
    built = build(
        Encoding(few="target"), {"zone": "category"}, {"zone": 5}, seed=0, rows=1_000, classes=False
    )
    assert dense(built.fit_transform(frame, y)).shape == (200, 1)
    by_value = pd.Series(y).groupby(frame["zone"]).mean()[["a", "e"]]
    encoded = dense(built.transform(pd.DataFrame({"zone": ["a", "e"]})))[:, 0]
    np.testing.assert_allclose(encoded, by_value, atol=0.2)


@pytest.mark.parametrize(("classes", "columns"), [(2, 1), (4, 4)])
def test_a_category_is_encoded_by_how_often_each_class_goes_with_it(classes, columns):
    frame = pd.DataFrame({"zone": np.repeat(list("abcde"), 40)})
    built = build(
        Encoding(few="target"), {"zone": "category"}, {"zone": 5}, 0, classes=True, rows=1_000
    )
    y = np.arange(200) % classes
    assert dense(built.fit_transform(frame, y)).shape == (200, columns)
    assert dense(built.transform(pd.DataFrame({"zone": [None, "new"]}))).shape == (2, columns)


def test_every_fold_of_an_encoding_has_its_share_of_a_rare_class():
    frame = pd.DataFrame({"zone": ["a"] * 100})
    built = build(
        Encoding(few="target"), {"zone": "category"}, {"zone": 1}, 0, classes=True, rows=1_000
    )
    y = np.repeat([0, 1], [90, 10])
    assert np.ptp(dense(built.fit_transform(frame, y))) < 0.01


def test_a_rows_target_has_no_part_in_its_own_encoding():
    rng = np.random.default_rng(0)
    rows = 3_000
    frame = pd.DataFrame({"zone": rng.integers(0, 1_000, rows).astype(str)})
    chance = rng.normal(size=rows)  # which no zone can tell
    built = build(
        Encoding(many="target"),
        {"zone": "category"},
        {"zone": frame["zone"].nunique()},
        seed=0,
        rows=1_000,
        classes=False,
    )
    crossed = dense(built.fit_transform(frame, chance))[:, 0]
    naive = dense(built.transform(frame))[:, 0]
    assert abs(np.corrcoef(crossed, chance)[0, 1]) < 0.1
    assert np.corrcoef(naive, chance)[0, 1] > 0.3  # what would have leaked


@pytest.mark.parametrize("how", FEW_VALUED)
def test_the_same_seed_gives_the_same_encoding(how):
    frame = features()
    encoding = Encoding(few=how, many="target", number="normal")
    first, second = (
        dense(encoder(encoding, frame, seed=3).fit_transform(frame, target(frame))) for _ in "ab"
    )
    np.testing.assert_array_equal(first, second)


def test_another_seed_makes_other_folds():
    frame = features()
    first, second = (
        dense(encoder(Encoding(many="target"), frame, seed).fit_transform(frame, target(frame)))
        for seed in (1, 2)
    )
    assert not np.array_equal(first, second, equal_nan=True)


@pytest.mark.parametrize("how", FEW_VALUED)
def test_as_many_rows_as_folds_are_enough(how):
    frame = features(rows=FOLDS)
    assert len(dense(encoder(Encoding(few=how), frame).fit_transform(frame, target(frame)))) == 5
