import pytest

from sql_features.errors import WorkflowError
from workflow.data.column_reading import Reading
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import from_yaml, to_yaml

TEXT = """
name: houses
task: regression
data: /data/houses.csv
split: {by: hash}
target: price
features: {area: area}
"""


def dataset(columns: str) -> Dataset:
    return from_yaml(f"{TEXT}columns: {columns}\n", "houses.yaml")


def test_a_column_has_a_type_or_says_how_its_texts_are_read():
    found = dataset("{area: DOUBLE, price: {type: DOUBLE, decimal: ',', strip: €, missing: [-9]}}")
    price = Reading(type="DOUBLE", decimal=",", strip=("€",), missing=("-9",))
    assert found.columns == {"area": "DOUBLE", "price": price}
    assert found.types == {"area": "DOUBLE", "price": "DOUBLE"}
    given = {"type": "DOUBLE", "decimal": ",", "strip": ["€"], "missing": ["-9"]}
    assert found.readings == {"price": given}


def test_a_reading_is_written_in_one_line_and_read_back():
    found = dataset("{price: {type: DOUBLE, group: ' ', missing: ['?', '-']}, zip: VARCHAR}")
    text = to_yaml(found)
    assert "\n  price: {type: DOUBLE, group: ' ', missing: ['?', '-']}\n  zip: VARCHAR\n" in text
    assert from_yaml(text, "again") == found


@pytest.mark.parametrize("missing", [None, [], ["", "NA", "null"]])
def test_texts_that_mean_missing_in_every_column_are_read_back(missing):
    found = from_yaml(TEXT if missing is None else f"{TEXT}missing: {missing!r}\n", "houses.yaml")
    assert found.missing == from_yaml(to_yaml(found), "again").missing == missing


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ("{type: DOUBLE, decimal: ':'}", "'columns.x.decimal' in dataset file houses.yaml must be "
         "'.' or ',', not ':'."),
        ("{type: DOUBLE, decima: ','}", "did you mean 'decimal'?"),
        ("{decimal: ','}", "'columns.x.type' in dataset file houses.yaml is missing"),
        ("{type: VARCHAR, decimal: ','}", "has decimal, which is for numbers only."),
        ("{type: DOUBLE, format: '%Y'}", "has format '%Y': for the seconds of a duration give "
         "'h:m:s', 'm:s', 'h:m', 'd h m s'."),
        ("{type: VARCHAR, format: ISO}", "has format, which is for a DATE, a TIMESTAMP, a TIME or"),
        ("{type: DATE, format: dd.mm.yyyy}", "has format 'dd.mm.yyyy': give ISO or what strptime"),
        ("{type: DATE, format: '%Q'}", "has format '%Q': give ISO or what strptime takes"),
        ("{type: DOUBLE, width: 5}", "has width, which is for VARCHAR only"),
        ("{type: VARCHAR, width: wide}", "must be a number of digits or 'varies', not 'wide'."),
        ("{type: VARCHAR, width: 0}", "must be a number of digits or 'varies', not 0."),
        ("{type: DOUBLE, decimal: ',', group: ','}", "has ',' as decimal sign and as group sign."),
        ("{type: DOUBLE, strip: [' ']}", "has a blank text in strip."),
        ("{type: DOUBLE, missing: [null]}", "must be a text, not None."),
        ("[DOUBLE]", "'columns.x' in dataset file houses.yaml must be a text, not ['DOUBLE']."),
    ],
)  # fmt: skip
def test_a_reading_that_is_none_is_refused_in_one_line(reading, words):
    with pytest.raises(WorkflowError) as caught:
        dataset(f"{{x: {reading}}}")
    assert words in str(caught.value) and "\n" not in str(caught.value)
