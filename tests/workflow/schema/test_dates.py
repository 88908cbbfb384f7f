from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sql_features.expressions import columns_of, connect, literal
from sql_features.text_reading import of_text
from workflow.schema.column_stats import Table, profile
from workflow.schema.date_formats import DATES, TIMES, month_first_of
from workflow.schema.dates import (
    HOURS,
    PARTS,
    TimeReading,
    reading_of_numbers,
    reading_of_texts,
    reading_of_type,
    with_order,
)

CONNECTION = connect()
DAYS = [date(2011, 1, 1) + timedelta(days=13 * n) for n in range(60)]
FIRSTS = [date(1990 + n // 12, 1 + n % 12, 1) for n in range(36)]


def source(values: list[str]) -> str:
    return f"(VALUES {', '.join(f'({literal(value)})' for value in values)}) AS t(x)"


def table(source: str, type: str = "VARCHAR", *, text: bool = True) -> Table:
    return profile(CONNECTION, source, {"x": type}, text=text)


def read(values: list[str]) -> TimeReading | None:
    given = table(source(values))
    return reading_of_texts(given, given.columns["x"])


def value(found: TimeReading, text: str) -> object:
    sql = of_text("x", "x", found.reading.given)
    ((one,),) = CONNECTION.execute(f"SELECT {sql} FROM {source([text])}").fetchall()
    return one


YEAR_LAST = [one for one in DATES if "%d" in one and not one.startswith("%y")]


@pytest.mark.parametrize("written", YEAR_LAST)
def test_dates_are_read_by_the_format_they_are_written_in(written):
    reading = read([day.strftime(written) for day in DAYS])
    assert (reading.kind, reading.note, reading.known) == ("date", written, len(DAYS))
    assert reading.reading.given == {"type": "DATE", "format": [written]}
    assert value(reading, DAYS[5].strftime(written)) == DAYS[5]


@pytest.mark.parametrize("written", ["%Y-%m", "%b %Y", "%B %Y", "%b-%Y", "%m/%Y", "%m-%Y", "%Y/%m"])
def test_months_are_read_as_their_first_day(written):
    reading = read([day.strftime(written) for day in DAYS])
    assert reading.note == written
    assert value(reading, DAYS[5].strftime(written)).day == 1


@pytest.mark.parametrize("written", TIMES)
def test_a_time_may_follow_the_date(written):
    times = [datetime(2011, 1, 1 + n, n, 0, 0) for n in range(24)]
    reading = read([one.strftime(f"%m/%d/%Y {written}") for one in times])
    assert reading.reading.given == {"type": "TIMESTAMP", "format": [f"%m/%d/%Y {written}"]}
    assert value(reading, times[13].strftime(f"%m/%d/%Y {written}")) == times[13]


@pytest.mark.parametrize("written", TIMES)
def test_times_of_day_are_read_as_times(written):
    texts = [time(n).strftime(written) for n in range(24)]
    reading = read(texts)
    assert (reading.kind, reading.note) == ("time", written)
    assert [value(reading, text) for text in texts] == [time(n) for n in range(24)]


@pytest.mark.parametrize(
    "text",
    ["2011-01-31", "2011-01-31T10:05", "2011-01-31 10:05:00.123456", "2011/1/31", "2011-1-31"],
)
def test_iso_dates_and_timestamps_are_read(text):
    reading = read([text, "2011-02-01"])
    assert reading.note == "ISO"
    assert reading.reading.type == ("TIMESTAMP" if ":" in text else "DATE")
    assert value(reading, text).day == 31


def test_a_zone_is_turned_into_utc():
    reading = read(["2011-01-31T10:00:00+02:00", "2011-01-31T10:00:00Z"])
    assert (reading.note, reading.doubt) == ("ISO, as UTC", None)
    assert value(reading, "2011-01-31T10:00:00+02:00") == datetime(2011, 1, 31, 8)


def test_times_with_and_without_a_zone_are_a_doubt():
    reading = read(["2011-01-31T10:00:00+02:00", "2011-01-31 10:00:00", "2011-01-31"])
    assert reading.doubt == (
        "column 'x' has 1 times with a zone and 1 without, such as '2011-01-31T10:00:00+02:00', "
        "'2011-01-31 10:00:00', '2011-01-31': those without are taken for UTC; if they are not, "
        "give each its zone in the file."
    )


def test_two_formats_in_one_column_are_both_read():
    reading = read([day.strftime("%d/%m/%Y" if day.day % 2 else "%Y-%m-%d") for day in DAYS])
    assert reading.reading.given == {"type": "DATE", "format": ["%d/%m/%Y", "ISO"]}
    assert value(reading, "05/02/2011") == value(reading, "2011-02-05") == date(2011, 2, 5)


def test_the_order_that_some_texts_show_holds_for_texts_that_do_not():
    reading = read(["1/2/11", "3/4/11", "13/4/2011", "2/1/2011 10:30"])
    assert reading.reading.format == ("%d/%m/%y", "%d/%m/%Y", "%d/%m/%Y %H:%M")
    assert (reading.order, reading.doubt) == ("day", None)
    assert value(reading, "1/2/11") == datetime(2011, 2, 1)


@pytest.mark.parametrize(
    ("texts", "written", "order"),
    [
        (["1/2/11", "3/14/11"], "%m/%d/%y", "month"),
        (["1/2/11", "13/4/11"], "%d/%m/%y", "day"),
        ([day.strftime("%d/%m/%Y") for day in FIRSTS], "%d/%m/%Y", "day"),
        ([day.strftime("%m/%d/%Y") for day in FIRSTS], "%m/%d/%Y", "month"),
    ],
)
def test_day_or_month_comes_first_as_the_texts_tell(texts, written, order):
    reading = read(texts)
    assert (reading.reading.format, reading.order, reading.doubt) == ((written,), order, None)


def test_where_nothing_tells_the_order_it_is_a_doubt():
    reading = read(["1/2/11", "3/4/11", "5/5/11", "11/12/11", "7/8/11"])
    assert reading.note == "%m/%d/%y; %d/%m/%y would fit as well"
    assert reading.doubt == (
        "column 'x': 1/2/11 as 2011-01-02, 11/12/11 as 2011-11-12, 3/4/11 as 2011-03-04: nothing "
        "tells whether the month or the day comes first; if they are 2011-02-01, 2011-12-11, "
        "2011-04-03, write columns: {x: {type: DATE, format: ['%d/%m/%y']}} in the dataset file."
    )
    by_day, by_month = with_order(reading, "day"), with_order(reading, "month")
    assert value(by_day, "1/2/11") == date(2011, 2, 1)
    assert value(by_month, "1/2/11") == date(2011, 1, 2)
    assert by_day.doubt is by_month.doubt is None


@pytest.mark.parametrize("sign", "-/.")
def test_the_year_comes_first_where_it_can_be_no_day(sign):
    written = f"%y{sign}%m{sign}%d"
    days = [date(1985, 1, 1) + timedelta(days=97 * n) for n in range(60)]
    reading = read([day.strftime(written) for day in days])
    assert (reading.reading.format, reading.doubt) == ((written,), None)
    assert value(reading, "85-12-31".replace("-", sign)) == date(1985, 12, 31)


@pytest.mark.parametrize("sign", "-/.")
def test_where_nothing_tells_whether_the_year_comes_first_it_is_a_doubt(sign):
    days = [date(2017, 1, 1) + timedelta(days=11 * n) for n in range(100)]
    doubt = read([day.strftime(f"%y{sign}%m{sign}%d") for day in days]).doubt
    assert f"17{sign}01{sign}01 as 2001-01-17, " in doubt
    assert "whether the year comes first or last; if they are 2017-01-01, " in doubt
    assert f"{{type: DATE, format: ['%y{sign}%m{sign}%d']}}" in doubt
    assert read([day.strftime(f"%d{sign}%m{sign}%y") for day in days]).doubt is None


def test_a_time_of_nothing_but_digits_is_read():
    reading = read([f"{day:%Y%m%d}T1327{n:02}" for n, day in enumerate(DAYS)])
    assert reading.reading.given == {"type": "TIMESTAMP", "format": ["%Y%m%dT%H%M%S"]}
    assert value(reading, "20191213T132700") == datetime(2019, 12, 13, 13, 27)


def test_dates_that_are_the_same_either_way_are_no_doubt():
    assert read(["01/01/2011", "02/02/2012", "01/01/2013"]).doubt is None


def test_few_texts_of_another_kind_are_missing():
    texts = [str(day) for day in DAYS]
    reading = read([*texts, "Total", "2011-13-01"])
    assert reading.note == "ISO, but for 2 of 62"
    assert reading.reading.given == {"type": "DATE", "format": ["ISO"], "invalid": "missing"}
    assert value(reading, "Total") is None
    assert read([*texts[:20], *["Total"] * 5, "x"]) is None


def test_texts_that_mean_missing_are_no_other_kind():
    reading = read([*(str(day) for day in DAYS[:20]), *["-"] * 20])
    assert reading.reading.given["missing"] == ["-"]
    reading = read([*(str(day) for day in DAYS), *["open"] * 40, "-"])
    assert reading.reading.given == {"type": "DATE", "format": ["ISO"], "missing": ["-", "open"]}


@pytest.mark.parametrize(
    "texts",
    [
        ["2011-01-31", "unknown thing", "other thing"],
        ["1/31/11", "31/1/11", "1/2/11"],  # of both orders
        ["1.5", "2.5"],
        ["3:2", "1:0"],
        ["infinity", "epoch"],
        ["May", "June"],
        ["1-1", "2-2"],
        [""],
    ],
)
def test_what_is_no_date_is_none(texts):
    assert read(texts) is None


@pytest.mark.parametrize("type", ["DOUBLE", "BIGINT"])
def test_numbers_are_read_as_dates_where_most_can_be(type):
    def found(last: str, type: str = type) -> TimeReading | None:
        some = ", ".join(f"({one})" for one in [*range(20110101, 20110131), "NULL", last])
        given = table(f"(SELECT x::{type} AS x FROM (VALUES {some}) AS t(x))", type, text=False)
        return reading_of_numbers(given, given.columns["x"])

    assert found("20111231").reading.given == {"type": "DATE", "format": ["%Y%m%d"]}
    assert found("99999999").reading.given["invalid"] == "missing"
    assert found("99999999").known == 30
    assert found("20111231", "VARCHAR").reading == found("20111231").reading
    few = table("(VALUES (20110131), (20111331)) AS t(x)", "INTEGER", text=False)
    assert reading_of_numbers(few, few.columns["x"]) is None


@pytest.mark.parametrize(
    "type", ["DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_S", "TIMESTAMP WITH TIME ZONE"]
)
def test_every_part_is_a_number_for_every_type_of_dates(type):
    typed = f"(SELECT CAST('2011-01-31' AS {type}) AS x)"
    assert reading_of_type(table(typed, type).columns["x"]).kind == "date"
    for part in PARTS.values():
        sql = part.format("x")
        ((found,),) = CONNECTION.execute(f"SELECT {sql} FROM {typed}").fetchall()
        assert found is not None and columns_of(sql, "x") == {"x"}


def test_the_parts_are_what_they_say():
    typed = "(SELECT TIMESTAMP '2011-01-31 06:30:00' AS x)"
    sql = ", ".join(part.format("x") for part in PARTS.values())
    (found,) = CONNECTION.execute(f"SELECT {sql} FROM {typed}").fetchall()
    days = (datetime(2011, 1, 31, 6, 30) - datetime(1970, 1, 1)) / timedelta(days=1)
    assert dict(zip(PARTS, found, strict=True)) == {
        "year": 2011,
        "month": 1,
        "day": 31,
        "day_of_week": 1,
        "day_of_year": 31,
        "hour": 6,
        "minute": 30,
        "time": pytest.approx(days),
    }
    query = f"SELECT {HOURS.format('x')} FROM (SELECT TIME '06:30' AS x)"
    assert CONNECTION.execute(query).fetchall() == [(6.5,)]


WRITTEN = ["ISO", *YEAR_LAST]


@given(
    days=st.lists(st.dates(date(1990, 1, 1), date(2060, 12, 31)), min_size=20, max_size=40),
    formats=st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=2, unique=True),
    odd=st.lists(st.sampled_from(["?", "Total", "2011-02-31", "-"]), max_size=2),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_dates_in_formats_of_any_kind_are_read_back(days, formats, odd, data):
    orders = {"m" if one.startswith("%m") else "d" for one in formats if month_first_of(
        one) or one.startswith("%m")}  # fmt: skip
    assume(len(orders) < 2)
    days.append(date(2011, 12, 31))  # tells the order
    used = [*formats, *(data.draw(st.sampled_from(formats)) for _ in days[len(formats) :])]
    used[-1] = next((one for one in formats if one[:2] in ("%m", "%d")), formats[0])
    texts = [day.strftime(one.replace("ISO", "%Y-%m-%d"))
             for day, one in zip(days, used, strict=True)]  # fmt: skip
    reading = read([*texts, *odd])
    for day, text, one in zip(days, texts, used, strict=True):
        year = day.year if "%y" not in one or day.year < 2069 else day.year - 100
        assert value(reading, text) == day.replace(year=year)
    assert [value(reading, text) for text in odd] == [None] * len(odd)


@given(texts=st.lists(st.text(alphabet="0123456789/-:. APM'", max_size=12), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_whatever_is_read_is_read_for_every_text(texts):
    reading = read(texts)
    if reading and "missing" not in reading.reading.given:
        assert all(value(reading, text) is not None for text in texts)
