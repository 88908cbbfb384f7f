import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql_features.expressions import isolated, literal
from sql_features.text_reading import of_text
from sql_features.transformer import SqlFeatures
from workflow.data.column_reading import Reading
from workflow.schema.number_formats import NumberFormat, guess, resolved

POINT = NumberFormat(decimal=".")
EURO = {"decimal": ",", "group": "."}


@pytest.mark.parametrize(
    ("texts", "keys"),
    [
        (["1", "2.5"], {}),
        (["103,1", "96,7"], {"decimal": ","}),
        (["3.814,70", "12,00", "199"], EURO),
        (["1.234.567", "12"], EURO),
        (["1,234,567", "12"], {"group": ","}),
        (["12,34,567.50", "99.00"], {"group": ","}),
        (["3 814,70", "12,00"], {"decimal": ",", "group": " "}),
        (["3\u2019814.70", "4\u2019292.00"], {"group": "'"}),
        (["12.5\u00a0", "\u22127"], {"group": " "}),
        (["US$5", "US$7.50"], {"strip": ("US$",)}),
        (["Fr. 5.50", "-Fr. 7"], {"strip": ("Fr.",)}),
        (["5 km/h", "7.5 km/h"], {"strip": ("km/h",)}),
        (["$5.00", "($7.50)"], {"strip": ("$",), "negative": "parentheses"}),
        (["$5.00", "$(7.50)"], {"strip": ("$",), "negative": "parentheses"}),
        (["~12.5", "7"], {"strip": ("~",)}),
        (['="12"', '="7.5"'], {"strip": ('"', '="')}),
        (["%12.5", "%7"], {"strip": ("%",)}),
        (["220A", "941A"], {"strip": ("A",)}),
        (["1.5", "?", "-", "#DIV/0!"], {}),
        (["1", "2", "3", "12 apples"], {}),
    ],
)
def test_the_format_of_numbers_is_found(texts, keys):
    found = guess(texts)
    assert found is not None and found.keys == keys
    assert Reading(type="DOUBLE", **found.keys)


@pytest.mark.parametrize(
    "texts",
    [
        ["A12", "B13"],
        ["Q1", "Q2"],
        ["5 kg", "7 lb"],
        ["$5", "7 \u20ac"],
        ["12.5D-3", "7.5D-3"],
        ["12\u00b13", "7\u00b13"],
        ["007A", "941A"],
        ['="00501"', '="94110"'],
        ["5 PM", "6 PM"],
        ["1st", "2nd"],
        ["17/01/2021", "2020-09-22"],
        ["12:30", "13:30"],
        ["192.168.0.1", "10.0.0.27"],
        ["west", "north"],
        ["x" * 100],
        [],
    ],
)
def test_texts_that_are_no_numbers_have_no_format(texts):
    assert guess(texts) is None


def test_a_point_or_a_comma_before_three_digits_may_be_either():
    assert guess(["5.466", "199"]) == NumberFormat(other=EURO)
    assert guess(["5,466", "199"]) == NumberFormat(keys={"group": ","}, other={"decimal": ","})
    for texts in (["5.46", "283.274"], ["0.466"]):
        assert guess(texts) == POINT


def test_commas_in_a_currency_that_groups_by_them_are_no_doubt():
    for sign in ("\u00a5", "$", "US$", "\u20b9", "GBP "):
        keys = {"group": ",", "strip": (sign.strip(),)}
        assert guess([f"{sign}2,519", f"{sign}17"]) == NumberFormat(keys=keys)
    assert guess(["\u20ac2,519", "\u20ac17"]).other == {"decimal": ",", "strip": ("\u20ac",)}


def test_other_columns_tell_what_a_point_is():
    either, comma = guess(["5.466", "199"]), guess(["5,5"])
    assert resolved({"x": either, "y": comma, "z": None})["x"].keys == EURO
    assert resolved({"x": either, "y": POINT})["x"] == either
    for others in ({}, {"y": POINT, "z": comma}):
        assert resolved({"x": either} | others)["x"] == NumberFormat(other=EURO, doubtful=True)


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[float], list[str]]:
    """Return numbers, and texts of them that are all written in one way, two with all its signs."""
    decimal = draw(st.sampled_from(".,"))
    group = draw(
        st.sampled_from(["", ".", ",", "'", "\u00a0", "\u202f"]).filter(lambda o: o != decimal)
    )
    sign = draw(st.sampled_from(["", "$", "\u20ac", "EUR", "%", "m2", "kWh"]))
    before = draw(st.booleans()) and sign in ("$", "\u20ac", "EUR")
    brackets, blank = draw(st.booleans()), draw(st.sampled_from(["", " ", "\u00a0"]))
    wholes = [1_234_567_89, -98_765_43, *draw(st.lists(st.integers(-(10**9), 10**9), max_size=8))]
    texts = []
    for whole in wholes:
        body = f"{abs(whole) / 100:,.2f}".translate({ord(","): group, ord("."): decimal})
        body = f"{sign}{blank}{body}" if before else f"{body}{blank}{sign}".rstrip()
        texts.append(body if whole >= 0 else f"({body})" if brackets else f"-{body}")
    return [whole / 100 for whole in wholes], texts


@given(columns())
@settings(max_examples=60, deadline=None)
def test_a_column_of_numbers_is_read_back_however_it_is_written(column):
    numbers, texts = column
    reading = Reading(type="DOUBLE", **guess(texts).keys).given
    values = f"(VALUES {', '.join(f'({literal(text)})' for text in texts)}) AS texts(x)"
    found = isolated().cursor().execute(f"SELECT {of_text('x', 'x', reading)} FROM {values}")
    assert [value for (value,) in found.fetchall()] == numbers
    model = SqlFeatures({"y": "x"}, {"x": "DOUBLE"}, readings={"x": reading}).fit(None)
    assert model.transform(pd.DataFrame({"x": texts}))["y"].tolist() == numbers


@given(st.lists(st.text(max_size=50), max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_texts_have_a_format_or_none(texts):
    found = guess(texts)
    assert found is None or Reading(type="DOUBLE", **found.keys).type == "DOUBLE"
