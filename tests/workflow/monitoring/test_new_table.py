"""New rows with all that may be wrong with them, against a definition of three columns."""

import duckdb
import pandas as pd
import pytest

from sql_features.errors import WorkflowError
from workflow.data.dataset_file import from_yaml
from workflow.data.new_rows import open_rows
from workflow.monitoring import new_table
from workflow.monitoring.windows import Window

DEFINITION = """
name: fares
task: regression
data: fares.csv
split: {by: hash, key: [zone]}
columns: {fare: {type: DOUBLE, decimal: ",", missing: ["-"]}, zone: BIGINT}
target: paid - fare
where: target > 0 AND zone > 1
features: {fare: fare, zone: zone}
"""
TYPES = {"fare": "DOUBLE", "zone": "BIGINT", "paid": "DOUBLE", "sold": "DATE"}
ROWS = """fare;zone;paid;sold
1,5;2;3;2023-03-01
x;2;3;2023-03-01
-;2.5;3;2023-03-02
4;;9;2023-03-02
5;3;;2023-04-02
5;1;;2023-04-02
"""


@pytest.fixture
def read(tmp_path):
    def made(text=ROWS, name="rows.csv", window=None, definition=DEFINITION):
        (tmp_path / name).write_text(text)
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        dataset = from_yaml(definition, "here")
        rows = open_rows(str(tmp_path / name), dataset, TYPES, folder)
        return new_table.read(rows, window, folder)

    return made


def asked(table, method, *given):
    with duckdb.connect() as connection:
        return getattr(table, method)(connection, *given)


def test_values_that_do_not_fit_are_missing_and_counted(read):
    table = read(definition=DEFINITION.replace("where: target > 0 AND zone > 1\n", ""))
    assert asked(table, "misfits") == {"fare": (1, "x"), "zone": (1, "2.5"), "paid": (0, None),
                                       "sold": (0, None)}  # fmt: skip
    with duckdb.connect() as connection:
        frame = connection.execute(f"SELECT fare, zone FROM {table.sql()}").df()
    assert frame["fare"].tolist()[:1] + frame["fare"].tolist()[3:] == [1.5, 4, 5, 5]
    assert frame["fare"].isna().tolist() == [False, True, True, False, False, False]
    assert frame["zone"].isna().tolist() == [False, False, True, True, False, False]


def test_rows_whose_target_is_not_known_yet_count_unless_the_filter_drops_them(read):
    rows, labelled, dropped = asked(read(), "count")
    # Row 4 has no zone, so that the filter is not met; row 6 is dropped by its zone alone.
    assert (rows, labelled, dropped) == (4, 1, 2)


def test_without_the_targets_columns_rows_are_judged_without_labels(read):
    table = read("fare;zone\n1,5;2\n2;1\n")
    assert table.unlabelled == "there is no column 'paid'"
    assert asked(table, "count") == (2, 0, 0)


def test_a_filter_that_needs_no_target_is_used_without_labels(read):
    definition = DEFINITION.replace("where: target > 0 AND zone > 1", "where: zone > 1")
    table = read("fare;zone\n1,5;2\n2;1\n", definition=definition)
    assert asked(table, "count") == (1, 0, 1)


def test_rows_are_parted_by_a_column_of_the_model_or_any_other(read):
    for column in ("sold", "SOLD"):
        table = read(window=Window("month", column))
        assert asked(table, "count", "2023-03-01")[0] == 3
        assert asked(table, "count", "2023-04-01")[0] == 1
    lines = ["fare;zone;seen", "1,5;2;2023-03-01 10:00:00", "2;2;never"]
    table = read("\n".join(lines), window=Window("day", "seen"))
    assert asked(table, "count", "2023-03-01") == (1, 0, 0)
    with pytest.raises(WorkflowError, match=r"^unknown column in window: 'sod'"):
        read(window=Window("day", "sod"))


def test_a_file_without_rows_is_read(read):
    assert asked(read("fare;zone;paid;sold\n"), "count") == (0, 0, 0)


def test_parquet_with_other_types_is_read(tmp_path):
    frame = pd.DataFrame({"fare": ["1,5", "y"], "zone": [2.0, 2.5], "paid": [9, 9]})
    frame.to_parquet(tmp_path / "rows.parquet")
    rows = open_rows(str(tmp_path / "rows.parquet"), from_yaml(DEFINITION, "x"), TYPES, tmp_path)
    table = new_table.read(rows, None, tmp_path)
    found = asked(table, "misfits")
    assert (found["fare"], found["zone"]) == ((1, "y"), (1, "2.5"))
    assert asked(table, "count") == (2, 1, 0)
