from pathlib import Path

import duckdb
import pytest

from sql_features.expressions import connect
from workflow.data.readers import scan, scan_text
from workflow.data.scan_errors import failed, reason

ROWS = "".join(f"{n},x\n" for n in range(50))


def refusal(path: Path, content: str, **types: str) -> str:
    path.write_bytes(content.encode())
    table = scan([path], types) if types else scan_text([path])
    with connect() as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute(f"SELECT * FROM {table}").fetchall()
    said = str(failed(table, caught.value))
    assert "\n" not in said and "strict_mode" not in said and len(said) < 300
    assert reason(caught.value) in said
    return said


@pytest.mark.parametrize(
    "line, words",
    [
        (
            "1,2,3",
            "has 3 values and the header 2 names, '1,2,3': put quotes around a value that holds "
            "the delimiter, or take the line out.",
        ),
        ("1", "has 1 value and the header 2 names, '1': look whether it was cut off"),
        (
            '1,"open',
            "has a quote that is not closed where its value ends, "
            "'1,\"open 0,x 1,x 2,x 3,x 4,x 5,x 6,x 7,x…'. A quote inside a quoted value must be "
            'doubled: "the ""old"" town".',
        ),
        ('1,"the "old" town"', "has a quote that is not closed where its value ends"),
        (f"1,{'y' * 2_000_001}", "is longer than 2,000,000 bytes, '1,yyyyy"),
    ],
)
@pytest.mark.parametrize(
    "above, number", [("a,b\n", 52), ("\n# note\na,b\n", 54), ('a,b\n1,"two\nlines"\n', 54)]
)
def test_a_csv_error_names_the_line_and_the_cure(tmp_path, line, words, above, number):
    said = refusal(tmp_path / "t.csv", f"{above}{ROWS}{line}\n{ROWS}")
    assert said.startswith(f"data: line {number} of t.csv {words}")


def test_a_value_that_is_not_of_the_given_type_is_shown_with_the_cure(tmp_path):
    said = refusal(tmp_path / "t.csv", f"a,b\n{ROWS}n. a.,x\n", a="DOUBLE")
    assert said == (
        "data: line 52 of t.csv: 'n. a.' in column 'a' is no DOUBLE: correct it, or write columns: "
        "{a: {type: DOUBLE, invalid: missing}} in the dataset file, so that it is missing."
    )


def test_line_ends_that_cannot_be_parsed_are_refused_in_our_words(tmp_path):
    said = refusal(tmp_path / "t.csv", f"a,b\r\n{ROWS}")
    assert said.startswith("data t.csv: its quotes and line ends do not fit together: write it")
