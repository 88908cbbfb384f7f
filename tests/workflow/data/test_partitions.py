import json

import pandas as pd
import pytest
from table_files import write_table

from sql_features.errors import WorkflowError
from sql_features.expressions import connect
from workflow.data.readers import absent_columns, columns, scan, scan_text
from workflow.data.sources import gather
from workflow.schema.infer import infer

KINDS = ("csv", "parquet", "jsonl")


def table(folder, kind: str, parts: dict[str, pd.DataFrame]):
    for name, frame in parts.items():
        path = folder / name / f"part.{kind}"
        path.parent.mkdir(parents=True)
        write_table(frame, path)
    return folder


def read(location, **given: str) -> tuple[dict[str, str], list[tuple]]:
    sql = scan(gather(str(location), location), given)
    with connect() as connection:
        found = columns(connection, sql)
        rows = connection.execute(f"SELECT * FROM {sql} ORDER BY ALL").fetchall()
    return found, rows


@pytest.fixture(params=KINDS)
def sales(request, tmp_path):
    parts = {
        f"year={year}/area={area}": pd.DataFrame({"price": [year + 0.5, year + 1.5]})
        for year in (2021, 2022)
        for area in ("north", "upper%20west", "__HIVE_DEFAULT_PARTITION__")
    }
    return table(tmp_path / "region=eu" / "sales", request.param, parts)


def test_folders_named_key_and_value_are_columns(sales):
    types, rows = read(sales)
    assert types == {"price": "DOUBLE", "year": "BIGINT", "area": "VARCHAR"}
    assert rows[:2] == [(2021.5, 2021, "north"), (2021.5, 2021, "upper west")]
    assert len(rows) == 12 and sum(row[2] is None for row in rows) == 4


def test_a_pattern_and_a_folder_of_parts_are_one_table(sales):
    pattern = sales / "*" / "*" / "part*"
    assert gather(str(pattern), sales) == gather(str(sales), sales)


def test_the_type_of_a_folders_column_can_be_given(sales):
    assert read(sales, year="VARCHAR")[0]["year"] == "VARCHAR"
    assert {row[1] for row in read(sales, year="VARCHAR")[1]} == {"2021", "2022"}


def test_a_folders_column_is_a_feature_of_an_inferred_dataset(tmp_path):
    parts = {f"year={year}": pd.DataFrame({"x": range(30), "price": range(30)}) for year in (1, 2)}
    folder = table(tmp_path / "sales", "csv", parts)
    found = infer(gather(str(folder), tmp_path), target="price")
    assert "year" in found.features
    assert found.columns["year"] == "DOUBLE"


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_the_file_is_the_files_own(tmp_path, kind):
    parts = {f"Price={n}": pd.DataFrame({"price": [n + 0.5], "x": [n]}) for n in (1, 2)}
    types, rows = read(table(tmp_path / "t", kind, parts))
    assert types == {"price": "DOUBLE", "x": "BIGINT"}
    assert rows == [(1.5, 1), (2.5, 2)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_tells_no_files_apart_is_no_column(tmp_path, kind):
    folder = table(tmp_path, kind, {"price=5": pd.DataFrame({"price": [1.5]})}) / "price=5"
    assert read(folder)[1] == [(1.5,)]
    assert list(read(table(tmp_path / "u", kind, {"a=1": pd.DataFrame({"x": [1.5]})}))[0]) == ["x"]


def test_leading_zeros_in_a_folders_name_make_texts(tmp_path):
    parts = {f"zip={n}": pd.DataFrame({"x": [1.5]}) for n in ("01", "2")}
    types, rows = read(table(tmp_path / "t", "parquet", parts))
    assert types["zip"] == "VARCHAR" and rows == [(1.5, "01"), (1.5, "2")]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_folders_column_is_a_text_where_all_columns_are(tmp_path, kind):
    parts = {f"year={n}": pd.DataFrame({"x": [1.5]}) for n in (1, 2)}
    paths = gather(str(table(tmp_path / "t", kind, parts)), tmp_path)
    with connect() as connection:
        assert columns(connection, scan_text(paths)) == {"x": "VARCHAR", "year": "VARCHAR"}


def kaggle(folder, kind: str = "csv") -> list:
    whole = pd.DataFrame({"Id": [1, 2], "size": [1.5, 2], "area": ["a", "b"], "rooms": [1, 2]})
    write_table(whole.assign(price=[1.5, 2.5]), folder / f"train.{kind}")
    write_table(whole, folder / f"test.{kind}")
    write_table(whole[["Id"]].assign(price=0.5), folder / f"sample_submission.{kind}")
    return sorted(folder.glob(f"*.{kind}"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_of_another_table_in_a_folder_are_refused_by_name(tmp_path, kind):
    sample, test, train = kaggle(tmp_path, kind)
    with pytest.raises(WorkflowError) as caught:
        infer([sample, test, train], target="price")
    assert str(caught.value) == (
        f"data file 'sample_submission.{kind}' lacks most columns (size, area, rooms), so it is no "
        f"part of the table of 'train.{kind}': give that file alone (data=.../train.{kind}), or a "
        "pattern of the files that belong together."
    )
    with pytest.raises(WorkflowError, match=rf"'test\.{kind}' lacks the target 'price', so it is"):
        absent_columns([test, train], ["price"])


def test_a_column_that_some_files_lack_is_a_doubt(tmp_path):
    frame = pd.DataFrame({"x": range(40), "y": range(40), "price": [n % 7 for n in range(40)]})
    for month in (1, 2, 3):
        frame.assign(**({"fee": frame["x"]} if month > 2 else {})).to_csv(
            tmp_path / f"{month}.csv", index=False
        )
    assert infer(sorted(tmp_path.glob("*.csv")), target="price").doubts["fee"] == (
        "column 'fee' is in 1 of 3 files, not in 1.csv, 2.csv: its values are missing there; look "
        "whether all files are of one table."
    )


def test_files_with_the_same_columns_in_any_case_and_order_are_one_table(tmp_path):
    pd.DataFrame({"a": [1], "b": [2]}).to_csv(tmp_path / "1.csv", index=False)
    pd.DataFrame({"B": [1], "A": [2]}).to_csv(tmp_path / "2.csv", index=False)
    assert absent_columns(sorted(tmp_path.glob("*.csv")), ["a"]) == {}


def test_keys_that_some_records_lack_are_no_doubt(tmp_path):
    for n, record in enumerate(({"a": 1}, {"a": 2, "b": 3})):
        (tmp_path / f"{n}.jsonl").write_text(json.dumps(record))
    assert absent_columns(sorted(tmp_path.glob("*.jsonl")), ["a"]) == {}


def test_columns_that_are_not_used_may_be_absent_and_a_target_may_have_several(tmp_path):
    pd.DataFrame({"start": [1], "end": [2], "x": [1]}).to_csv(tmp_path / "1.csv", index=False)
    pd.DataFrame({"end": [2], "more": [1], "x": [1]}).to_csv(tmp_path / "2.csv", index=False)
    paths = sorted(tmp_path.glob("*.csv"))
    found = absent_columns(paths, ["start", "end"], ["start", "end", "X"])
    assert list(found) == ["start"] and "in 1 of 2 files, not in 2.csv" in found["start"]
    with pytest.raises(WorkflowError, match=r"'2\.csv' lacks the target 'start', so"):
        absent_columns(paths, ["start"], ["start", "X"])
