import numpy as np
import pandas as pd
import pytest

from sql_features.expressions import connect
from workflow.data.split_key import default_key, hash_of, repeat_by_nature

RNG = np.random.default_rng(0)


def discrete(rows: int, columns: int, values: int) -> pd.DataFrame:
    return pd.DataFrame(RNG.integers(0, values, (rows, columns))).add_prefix("x")


def rare(rows: int) -> pd.DataFrame:
    """Return a million possible rows, of which a few are frequent."""
    return pd.DataFrame(RNG.random((rows, 20)) < 0.05).add_prefix("x")


MEASURED = pd.DataFrame({"x": RNG.normal(size=300), "day": pd.date_range("2020", periods=300)})
CUSTOMERS = pd.DataFrame(
    {"age": RNG.integers(18, 90, 400), "town": RNG.integers(0, 60, 400), "plan": range(400)}
).assign(plan=lambda frame: frame["plan"] % 20, tenure=RNG.integers(0, 99, 400))
TABLES = {
    "81 rows": (discrete(40_000, 4, 3), True),
    "1,024 rows": (discrete(5_000, 10, 2), True),
    "rare flags": (rare(10_000), True),
    "with gaps": (pd.DataFrame({"a": [None, "x"] * 150, "b": [1.0, None, 2.0] * 100}), True),
    "ages": (pd.DataFrame({"age": RNG.integers(18, 90, 500)}), True),
    "more columns than are counted at once": (rare(10_000).assign(**discrete(10_000, 5, 2)), True),
    "few rows of a lot": (discrete(2_000, 10, 2), False),
    "measurements": (MEASURED, False),
    "copies of measurements": (pd.concat([MEASURED] * 5), False),
    "copies of one column": (pd.concat([MEASURED[["x"]]] * 5), False),
    "a measurement beside a flag": (discrete(3_000, 1, 2).assign(v=RNG.normal(size=3_000)), False),
    "months of a customer": (pd.concat([CUSTOMERS] * 12), False),
    "no rows": (MEASURED.head(0), False),
    "one row": (MEASURED.head(1), False),
}


@pytest.mark.parametrize(("frame", "expected"), TABLES.values(), ids=list(TABLES))
def test_rows_are_alike_by_nature_only_where_values_are_few(frame, expected):
    with connect() as connection:
        connection.register("rows", frame)
        assert repeat_by_nature(connection, "rows", list(frame)) is expected
        assert repeat_by_nature(connection, "rows", list(frame)[::-1]) is expected


def test_the_default_key_is_what_features_read_as_the_file_spells_it():
    features = {"a": "X + y2", "b": "upper(x)", "c": "1"}
    assert default_key(features, ["target", "Y2", "Z", "x"]) == ("Y2", "x")


def hashed(number: int, type: str) -> float:
    with connect() as connection:
        query = f"SELECT {hash_of(['x'], {'x': type})} FROM (SELECT '{number}'::{type} AS x)"
        ((found,),) = connection.execute(query).fetchall()
    return found


@pytest.mark.parametrize("number", [2**53 + 1, 10**17 + 1, -(10**17) - 1])
def test_whole_numbers_that_one_double_stands_for_have_keys_of_their_own(number):
    types = ("BIGINT", "HUGEINT", "DECIMAL(38,0)", "DECIMAL(38,2)", "VARCHAR")
    assert len({hashed(number, type) for type in types}) == 1
    assert hashed(number, "BIGINT") != hashed(number, "DOUBLE")
    assert len({hashed(number + more, "HUGEINT") for more in range(3)}) == 3
    assert hashed(2**127 - 1, "HUGEINT") != hashed(2**127 - 2, "HUGEINT")


@pytest.mark.parametrize(
    ("number", "position"),
    [(1, 0.19611976885445184), (2**53 + 2, 0.6887336178755983), (3 * 10**20, 0.7706810083229996)],
)
def test_whole_numbers_that_a_double_holds_keep_their_place(number, position):
    for type in ("VARCHAR", "HUGEINT", "DOUBLE"):
        assert hashed(number, type) == position
