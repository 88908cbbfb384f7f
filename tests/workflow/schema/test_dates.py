from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.expressions import columns_of, connect, literal
from workflow.schema.column_stats import Table
from workflow.schema.dates import (
    DATES,
    HOURS,
    PARTS,
    TIMES,
    TimeReading,
    reading_of_numbers,
    reading_of_texts,
    reading_of_type,
)

CONNECTION = connect()
DAYS = [date(2011, 1, 1) + timedelta(days=13 * n) for n in range(60)]


def source(values: list[str]) -> str:
    return f"(VALUES {', '.join(f'({literal(value)})' for value in values)}) AS t(x)"


def table(source: str) -> Table:
    return Table(connection=CONNECTION, source=source, text=True, rows=0, columns={})


def read(values: list[str]) -> TimeReading | None:
    return reading_of_texts(table(source(values)), "x")


def value(sql: str, text: str) -> object:
    ((found,),) = CONNECTION.execute(f"SELECT {sql} FROM {source([text])}").fetchall()
    return found


@pytest.mark.parametrize("written", [one for one in DATES if "%d" in one])
def test_dates_are_read_by_the_format_they_are_written_in(written):
    reading = read([day.strftime(written) for day in DAYS])
    assert (reading.kind, reading.note) == ("date", written)
    assert value(reading.sql, DAYS[5].strftime(written)) == datetime.combine(
        DAYS[5], datetime.min.time()
    )


@pytest.mark.parametrize("written", ["%Y-%m", "%b %Y", "%B %Y", "%b-%Y"])
def test_months_are_read_as_their_first_day(written):
    reading = read([day.strftime(written) for day in DAYS])
    assert reading.note == written
    assert value(reading.sql, DAYS[5].strftime(written)).day == 1


@pytest.mark.parametrize("time", TIMES)
def test_a_time_may_follow_the_date(time):
    texts = [datetime(2011, 1, 1 + n, n, 0, 0).strftime(f"%m/%d/%Y {time}") for n in range(24)]
    assert read(texts).note == f"%m/%d/%Y {time}"


@pytest.mark.parametrize("time", TIMES)
def test_times_of_day_are_read_as_hours(time):
    texts = [datetime(2011, 1, 1, n).strftime(time) for n in range(24)]
    reading = read(texts)
    assert (reading.kind, reading.note) == ("time", time)
    assert [value(HOURS.format(reading.sql), text) for text in texts] == list(range(24))


@pytest.mark.parametrize(
    "text",
    ["2011-01-31", "2011-01-31T10:05", "2011-01-31 10:05:00.123456", "2011/1/31", "2011-1-31"],
)
def test_iso_dates_and_timestamps_are_read(text):
    reading = read([text, "2011-02-01"])
    assert reading.note == "ISO"
    assert value(reading.sql, text).day == 31


def test_a_zone_is_turned_into_utc():
    reading = read(["2011-01-31T10:00:00+02:00", "2011-01-31T10:00:00Z"])
    assert reading.note == "ISO, as UTC"
    assert value(f"hour({reading.sql})", "2011-01-31T10:00:00+02:00") == 8


def test_the_month_comes_first_where_both_would_do_and_the_note_says_so():
    assert read(["1/2/11", "3/4/11"]).note == "%m/%d/%y; %d/%m/%y would fit as well"
    assert read(["1/2/11", "3/14/11"]).note == "%m/%d/%y"
    assert read(["1/2/11", "13/4/11"]).note == "%d/%m/%y"


@pytest.mark.parametrize(
    "texts",
    [
        ["2011-01-31", "unknown"],
        ["1/31/11", "31/1/11"],
        ["1.5", "2.5"],
        ["3:2", "1:0"],
        ["12:30", "99:30"],
        ["infinity", "epoch"],
        ["May", "June"],
        ["1-1", "2-2"],
        [""],
    ],
)
def test_what_is_not_all_dates_is_none(texts):
    assert read(texts) is None


def test_an_odd_text_is_a_gap_later():
    for texts in (["2011-01-31"], ["1/31/11"], ["10:30"], ["2011-01-31T10:00:00Z"]):
        assert value(read(texts).sql, "?") is None


def test_numbers_are_read_as_dates_where_all_can_be():
    good = "(VALUES (20110131.0), (NULL), (20111231.0)) AS t(x)"
    reading = reading_of_numbers(table(good), "x")
    read_as = CONNECTION.execute(f"SELECT {reading.sql} FROM {good}").fetchall()
    assert read_as == [(datetime(2011, 1, 31),), (None,), (datetime(2011, 12, 31),)]
    bad = "(VALUES (20110131.0), (20111331.0)) AS t(x)"
    assert reading_of_numbers(table(bad), "x") is None


@pytest.mark.parametrize(
    "type", ["DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_S", "TIMESTAMP WITH TIME ZONE"]
)
def test_every_part_is_a_number_for_every_type_of_dates(type):
    reading = reading_of_type(type, "x")
    for part in PARTS.values():
        sql = part.format(reading.sql)
        typed = f"(SELECT CAST('2011-01-31' AS {type}) AS x)"
        ((found,),) = CONNECTION.execute(f"SELECT {sql} FROM {typed}").fetchall()
        assert found is not None and columns_of(sql, "x") == {"x"}


def test_the_parts_are_what_they_say():
    reading = read(["2011-01-31 06:30:00", "2011-01-01 00:00:00"])
    parts = {n: value(p.format(reading.sql), "2011-01-31 06:30:00") for n, p in PARTS.items()}
    days = (datetime(2011, 1, 31, 6, 30) - datetime(1970, 1, 1)) / timedelta(days=1)
    assert parts == {
        "year": 2011,
        "month": 1,
        "day": 31,
        "day_of_week": 1,
        "day_of_year": 31,
        "hour": 6,
        "minute": 30,
        "time": pytest.approx(days),
    }


@given(texts=st.lists(st.text(alphabet="0123456789/-:. APM'", max_size=12), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_whatever_is_read_is_read_for_every_text(texts):
    if reading := read(texts):
        assert all(value(reading.sql, text) is not None for text in texts)
