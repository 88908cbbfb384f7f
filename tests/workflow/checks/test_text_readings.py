from pathlib import Path

import pandas as pd
import pytest
from table_files import write_table

from sql_features.expressions import connect
from workflow.checks import text_readings
from workflow.checks.finding import NOTE, WARNING, Finding, notes
from workflow.checks.text_readings import check, doubts
from workflow.data.column_reading import Reading
from workflow.data.dataset import Dataset
from workflow.data.split_rules import ByHash
from workflow.schema import column_stats

FRAME = pd.DataFrame(
    {
        "fee": ["$3,814.70", "12 apples", "?", "$12.50", None, "7"],
        "zip": ["00501", "94110", "02139", "94110", None, "?"],
        "plain": ["1", "2", "3", "4", "5", "6"],
    }
)
FEE = Reading(type="DOUBLE", group=",", strip=("$",), missing=("?",), invalid="missing")
ZIP = Reading(type="VARCHAR", width=5, missing=("?",))


def findings(path: Path, inferred: bool = True, **columns: str | Reading) -> list[Finding]:
    write_table(FRAME, path)
    dataset = Dataset(
        name="t",
        task="regression",
        data="t",
        split=ByHash(),
        target="plain",
        columns=columns,
        features={"Fee": "Fee", "zip": "zip"},
    )
    return check(dataset, {"table": [path]}, inferred=inferred)


def test_texts_of_a_wide_table_are_counted_in_queries_of_few_columns(tmp_path, monkeypatch):
    whole = findings(tmp_path / "t.csv", FEE=FEE, zip=ZIP)
    monkeypatch.setattr(column_stats, "NARROW", 1)
    asked = []

    class Noting:
        def __init__(self) -> None:
            self.connection = connect()

        def __enter__(self) -> "Noting":
            return self

        def __exit__(self, *_: object) -> None:
            self.connection.close()

        def execute(self, query: str):
            asked.append(query)
            return self.connection.execute(query)

    monkeypatch.setattr(text_readings, "connect", Noting)
    assert findings(tmp_path / "t.csv", FEE=FEE, zip=ZIP) == whole
    assert [query.count("'odd_texts'") for query in asked if "'odd_texts'" in query] == [1, 1]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_what_becomes_of_texts_is_counted_and_shown(tmp_path, suffix):
    found = findings(tmp_path / f"t{suffix}", FEE=FEE, zip=ZIP)
    assert [(one.column, one.level, one.value) for one in found] == [
        ("fee", WARNING, 1),
        ("fee", WARNING, 1),
        ("fee", NOTE, 2),
        ("zip", WARNING, 1),
        ("zip", NOTE, 2),
    ]
    assert [one.message for one in found] == [
        "column 'fee': '?' is taken for missing values, in 1 of the 5 rows with a text; if they "
        "are values, write columns: {fee: VARCHAR} in the dataset file.",
        "column 'fee': 1 of 5 texts are no numbers, such as '12 apples', and are taken for "
        "missing: correct them, or say how they are read in the dataset file, columns: {fee: "
        "{type: DOUBLE, group: ',', strip: [$], missing: ['?'], invalid: missing}} now.",
        "column 'fee' is read by columns: {fee: {type: DOUBLE, group: ',', strip: [$], missing: "
        "['?'], invalid: missing}}: '$12.50' as 12.5, '$3,814.70' as 3814.7.",
        "column 'zip': '?' is taken for missing values, in 1 of the 5 rows with a text; if they "
        "are values, write columns: {zip: VARCHAR} in the dataset file.",
        "column 'zip' has numbers with leading zeros, such as '00501', '02139': they stay texts, "
        "of 5 digits; to have numbers, write columns: {zip: DOUBLE} in the dataset file.",
    ]


def test_the_notes_of_a_column_are_one(tmp_path):
    table = pd.DataFrame(findings(tmp_path / "t.csv", inferred=False, zip=ZIP))
    (note,) = notes(table).values()
    assert "'?' is taken for missing values" in note and "of 5 digits" in note


def test_texts_that_a_dataset_file_calls_missing_are_a_note(tmp_path):
    levels = {one.level for one in findings(tmp_path / "t.csv", inferred=False, zip=ZIP)}
    assert levels == {NOTE}


def test_columns_of_a_type_are_not_looked_at(tmp_path):
    assert findings(tmp_path / "t.csv", plain="DOUBLE") == []


def test_what_could_not_be_known_is_a_warning():
    (found,) = doubts({"x": "column 'x': either."}, "table")
    assert (found.column, found.level, found.message) == ("x", WARNING, "column 'x': either.")
