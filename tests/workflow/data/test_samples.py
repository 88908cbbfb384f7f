import duckdb
import pandas as pd
import pytest

from sql_features.expressions import kinds, type_of
from workflow.data import dataset_file
from workflow.data.samples.built_in import SAMPLES, make_sample
from workflow.data.split_rules import SPLITS, ByFiles

ROWS = {
    "green_taxi": 60_000,  # a split
    "energy_demand": 26_304,
    "classification": 5_000,
    "house_prices": 3_008,
}


@pytest.fixture(params=[(name, split) for name in SAMPLES for split in SAMPLES[name]], ids=str)
def part(request) -> tuple[str, str | None]:
    """A sample's name and one of its splits, or None."""
    return request.param


@pytest.fixture(params=SAMPLES)
def name(request) -> str:
    return request.param


def types(frame: pd.DataFrame) -> dict[str, str]:
    """The DuckDB type by column."""
    return {column: kind for column, kind, *_ in duckdb.sql("DESCRIBE FROM frame").fetchall()}


def test_the_same_seed_makes_the_same_rows(part):
    pd.testing.assert_frame_equal(make_sample(*part, seed=42), make_sample(*part, seed=42))


def test_another_seed_makes_other_rows_of_the_same_columns(part):
    made, other = make_sample(*part, seed=0), make_sample(*part, seed=1)

    assert len(made) == len(other) == ROWS[part[0]]
    assert types(made) == types(other)
    assert len(made.merge(other)) < 0.01 * len(made)


def test_a_dataset_of_the_same_name_uses_the_sample(name):
    assert dataset_file.load(name).sample == name


def test_a_sample_is_made_of_what_its_dataset_reads(name):
    """A file a split, or one table."""
    split = dataset_file.load(name).split

    assert list(SAMPLES[name]) == (list(SPLITS) if isinstance(split, ByFiles) else [None])


def test_the_sql_of_the_dataset_fits_the_sample(name):
    definition = dataset_file.load(name)
    columns = types(make_sample(name, next(iter(SAMPLES[name])), seed=42))
    target = type_of(definition.target, columns, "target")

    assert definition.raw_columns <= set(columns)
    assert (target == "VARCHAR") == (definition.task != "regression")
    assert type_of(definition.where, columns | {"target": target}, "where") == "BOOLEAN"
    assert set(kinds(definition.features, columns)) == set(definition.features)


def test_a_sample_that_does_not_exist_is_a_key_error():
    with pytest.raises(KeyError, match="yellow_taxi"):
        make_sample("yellow_taxi", "train", seed=42)


@pytest.mark.parametrize(("name", "split"), [("green_taxi", None), ("energy_demand", "train")])
def test_a_split_that_does_not_exist_is_a_key_error(name, split):
    with pytest.raises(KeyError, match=str(split)):
        make_sample(name, split, seed=42)
