import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        (["US$5", "US$7.50"], {"strip": ("US$",)}),
        (["Fr. 5.50", "-Fr. 7"], {"strip": ("Fr.",)}),
        (["5 km/h", "7.5 km/h"], {"strip": ("km/h",)}),
        (["$5.00", "($7.50)"], {"strip": ("$",), "negative": "parentheses"}),
        (["1.5", "?", "-", "#DIV/0!"], {}),
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


def test_other_columns_tell_what_a_point_is():
    either, comma = guess(["5.466", "199"]), guess(["5,5"])
    assert resolved({"x": either, "y": comma, "z": None})["x"].keys == EURO
    assert resolved({"x": either, "y": POINT})["x"] == either
    for others in ({}, {"y": POINT, "z": comma}):
        assert resolved({"x": either} | others)["x"] == NumberFormat(other=EURO, doubtful=True)


@given(st.lists(st.text(max_size=50), max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_texts_have_a_format_or_none(texts):
    found = guess(texts)
    assert found is None or Reading(type="DOUBLE", **found.keys).type == "DOUBLE"
