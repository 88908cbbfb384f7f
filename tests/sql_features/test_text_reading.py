from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.expressions import isolated, literal
from sql_features.text_reading import of_other, of_text
from sql_features.transformer import SqlFeatures

EURO = {"type": "DOUBLE", "decimal": ",", "group": "."}


def value(text: str | None, reading: dict[str, Any], missing: tuple[str, ...] = ()) -> Any:
    given = "CAST(NULL AS VARCHAR)" if text is None else literal(text)
    sql = of_text("x", "x", {"type": "DOUBLE"} | reading, missing)
    query = f"SELECT {sql} FROM (SELECT {given} AS x)"
    ((found,),) = isolated().cursor().execute(query).fetchall()
    return found


def features(values: Any, reading: dict[str, Any], missing: list[str] | None = None) -> list:
    sql = SqlFeatures({"y": "x"}, {"x": reading["type"]}, None, {"x": reading}, missing)
    found = sql.fit(None).transform(pd.DataFrame({"x": values}))["y"]
    return [None if pd.isna(one) else one for one in found]


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[float, str, dict[str, Any]]:
    """Return a number, a text of it, and how such texts are read."""
    decimal = draw(st.sampled_from(".,"))
    group = draw(st.sampled_from(["", ".", ",", "'", " "]).filter(lambda one: one != decimal))
    sign = draw(st.sampled_from(["", "€", "$", "m2", "%", "kr.", "US$"]))
    negative = draw(st.sampled_from(["minus", "parentheses", "trailing"]))
    whole, places = draw(st.integers(0, 10**12)), draw(st.integers(0, 4))
    number = Decimal(whole).scaleb(-places)
    body = f"{number:,f}"
    shown = {"'": ["'", "\u2019"], " ": [" ", "\u00a0", "\u202f", "\u2009"]}
    separator = draw(st.sampled_from(shown.get(group, [group])))
    if draw(st.booleans()):  # a number without group signs fits, too
        separator = ""
    body = body.replace(",", "\0").replace(".", decimal).replace("\0", separator)
    blank = draw(st.sampled_from(["", " ", "\u00a0"]))
    body = draw(st.sampled_from([f"{sign}{blank}{body}", f"{body}{blank}{sign}"]))
    if draw(st.booleans()):
        number = -number
        minus = draw(st.sampled_from(["-", "\u2212"]))
        body = {
            "minus": f"{minus}{body}",
            "parentheses": f"({body})",
            "trailing": f"{body}{minus}",
        }[negative]
    reading = {"type": "DOUBLE", "decimal": decimal, "group": group, "strip": [sign] * bool(sign)}
    reading |= {} if negative == "minus" else {"negative": negative}
    return float(number), draw(st.sampled_from(["", " "])) + body, reading


@given(written_numbers())
@settings(max_examples=100, deadline=None)
def test_a_number_is_read_back_however_it_is_written(written):
    number, text, reading = written
    assert value(text, reading) == number


@given(written_numbers())
@settings(max_examples=25, deadline=None)
def test_a_served_model_reads_the_same_text_as_the_same_number(written):
    number, text, reading = written
    assert features([text, number], reading) == [number, number]
    assert features([text], reading) == features(pd.Categorical([text]), reading) == [number]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("103.1", EURO),  # a point that groups no three digits
        ("0.123", EURO),
        ("1.23.456", EURO),
        ("1,2,3", EURO),
        ("5 apples", {"strip": ["kg"]}),
        ("kg", {"strip": ["kg"]}),
        ("(5", {"negative": "parentheses"}),
        ("(-5)", {"negative": "parentheses"}),
        ("(5)", {"group": ","}),
        ("-$-5", {"strip": ["$"]}),
        ("--5", {"group": ","}),
        ("12.6", {"type": "BIGINT"}),
        ("31.02.2023", {"type": "DATE", "format": ["%d.%m.%Y"]}),
    ],
)
def test_a_text_that_does_not_fit_is_refused_or_missing(text, reading):
    with pytest.raises(duckdb.Error, match=r"^[^\n]*column x is read as [^\n]* does not fit "):
        value(text, reading)
    assert value(text, reading | {"invalid": "missing"}) is None


def test_indian_groups_and_exponents_are_read():
    assert value("12,34,567.5", {"group": ","}) == 1234567.5
    assert value("1,5e-05", {"decimal": ","}) == 1.5e-05


def test_parentheses_make_a_number_negative_within_or_around_its_currency():
    reading = {"negative": "parentheses", "strip": ["$"]}
    assert [value(text, reading) for text in ("$(5.00)", "($5.00)", "$5.00")] == [-5, -5, 5]


def test_a_text_that_means_missing_is_missing_with_blanks_around_it():
    reading = {"missing": ["?", "-"]}
    assert [value(text, reading) for text in ("?", " - ", None, "-5")] == [None, None, None, -5]
    with pytest.raises(duckdb.Error, match="does not fit n/a"):
        value("n/a", reading)
    assert value("n/a", reading, ("n/a", "")) is value("", reading, ("n/a", "")) is None


def test_a_number_that_means_missing_is_missing_however_it_is_written():
    reading = {"type": "DOUBLE", "missing": ["-999"]}
    assert [value(text, reading) for text in ("-999", "-999.0", "999")] == [None, None, 999]
    assert features([-999, 999.0], reading) == features(["-999.00", 999], reading) == [None, 999]


def test_a_date_is_read_by_the_first_format_that_fits():
    reading = {"type": "DATE", "format": ["%d.%m.%Y", "ISO"]}
    assert str(value("05.06.2023", reading)) == str(value("2023-06-05", reading)) == "2023-06-05"


def test_a_number_is_padded_to_the_width_that_texts_had():
    zip_code = {"type": "VARCHAR", "width": 5}
    assert features([501, 94110, 123456], zip_code) == ["00501", "94110", "123456"]
    assert features([501.0, None], zip_code) == features(["00501", None], zip_code)
    assert features(["00501", 501, "501"], zip_code) == ["00501", "00501", "501"]
    with pytest.raises(ValueError, match=r"no whole number in column x: 501\.5"):
        features([501.5], zip_code)


def test_a_number_is_refused_where_texts_differ_in_width():
    codes = {"type": "VARCHAR", "width": "varies"}
    assert features(["07", "007"], codes) == ["07", "007"]
    with pytest.raises(ValueError, match=r"07 and 007.* pass texts \(dtype=str\), not 7"):
        features([7], codes)


def test_a_number_among_texts_is_that_number():
    assert features([12.5, "1.234,5", None, 3], EURO) == [12.5, 1234.5, None, 3]


@pytest.mark.parametrize("kind", ["number", "date", "boolean"])
def test_a_value_that_is_no_text_is_cast_as_before(kind):
    sql, type = {"number": ("74.0", "BIGINT"), "date": ("DATE '2023-06-05'", "TIMESTAMP"),
                 "boolean": ("true", "DOUBLE")}[kind]  # fmt: skip
    query = f"SELECT {of_other('x', 'x', {'type': type})}, CAST(x AS {type}) FROM (SELECT {sql} x)"
    ((found, cast),) = isolated().cursor().execute(query).fetchall()
    assert found == cast


@pytest.mark.parametrize("type", ["VARCHAR", "DOUBLE", "TIMESTAMP"])
def test_texts_that_were_missing_in_training_are_missing_when_served(type):
    sql = SqlFeatures({"y": "x IS NULL"}, {"x": type}, missing=["", "NA", "None"]).fit(None)
    texts = ["NA", "None", "", None, "2023-06-05" if type == "TIMESTAMP" else "5"]
    frame = pd.DataFrame({"x": texts})
    assert sql.transform(frame)["y"].tolist() == [1, 1, 1, 1, 0]
    assert sql.transform(frame.astype(object))["y"].tolist() == [1, 1, 1, 1, 0]


def test_many_texts_that_mean_missing_make_no_join():
    texts = [f"none {n}" for n in range(30)]
    sql = of_text("x", "x", {"type": "VARCHAR", "missing": texts}, texts)
    query = f"EXPLAIN SELECT {sql} FROM (SELECT range || '' AS x FROM range(3))"
    ((_, plan),) = isolated().cursor().execute(query).fetchall()
    assert "Projection" in plan and "Join" not in plan


@pytest.mark.parametrize("own", [[], ["b"]])
def test_texts_that_mean_missing_are_missing_and_no_others(own):
    missing = ["", "NA", "it's", *(f"none {n}" for n in range(30))]
    for text in (*missing, *own, None):
        assert value(text, {"type": "VARCHAR", "missing": own}, missing) is None
    for text in ("na", " NA", "NA ", "none", "none 30", "its", "é"):
        assert value(text, {"type": "VARCHAR", "missing": own}, missing) == text
