from pathlib import Path

import pandas as pd
import pytest
from table_files import write_table

from workflow.checks.finding import NOTE, WARNING, Finding
from workflow.checks.time_zones import check
from workflow.data import split_writer
from workflow.data.dataset import Dataset
from workflow.data.split_rules import ByHash
from workflow.data.splits import WHOLE

ZONED = ["2019-12-13 13:27:00+02:00", "2019-12-13T13:27:00Z"]
BARE = ["2019-12-13 13:27:00", None]


def findings(path: Path, texts: list[str | None], **columns: str) -> list[Finding]:
    write_table(pd.DataFrame({"t": texts, "y": 1.0}), path)
    dataset = Dataset(
        name="t",
        task="regression",
        data="t",
        split=ByHash(key=("y",)),
        target="y",
        columns=columns,
        features={"t": "CAST(t AS VARCHAR)"},
    )
    raw = split_writer.read_raw(dataset, {WHOLE: [path]})
    return list(check(dataset, {WHOLE: [path]}, {WHOLE: raw[WHOLE].columns}))


def test_times_of_which_some_have_a_zone_are_warned_of(tmp_path):
    (found,) = findings(tmp_path / "t.csv", ZONED + BARE)
    assert (found.level, found.column, found.value) == (WARNING, "t", 1)
    assert found.message == (
        "column 't': 1 of 3 times have no zone, such as '2019-12-13 13:27:00', and are taken for "
        "UTC: if they are not, give each its zone in the file."
    )


@pytest.mark.parametrize("texts", [ZONED, BARE])
def test_times_that_are_all_alike_are_not(tmp_path, texts):
    assert findings(tmp_path / "t.csv", texts) == []


def test_a_given_type_that_takes_bare_times_for_utc_is_noted(tmp_path):
    (found,) = findings(tmp_path / "t.csv", ZONED + BARE, t="TIMESTAMPTZ")
    assert (found.level, found.value) == (NOTE, 1)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_given_type_that_leaves_zones_out_is_warned_of(tmp_path, suffix):
    (found,) = findings(tmp_path / f"t{suffix}", ZONED + BARE, T="TIMESTAMP")
    assert (found.level, found.value) == (WARNING, 2)
    assert found.message == (
        "column 't' is read as TIMESTAMP, which leaves out what stands after the time of day in "
        "2 of 3 texts, such as '2019-12-13 13:27:00+02:00', '2019-12-13T13:27:00Z': write "
        "columns: {t: TIMESTAMP WITH TIME ZONE} or columns: {t: {type: TIMESTAMP, format: "
        "'%Y-%m-%d %I:%M:%S %p'}} in the dataset file."
    )


def test_an_afternoon_that_a_given_type_leaves_out_is_warned_of(tmp_path):
    (found,) = findings(tmp_path / "t.csv", ["01:27 PM", "12:10 AM"], t="TIME")
    assert (found.level, found.value) == (WARNING, 2)
    assert "write columns: {t: VARCHAR} or columns: {t: {type: TIME, format:" in found.message
