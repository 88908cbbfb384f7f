import gzip

import pytest

from sql_features.errors import WorkflowError
from sql_features.expressions import connect
from workflow.data.csv_format import dialect
from workflow.data.readers import scan, target_named

ROWS = "103.1,3,west,1.5\n96.7,2,north,2.5\n116.0,6,old town,3.5\n"
READ = [(103.1, 3, "west", 1.5), (96.7, 2, "north", 2.5), (116.0, 6, "old town", 3.5)]
HEADER = "size,rooms,area,price\n"


def write(tmp_path, text: str, name: str = "t.csv"):
    path = tmp_path / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def read(path) -> tuple[list[str], list[tuple]]:
    with connect() as connection:
        asked = connection.execute(f"SELECT * FROM {scan([path])}")
        return [name for name, *_ in asked.description], asked.fetchall()


@pytest.mark.parametrize(
    "above",
    [
        "# station 17, version 2\n# units: m2, -, -, EUR\n",
        "#\n## made by a tool\n\n",
        "Sales report 2024\nExported by tool on 2024-05-01\n\n",
        "Sales report 2024,,,\n,,,\n",
        '# 5" pipes\n# "A" pipes\n',
        "\n  \nSales, I\n".replace(", I", ""),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_comments_and_titles_above_the_header_are_passed_over(tmp_path, above, newline):
    path = write(tmp_path, (above + HEADER + ROWS).replace("\n", newline))
    assert read(path) == (["size", "rooms", "area", "price"], READ)


@pytest.mark.parametrize("start", ["sep=;\n", "SEP=;\n", '"sep=;"\n', "\ufeffsep=;\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_first_line_may_name_the_delimiter(tmp_path, start, newline):
    text = start + (HEADER + ROWS).replace(",", ";")
    assert read(write(tmp_path, text.replace("\n", newline)))[1] == READ


def test_a_delimiter_of_any_kind_may_be_named(tmp_path):
    assert read(write(tmp_path, "sep=^\na^b\n1^2,5\n"))[1] == [(1, "2,5")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("#id,name\n1,a\n2,b\n", ["#id", "name"]),
        ("# id,name\n1,a\n2,b\n", ["# id", "name"]),
        ("# id,name\nx,a\ny,b\n", ["x", "a"]),
        ("a,,\nx,y,z\nu,v,w\n", ["a", "column1", "column2"]),
        ("2019,2020\n1,2\n3,4\n", ["2019", "2020"]),
    ],
)
def test_a_line_that_may_be_the_header_is_the_header(tmp_path, text, names):
    assert list(dialect(write(tmp_path, text)).names) == names


def test_a_title_of_several_lines_is_refused(tmp_path):
    path = write(tmp_path, '"A title\nof two lines",,,\n' + HEADER + ROWS)
    with pytest.raises(WorkflowError, match="above the columns' names opens a quote"):
        dialect(path)


def test_a_title_above_no_certain_header_is_refused(tmp_path):
    path = write(tmp_path, "Sales report 2024\n" + ROWS)
    with pytest.raises(WorkflowError, match=r"'t\.csv': its first line has one value .*line 2"):
        dialect(path)


@pytest.mark.parametrize("name", ["t.txt", "t.csv", "t.txt.gz"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_columns_may_be_set_apart_by_blanks_alone(tmp_path, name, newline):
    text = "size   rooms  area\n  103.1    3 \t west \n   96.7   NA  north\n\n 5 12 x,y\n"
    path = write(tmp_path, text.replace("\n", newline), name)
    assert read(path) == (
        ["size", "rooms", "area"],
        [(103.1, 3, "west"), (96.7, None, "north"), (5.0, 12, "x,y")],
    )


def test_a_later_line_of_another_width_is_refused(tmp_path):
    path = write(tmp_path, "size rooms\n" + "1 2\n" * 100_000 + "1 2 3\n", "t.txt")
    with pytest.raises(WorkflowError, match="a line has not 2 values, set apart by blanks: 1 2 3"):
        read(path)


@pytest.mark.parametrize("text", ["full name\nJohn Smith\nJane Doe\n", "text\na b\nc d\n"])
def test_one_column_of_texts_with_blanks_stays_one(tmp_path, text):
    assert len(dialect(write(tmp_path, text)).names) == 1


def test_quotes_may_be_escaped_by_backslashes(tmp_path):
    text = 'size,area\n1,"west"\n2,"the \\"old\\" town"\n3,"a, b"\n'
    assert read(write(tmp_path, text))[1] == [(1, "west"), (2, 'the "old" town'), (3, "a, b")]


def test_a_backslash_at_the_end_of_a_value_escapes_nothing(tmp_path):
    assert read(write(tmp_path, 'a,b\n1,"C:\\"\n2,"D:\\"\n'))[1] == [(1, "C:\\"), (2, "D:\\")]


def test_a_quote_that_cannot_be_read_is_refused_with_the_cure(tmp_path):
    path = write(tmp_path, 'a,b\n1,"x"\n2,"the "old" town"\n')
    with pytest.raises(WorkflowError) as caught:
        read(path)
    assert str(caught.value).startswith("data: line 3 of t.csv has a quote that is not closed")
    assert 'must be doubled: "the ""old"" town"' in str(caught.value)


def test_a_file_without_a_header_is_refused_as_such(tmp_path):
    path = write(tmp_path, ROWS)
    with pytest.raises(WorkflowError) as caught:
        target_named("price", [path], dialect(path).names)
    assert str(caught.value) == (
        "target='price': the first line of t.csv looks like values (103.1, 3, west, 1.5), not like "
        "the columns' names: put a line with their names above it."
    )


@pytest.mark.parametrize("name", ["price", " price", "price\u00a0"])
def test_blanks_around_the_name_of_the_target_do_not_count(tmp_path, name):
    path = write(tmp_path, "size,price\u00a0 \n1,2\n")
    assert target_named(name, [path], dialect(path).names) == "price\u00a0 "
    with pytest.raises(WorkflowError, match="unknown target 'prize'"):
        target_named("prize", [path], dialect(path).names)
