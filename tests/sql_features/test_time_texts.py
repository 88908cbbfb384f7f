from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.expressions import isolated, literal
from sql_features.text_reading import of_other, of_text
from sql_features.transformer import SqlFeatures


def value(text: str, reading: dict[str, Any], missing: tuple[str, ...] = ()) -> Any:
    query = f"SELECT {of_text('x', 'x', reading, missing)} FROM (SELECT {literal(text)} AS x)"
    ((found,),) = isolated().cursor().execute(query).fetchall()
    return found


def seconds(text: str, *formats: str) -> float | None:
    return value(text, {"type": "DOUBLE", "format": [*formats], "invalid": "missing"})


@pytest.mark.parametrize(
    ("text", "format", "found"),
    [
        ("38:25:29", "h:m:s", 138_329),
        (" 0:00:01.5 ", "h:m:s", 1.5),
        ("1 day, 2:03:04", "h:m:s", 93_784),
        ("2 days 00:00:10", "h:m:s", 172_810),
        ("-1:30:00", "h:m:s", -5_400),
        ("230:29", "m:s", 13_829),
        ("230:29", "h:m", 829_740),
        ("2h 50m", "d h m s", 10_200),
        ("PT1H30M", "d h m s", 5_400),
        ("1 day 2 hours", "d h m s", 93_600),
        ("1.5 h", "d h m s", 5_400),
    ],
)
def test_a_duration_is_read_as_seconds(text, format, found):
    assert seconds(text, format) == found


@pytest.mark.parametrize("text", ["1:60:00", "1:2", "", "h", "P", "1:00:00:00", "5", "x 1:00:00"])
def test_what_is_no_duration_does_not_fit(text):
    formats = ("h:m:s", "m:s", "h:m", "d h m s")
    assert [seconds(text, one) for one in formats] == [None] * 4


def test_durations_of_two_formats_are_read():
    assert [seconds(text, "h:m:s", "m:s") for text in ("59:10", "1:02:33")] == [3_550, 3_753]


def test_a_zone_is_turned_into_utc_and_no_zone_is_utc():
    iso = {"type": "TIMESTAMP", "format": "ISO"}
    eight = datetime(2021, 1, 17, 8)
    texts = ["2021-01-17T10:00:00+02:00", "2021-01-17 08:00:00Z", "2021-01-17 08:00"]
    assert [value(text, iso) for text in texts] == [eight] * 3


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("1/2/11", "%m/%d/%Y"),  # no date in the year 11
        ("epoch", "%m/%d/%Y"),
        ("epoch", "ISO"),
        ("infinity", "ISO"),
        ("99-01-01", "ISO"),
    ],
)
def test_a_text_that_only_the_database_takes_for_a_date_does_not_fit(text, format):
    with pytest.raises(duckdb.Error, match=f"column x is read as DATE .*does not fit {text}"):
        value(text, {"type": "DATE", "format": format})


def test_a_date_that_means_missing_is_missing():
    iso = {"type": "DATE", "format": ["ISO"], "missing": ["1900-01-01"]}
    assert value("1900-01-01", iso) is value("2999-12-31", iso, ("2999-12-31",)) is None
    assert value("1900-01-02", iso, ("2999-12-31",)) == date(1900, 1, 2)


@pytest.mark.parametrize(
    "sql", ["20110131", "20110131.0::DOUBLE", "'20110131'", "'20110131.0'", "DATE '2011-01-31'",
            "TIMESTAMP '2011-01-31'"]
)  # fmt: skip
def test_a_date_of_digits_may_be_a_number(sql):
    read = of_text if sql[0] == "'" else of_other
    given = read("x", "x", {"type": "DATE", "format": ["%Y%m%d"]})
    query = f"SELECT {given} FROM (SELECT {sql} AS x)"
    assert isolated().cursor().execute(query).fetchall() == [(date(2011, 1, 31),)]


def test_a_number_that_is_no_date_is_refused_or_missing():
    digits = {"type": "DATE", "format": ["%Y%m%d"]}
    features = SqlFeatures({"y": "year(x)"}, {"x": "DATE"}, readings={"x": digits}).fit(None)
    with pytest.raises(ValueError, match=r"column x is read as DATE .*does not fit 7"):
        features.transform(pd.DataFrame({"x": [7]}))
    digits["invalid"] = "missing"
    assert features.transform(pd.DataFrame({"x": [7, 20110131]}))["y"].tolist()[1:] == [2011]


FORMATS = ["ISO", "%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y%m%d"]


@given(
    days=st.lists(st.dates(date(1990, 1, 1), date(2060, 12, 31)), min_size=1, max_size=8),
    formats=st.lists(st.sampled_from(FORMATS), min_size=1, max_size=3, unique=True),
    data=st.data(),
)
@settings(max_examples=25, deadline=None)
def test_a_served_model_reads_dates_as_texts_and_as_dates_alike(days, formats, data):
    reading = {"type": "TIMESTAMP", "format": formats, "invalid": "missing"}
    features = {"day": "epoch(x) / 86400", "month": "month(x)"}
    sql = SqlFeatures(features, {"x": "TIMESTAMP"}, readings={"x": reading}).fit(None)
    texts = [
        day.strftime(data.draw(st.sampled_from(formats)).replace("ISO", "%Y-%m-%d")) for day in days
    ]
    wanted = [(day - date(1970, 1, 1)) / timedelta(days=1) for day in days]
    served = {
        "texts": texts,
        "categories": pd.Categorical(texts),
        "objects": pd.Series(days, dtype=object),
        "times": pd.to_datetime(days),
        "zoned": pd.to_datetime(days, utc=True),
    }
    for name, values in served.items():
        found = sql.transform(pd.DataFrame({"x": values}))
        assert found["day"].tolist() == wanted, name
        assert found["month"].tolist() == [day.month for day in days], name
