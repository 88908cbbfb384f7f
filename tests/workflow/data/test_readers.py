import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES
from table_files import write_table

from sql_features.errors import WorkflowError
from sql_features.expressions import connect
from workflow.data.column_reading import Reading
from workflow.data.csv_format import dialect
from workflow.data.file_kinds import kind
from workflow.data.readers import MISSING, columns, missing_texts, scan, scan_text, unlike_pandas

QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rows(table: str) -> list[tuple]:
    with connect() as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def types(table: str) -> dict[str, str]:
    with connect() as connection:
        return columns(connection, table)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(call, *arguments) -> str:
    with pytest.raises(WorkflowError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("delimiter", ",;\t|")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("suffix", [".csv", ".TXT", ".tsv.gz"])
def test_a_csv_file_is_read_in_every_common_dialect(tmp_path, delimiter, encoding, suffix):
    text = 'größe|"a b"|x\n1|"é| ""q""\nzwei, ;"|2.5\n|c|3\n'.replace("|", delimiter)
    content = text.encode(encoding)
    path = tmp_path / f"t{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    value = f'é{delimiter} "q"\nzwei, ;'
    assert rows(scan([path])) == [(1, value, 2.5), (None, "c", 3.0)]
    assert types(scan([path])) == {"größe": "BIGINT", "a b": "VARCHAR", "x": "DOUBLE"}


def test_missing_values_are_spelled_as_pandas_spells_them(tmp_path):
    assert set(MISSING) == STR_NA_VALUES
    texts = [*MISSING, "NAN", " NA", "none", "-", "?"]
    path = write(tmp_path / "t.csv", "n,x\n" + "".join(f'{n},"{x}"\n' for n, x in enumerate(texts)))
    read = pd.read_csv(path).x
    assert [value is None for _, value in rows(scan_text([path]))] == read.isna().tolist()


def test_names_are_taken_from_the_header_as_pandas_takes_them(tmp_path):
    path = write(tmp_path / "t.csv", '\n \n a,b ,"c\nd",#e\n1,2,3,4\n')
    assert (
        list(types(scan([path]))) == list(pd.read_csv(path).columns) == [" a", "b ", "c\nd", "#e"]
    )


@pytest.mark.parametrize(
    "texts, type",
    [
        (["1", "-2", ""], "BIGINT"),
        (["1", "2.5"], "DOUBLE"),
        (["1", "1e3", "inf"], "DOUBLE"),
        (["1" * 30], "DOUBLE"),
        (["1"] * 30_000 + ["x"], "VARCHAR"),
        (["true", "FALSE"], "BOOLEAN"),
        (["2011-01-31"], "DATE"),
        (["2011-01-31", "2011-01-31 10:00:00.5"], "TIMESTAMP"),
        (["2011-01-31 10:00:00+02:00", "2011-01-31T10:00:00Z"], "TIMESTAMP WITH TIME ZONE"),
        (["2011-01-31 10:00:00-05", "2011-01-31 10:00", "2011-01-31"], "TIMESTAMP WITH TIME ZONE"),
        (["2011-01-31 01:00:00 PM"], "VARCHAR"),
        (["2011-01-31 10:00:00 Here"], "VARCHAR"),
        (["10:00", "23:59:59"], "TIME"),
        (["10:00:00+02:00"], "VARCHAR"),
        (["01:00 PM"], "VARCHAR"),
        (["1/31/11"], "VARCHAR"),
        (["", "NA"], "VARCHAR"),
    ],
)
def test_a_csv_column_gets_the_narrowest_type_that_fits_every_row(tmp_path, texts, type):
    path = write(tmp_path / "t.csv", "n,x\n" + "".join(f"1,{text}\n" for text in texts))
    assert types(scan([path]))["x"] == type


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_types_that_are_given_are_forced_whatever_case_names_have(tmp_path, suffix):
    frame = pd.DataFrame({"Zone": [74, 75], "x": [1, 2]})
    path = write_table(frame, tmp_path / f"t{suffix}")
    table = scan([path], {"zone": "VARCHAR"})
    assert types(table) == {"Zone": "VARCHAR", "x": "BIGINT"}
    assert rows(table) == [("74", 1), ("75", 2)]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("type", ["BIGINT", "int", "HUGEINT"])
def test_a_fraction_is_no_whole_number_where_that_type_is_given(tmp_path, suffix, type):
    texts = ["12345678901", "1.0", "-5", None]
    path = write_table(pd.DataFrame({"x": texts}), tmp_path / f"t{suffix}")
    wide = "HUGEINT" if type == "int" else type
    assert rows(scan([path], {"X": wide})) == [(12345678901,), (1,), (-5,), (None,)]
    write_table(pd.DataFrame({"x": [1, 1.57]}), path)
    with pytest.raises(duckdb.Error, match=r"column x is read as \w+, which does not fit 1\.57"):
        rows(scan([path], {"x": type}))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_decimal_that_is_given_does_not_round(tmp_path, suffix):
    path = write_table(pd.DataFrame({"x": [1.5, 0.1 + 0.2, 3.0, None]}), tmp_path / f"t{suffix}")
    assert rows(scan([path], {"x": "DECIMAL(4,1)"})) == [
        (Decimal("1.5"),), (Decimal("0.3"),), (Decimal("3.0"),), (None,)
    ]  # fmt: skip
    write_table(pd.DataFrame({"x": [1.5, 1.57]}), path)
    with pytest.raises(duckdb.Error, match=r"column x.*1\.57"):
        rows(scan([path], {"x": "DECIMAL(4,1)"}))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("odd", [1.57, 2])
def test_a_number_is_no_truth_value_but_one_or_zero(tmp_path, suffix, odd):
    path = write_table(pd.DataFrame({"x": [1.0, 0.0, None]}), tmp_path / f"t{suffix}")
    assert rows(scan([path], {"x": "BOOLEAN"})) == [(True,), (False,), (None,)]
    write_table(pd.DataFrame({"x": [1, odd]}), path)
    with pytest.raises(duckdb.Error, match=f"neither true nor false in column x: {odd}"):
        rows(scan([path], {"x": "BOOLEAN"}))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".csv"])
def test_truth_values_are_read_as_such_where_that_is_given(tmp_path, suffix):
    path = write_table(pd.DataFrame({"x": [True, False, None]}), tmp_path / f"t{suffix}")
    assert rows(scan([path], {"x": "BOOLEAN"})) == [(True,), (False,), (None,)]


def test_long_whole_numbers_of_json_keep_their_digits(tmp_path):
    path = write(tmp_path / "t.jsonl", f'{{"x": {2**53 + 1}}}\n{{"x": 1e3}}\n{{"x": "7"}}\n')
    assert rows(scan([path], {"x": "BIGINT"})) == [(2**53 + 1,), (1000,), (7,)]


def test_several_files_are_one_table_by_name(tmp_path):
    one = write(tmp_path / "a.csv", "a,b\n1,x\n")
    two = write(tmp_path / "b.csv", "b;c;a\ny;;1.5\n")
    assert types(scan([one, two])) == {"a": "DOUBLE", "b": "VARCHAR", "c": "VARCHAR"}
    assert rows(scan([one, two])) == [(1.0, "x", None), (1.5, "y", None)]
    assert rows(scan([one, two], {"a": "VARCHAR", "c": "DOUBLE"}))[1] == ("1.5", "y", None)


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.json", "t.jsonl.gz"])
def test_json_lines_are_read_with_types_and_as_texts(tmp_path, name):
    records = [{"a": 1, "d": "2011-01-31", "m": "x"}, {"a": 2.5, "m": 3, "l": [1], "b": True}]
    content = "\n".join(map(json.dumps, records)).encode()
    path = write(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)
    assert types(scan([path]))["d"] == "DATE"
    assert types(scan_text([path])) == {
        "a": "VARCHAR",
        "d": "VARCHAR",
        "m": "VARCHAR",
        "l": "BIGINT[]",
        "b": "VARCHAR",
    }
    assert rows(scan_text([path])) == [
        ("1", "2011-01-31", "x", None, None),
        ("2.5", None, "3", [1], "true"),
    ]


def test_an_array_of_records_is_read_from_a_json_file(tmp_path):
    path = write(tmp_path / "t.json", json.dumps([{"a": 1}, {"a": 2}]))
    assert rows(scan([path])) == [(1,), (2,)]


def test_a_path_with_pattern_characters_and_quotes_is_read(tmp_path):
    write(tmp_path / "a1.csv", "x\n0\n")
    path = write(tmp_path / "a[1]*'.csv", "x\n1\n")
    assert rows(scan([path])) == [(1,)]


def test_a_cast_that_may_fail_does_not_change_how_a_text_is_read(tmp_path):
    path = write(tmp_path / "t.csv", "x,y\n1,a\n?,b\n")  # duckdb/duckdb#23818
    table = scan([path], {"x": "VARCHAR", "y": "VARCHAR"})
    with connect() as connection:
        cast = connection.execute(f"SELECT TRY_CAST(x AS DOUBLE) FROM {table}").fetchall()
    assert cast == [(1.0,), (None,)]


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("t.docx", "", "data file 't.docx': give one of .parquet"),
        ("t.csv", "", "empty"),
        ("t.csv", "\n \n", "empty"),
        ("t.csv", "a,b\n\x96,1\n".encode("latin-1"), "iconv"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "iconv"),
        ("t.csv", b"a\x00,b\n1,2\n", "zero byte"),
        ("t.csv", '\ufeff"a,b",c\n1,2\n', "byte order mark"),
        ("t.csv.gz", b"no gzip", "cannot be read"),
        ("t.jsonl", "", "empty"),
        ("t.jsonl", "1\n2\n", "t.jsonl: Binder Error: json_read expected records"),
        ("t.jsonl", '{"a": 1', "t.jsonl: Invalid Input Error: Malformed JSON"),
        ("t.parquet", "no parquet", "t.parquet: Invalid Input Error"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path, name, content, words):
    path = write(tmp_path / name, content)
    assert words in refusal(lambda: types(scan([path])))


def test_no_file_and_files_of_two_kinds_are_refused(tmp_path):
    assert refusal(kind, []) == "data: no file is given."
    two = [write(tmp_path / "a.csv", "x\n1\n"), write(tmp_path / "b.jsonl", '{"x": 1}')]
    assert "of two kinds" in refusal(scan, two)


def test_a_missing_file_is_refused(tmp_path):
    assert "No such file" in refusal(scan, [tmp_path / "t.csv"])


def test_an_unknown_type_or_column_is_refused(tmp_path):
    path = write(tmp_path / "t.csv", "price\n1\n")
    assert "unknown type" in refusal(scan, [path], {"price": "DOUBLE); DROP TABLE x"})
    assert "did you mean 'DOUBLE'" in refusal(scan, [path], {"price": "DOUBEL"})
    assert "did you mean 'price'" in refusal(scan, [path], {"prize": "DOUBLE"})
    assert rows(scan([path], {"price": "DECIMAL(4, 2)"}))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_texts_are_read_as_the_definition_says(tmp_path, suffix):
    frame = pd.DataFrame(
        {"Preis": ["1.234,5", "?", "12 kg"], "zip": ["01", "02", "NA"], "x": ["NA", "b", "c"]}
    )
    path = write_table(frame, tmp_path / f"t{suffix}")
    preis = {"decimal": ",", "group": ".", "missing": ("?",), "strip": ("kg",)}
    given = {"preis": Reading(type="DOUBLE", **preis), "zip": Reading(type="VARCHAR", width=2)}
    nothing = None if suffix == ".csv" else "NA"
    table = scan([path], given)
    assert types(table) == {"Preis": "DOUBLE", "zip": "VARCHAR", "x": "VARCHAR"}
    assert rows(table) == [(1234.5, "01", nothing), (None, "02", "b"), (12, nothing, "c")]
    assert rows(scan([path], given, ["c", "NA"]))[1:] == [(None, "02", "b"), (12, None, None)]
    assert rows(scan([path], given, []))[0] == (1234.5, "01", "NA")


def test_a_number_among_texts_in_json_is_that_number(tmp_path):
    records = [{"x": 12.5, "z": 7}, {"x": "1.234,5", "z": "08"}, {"x": None}, {"x": "NA"}]
    path = write(tmp_path / "t.jsonl", "\n".join(map(json.dumps, records)))
    x = Reading(type="DOUBLE", decimal=",", group=".", missing=("NA",))
    table = scan([path], {"x": x, "z": Reading(type="VARCHAR", width=2)})
    assert rows(table) == [(12.5, "07"), (1234.5, "08"), (None, None), (None, None)]


def test_numbers_of_a_parquet_file_may_mean_missing_or_be_padded(tmp_path):
    pd.DataFrame({"x": [-999.0, 5.0], "z": [501, 94110]}).to_parquet(tmp_path / "t.parquet")
    x, z = Reading(type="DOUBLE", missing=("-999",)), Reading(type="VARCHAR", width=5)
    table = scan([tmp_path / "t.parquet"], {"x": x, "z": z})
    assert rows(table) == [(None, "00501"), (5, "94110")]


def test_texts_that_mean_missing_are_those_of_pandas_in_a_csv_file(tmp_path):
    csv_file, parquet = tmp_path / "t.csv", tmp_path / "t.parquet"
    assert missing_texts([parquet, csv_file], None) == list(MISSING)
    assert missing_texts([parquet], None) is None
    assert missing_texts([csv_file], ["?"]) == missing_texts([parquet], ["?"]) == ["?"]


def test_a_csv_column_without_a_name_of_its_own_is_unreachable(tmp_path):
    path = write(tmp_path / "t.csv", "a,,A,a_1,a\n1,2,3,4,5\n")
    assert rows(scan([path])) == [(1, 2, 3, 4, 5)]
    assert list(types(scan([path]))) == ["a", "column1", "A_2", "a_1", "a_3"]
    assert unlike_pandas([path]) == {
        "column1": "column 2 of t.csv has no name",
        "A_2": "name 'A' of column 3 of t.csv is taken already",
        "a_3": "name 'a' of column 5 of t.csv is taken already",
    }


def test_the_index_and_the_durations_of_a_pandas_frame_are_unreachable(tmp_path):
    frame = pd.DataFrame({"x": [1.0], "d": pd.to_timedelta([1], unit="h")}, index=["a"])
    frame.rename_axis("key").to_parquet(tmp_path / "t.parquet")
    reasons = unlike_pandas([tmp_path / "t.parquet"])
    assert set(reasons) == {"key", "d"}
    assert "index" in reasons["key"] and "duration" in reasons["d"]


def test_ordinary_columns_are_reachable(tmp_path):
    frame = pd.DataFrame({"a b": [1], "select": ["x"], "É": [2.0]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    for suffix in ("parquet", "csv", "jsonl"):
        assert unlike_pandas([tmp_path / f"t.{suffix}"]) == {}


def test_a_file_that_has_changed_is_looked_at_again(tmp_path):
    path = write(tmp_path / "t.csv", "a,b\n1,2\n")
    assert list(types(scan([path]))) == ["a", "b"]
    write(path, "a;c;d\n1;2;x\n")
    assert types(scan([path])) == {"a": "BIGINT", "c": "BIGINT", "d": "VARCHAR"}


CELLS = st.text(alphabet="abÀß1 ,;\t|\"'#\\\n\r.-", max_size=8) | st.sampled_from(MISSING)
NAMES = st.text(alphabet="abÀß1 ,;|\"'#\\.-", min_size=1, max_size=6).filter(str.strip)


@given(data=st.data(), delimiter=st.sampled_from(",;\t|"), latin=st.booleans())
@QUIET
def test_every_cell_of_a_csv_file_is_read_as_it_was_written(tmp_path, data, delimiter, latin):
    names = data.draw(st.lists(NAMES, min_size=2, max_size=4, unique_by=str.casefold))
    cells = data.draw(st.lists(st.tuples(*[CELLS] * len(names)), min_size=3, max_size=8))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *cells])
    path = write(tmp_path / "t.csv", buffer.getvalue().encode("latin-1" if latin else "utf-8"))
    found = dialect(path)
    if found.delimiter != delimiter:  # some texts look like a table by another delimiter as well
        return
    assert found.names == tuple(names)
    expected = [tuple(None if x in MISSING else x for x in row) for row in cells]
    assert rows(scan_text([path])) == expected


@given(
    values=st.lists(
        st.floats(allow_nan=False) | st.integers(-(10**25), 10**25), min_size=1, max_size=10
    )
)
@QUIET
def test_numbers_are_read_as_numbers_however_big(tmp_path, values):
    path = write(tmp_path / "t.csv", "n,x\n" + "".join(f"1,{value}\n" for value in values))
    read = [value for _, value in rows(scan([path], {"n": "DOUBLE", "x": "DOUBLE"}))]
    np.testing.assert_array_equal(read, np.array(values, dtype=float))


@pytest.mark.parametrize(
    ("write_table", "cure"),
    [
        (lambda f, p: f.to_json(p), "pandas.read_json('t.json').to_json('t.jsonl', "),
        (lambda f, p: f.to_json(p, orient="index"), "pandas.read_json('t.json').to_json("),
        (
            lambda f, p: f.to_json(p, orient="split"),
            "pandas.read_json('t.json', orient='split').to_json(",
        ),
        (
            lambda f, p: p.write_text(json.dumps({"n": 3, "data": f.to_dict("records")})),
            "pandas.DataFrame(json.load(open('t.json'))['data']).to_json('t.jsonl', "
            "orient='records', lines=True).",
        ),
    ],
)
def test_a_whole_table_in_one_json_record_is_refused_with_the_cure(tmp_path, write_table, cure):
    frame = pd.DataFrame({"a": [1.5, 2, 3], "b": ["x", "y", "z"]})
    path = tmp_path / "t.json"
    write_table(frame, path)
    said = refusal(scan, [path])
    assert said.startswith("data file 't.json' holds a whole table in one record: write a record")
    assert cure in said


def test_records_with_lists_are_read_where_there_are_several(tmp_path):
    path = write(tmp_path / "t.jsonl", '{"a": 1, "b": [1]}\n{"a": 2, "b": [2]}\n')
    assert rows(scan([path])) == [(1, [1]), (2, [2])]


def test_bytes_of_a_parquet_file_that_are_texts_are_texts(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"a": ["ä", None, "b"], "text": ["Öl", "x", None], "raw": ["a", "b", "c"]})
    for name, to_bytes in (("text", str.encode), ("raw", lambda text: text.encode() + b"\xff")):
        frame[name] = [to_bytes(value) if isinstance(value, str) else None for value in frame[name]]
    frame.to_parquet(path)
    assert types(scan([path])) == {"a": "VARCHAR", "text": "VARCHAR", "raw": "BLOB"}
    assert [row[1] for row in rows(scan([path]))] == ["Öl", "x", None]
    assert types(scan([path], {"text": "VARCHAR"}))["text"] == "VARCHAR"


@pytest.mark.parametrize("name", ["t.xlsx", "T.XLS", "t.ods"])
def test_a_workbook_is_refused_with_the_cure(tmp_path, name):
    said = refusal(kind, [write(tmp_path / name, "x")])
    assert "is a workbook, which is not read: save its sheet as CSV" in said
    assert f"pandas.read_excel('{name}')" in said
