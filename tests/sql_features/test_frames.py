import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sql_features.frames import arrow_table
from sql_features.transformer import SqlFeatures

BIG = 2**53 + 1  # no double
UTC = datetime.UTC


def text_of(type: str, values: object) -> list[str | None]:
    """Return the text of each value of a raw column that had a type in training."""
    sql = SqlFeatures({"y": "CAST(x AS VARCHAR)"}, {"x": type}).fit(None)
    answer = sql.transform(pd.DataFrame({"x": values}))["y"]
    return [None if pd.isna(one) else one for one in answer]


def objects(*cells: object) -> pd.Series:
    return pd.Series(cells, dtype=object)


@pytest.mark.parametrize(
    "values",
    [
        objects(True, False, None),
        objects(True, False, pd.NA),
        objects(True, False, float("nan")),
        objects("true", "False", None),
        objects("1", "0", None),
        objects(1, 0, None),
        objects(True, "false", None),
        objects(1, "FALSE", None),
        objects(1.0, False, None),
        pd.array([True, False, None], dtype="boolean"),
        pd.array([1, 0, None], dtype="Int64"),
        [1.0, 0.0, np.nan],
        pd.array([True, False, None], dtype=pd.ArrowDtype(pa.bool_())),
        pd.Categorical([True, False, None]),
    ],
)
def test_a_boolean_may_come_in_any_way(values):
    assert text_of("BOOLEAN", values) == ["true", "false", None]


@pytest.mark.parametrize("value", [2, -1, 0.5, "maybe"])
def test_what_is_neither_true_nor_false_is_refused(value):
    with pytest.raises(ValueError, match=r"^features cannot be computed: .*"):
        text_of("BOOLEAN", [value])


@pytest.mark.parametrize("type", ["BIGINT", "VARCHAR", "DOUBLE", "SMALLINT", "DECIMAL(9,2)"])
@pytest.mark.parametrize(
    "values",
    [
        pd.array([74, None], dtype="Int64"),
        pd.array([74, None], dtype="UInt8"),
        [74.0, np.nan],
        pd.array([74, None], dtype="Float32"),
        np.array([74, np.nan], dtype="float16"),
        objects("74", None),
        objects(74, None),
        objects(np.int64(74), pd.NA),
        objects(Decimal(74), None),
        pd.Categorical([74, None]),
        pd.Categorical(["74", None]),
        pd.array([74, None], dtype=pd.ArrowDtype(pa.int32())),
        pd.array(np.array([74, np.nan]), dtype=pd.ArrowDtype(pa.float64())),
        pd.array(["74", None], dtype=pd.ArrowDtype(pa.string_view())),
        pd.arrays.SparseArray([74.0, np.nan]),
    ],
)
def test_a_whole_number_may_come_in_any_way(type, values):
    texts = {"DOUBLE": "74.0", "DECIMAL(9,2)": "74.00"}
    assert text_of(type, values) == [texts.get(type, "74"), None]


@pytest.mark.parametrize(
    "values",
    [
        [BIG],
        objects(BIG, None),
        objects(BIG, float("nan")),
        objects(str(BIG), 1),
        objects(BIG, 0.5)[:1],
        objects(Decimal(BIG), None),
        pd.array([BIG, None], dtype="Int64"),
        pd.array([BIG, None], dtype=pd.ArrowDtype(pa.decimal128(38, 0))),
    ],
)
def test_a_long_whole_number_keeps_its_digits(values):
    for type in ("BIGINT", "HUGEINT", "VARCHAR", "DECIMAL(18,0)"):
        assert text_of(type, values)[0].partition(".")[0] == str(BIG)


def test_numbers_of_several_types_keep_their_values():
    assert text_of("DOUBLE", objects(2**70, 0.5, Decimal("1.25"), "7", True)) == [
        *(str(float(2**70)), "0.5", "1.25", "7.0", "1.0"),
    ]


@pytest.mark.parametrize("type", ["BIGINT", "VARCHAR"])
def test_a_double_that_has_lost_digits_is_refused_where_digits_count(type):
    with pytest.raises(ValueError, match="column x: give whole numbers or texts"):
        text_of(type, [float(BIG), np.nan])


def test_a_double_that_has_lost_digits_is_taken_where_it_is_a_number():
    sql = SqlFeatures({"y": "x"}, {"x": "BIGINT"}).fit(None)
    assert sql.transform(pd.DataFrame({"x": [1e17, np.nan]}))["y"].tolist()[0] == 1e17


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2023-03-01 08:30:00", None]),
        pd.to_datetime(["2023-03-01 08:30:00", None]).astype("datetime64[s]"),
        pd.to_datetime(["2023-03-01 08:30:00Z", None]),
        objects("2023-03-01 08:30:00", None),
        objects("2023-03-01T08:30:00", None),
        objects(datetime.datetime(2023, 3, 1, 8, 30), None),
        objects(pd.Timestamp("2023-03-01 08:30"), pd.NaT),
        objects(datetime.datetime(2023, 3, 1, 8, 30, tzinfo=UTC), None),
        pd.Categorical(["2023-03-01 08:30:00", None]),
        pd.array(["2023-03-01 08:30:00", None], dtype=pd.ArrowDtype(pa.string())),
    ],
)
def test_a_time_may_come_in_any_way(values):
    assert text_of("TIMESTAMP", values) == ["2023-03-01 08:30:00", None]


def test_dates_and_times_in_one_column_keep_the_time_of_day():
    date, time = datetime.date(2023, 3, 1), datetime.datetime(2023, 3, 2, 8, 30)
    for cells in ((date, time), (date, "2023-03-02 08:30:00"), (date, time, "2023-03-02")):
        texts = text_of("TIMESTAMP", objects(*cells))
        assert texts[:2] == ["2023-03-01 00:00:00", "2023-03-02 08:30:00"]
    assert text_of("TIMESTAMP", objects(time, date))[1] == "2023-03-01 00:00:00"


@pytest.mark.parametrize(
    "values",
    [
        objects("é", None),
        objects("é".encode(), None),
        objects("é".encode(), "x")[:1],
        pd.Categorical(["é", None]),
        pd.array(["é", None], dtype="string"),
        pd.array([b"\xc3\xa9", None], dtype=pd.ArrowDtype(pa.binary())),
    ],
)
def test_a_text_may_come_in_any_way(values):
    assert text_of("VARCHAR", values)[0] == "é"


def test_bytes_and_texts_in_one_column_are_texts():
    assert text_of("VARCHAR", objects("a", b"b", 1, 2.0, 2.5, None)) == [
        *("a", "b", "1", "2", "2.5", None),
    ]


def test_an_empty_column_of_any_type_is_missing():
    for values in ([np.nan], [None], [pd.NaT], pd.Categorical([None]), pd.array([None], "Int64")):
        for type in ("BIGINT", "VARCHAR", "BOOLEAN", "TIMESTAMP", "DATE", "DECIMAL(9,2)"):
            assert text_of(type, values) == [None]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [(object(), "object"), ("\ud800", "str"), (1 + 2j, "complex"), (b"\xff", "bytes")],
)
def test_what_no_table_holds_is_refused_by_column_and_type(cell, kind):
    with pytest.raises(ValueError, match=rf"^the column x cannot be read, .* of type {kind}: "):
        text_of("VARCHAR", objects(cell))


def test_a_column_that_is_there_twice_is_refused():
    frame = pd.DataFrame([[1, 2]], columns=["x", "x"])
    with pytest.raises(ValueError, match=r"^the column x is there 2 times$"):
        arrow_table(frame, ["x"])


def test_lists_are_lists():
    sql = SqlFeatures({"y": "len(x)"}, {"x": "VARCHAR[]"}).fit(None)
    assert sql.transform(pd.DataFrame({"x": [["a", "b"], None, []]}))["y"].tolist()[0] == 2


def test_many_columns_of_one_type_are_taken_as_few_are():
    names = [f"c{n}" for n in range(60)]
    cells = np.arange(180).reshape(3, 60)
    frame = pd.DataFrame(cells, columns=names).astype({"c1": "float64", "c2": object})
    frame.loc[1, "c7"] = np.nan
    table = arrow_table(frame.assign(more="x"), reversed(names))
    assert set(table.column_names[1:]) == set(names)
    assert {name: table[name].to_pylist() for name in names} == {
        name: [None if pd.isna(one) else one for one in frame[name]] for name in names
    }
