"""What DuckDB says of a CSV file that it cannot read, in our words."""

import csv
import io
import re
from pathlib import Path

from workflow.data.column_reading import line_of
from workflow.data.csv_format import dialect
from workflow.data.csv_header import ALIGNED, quoting
from workflow.data.line_ends import opened
from workflow.plain_values import quoted

SAID = re.compile(
    r"CSV Error on Line: (?P<number>\d+)\nOriginal Line: ?(?P<line>.*)\n(?:"
    r"Expected Number of Columns: (?P<expected>\d+) Found: (?P<found>\d+)"
    r"|(?P<quote>Value with unterminated quote)"
    r"|(?P<long>Maximum line size of (?P<limit>\d+) bytes)"
    r'|Error when converting column "(?P<column>.*)"\. '
    r"Could not convert string \"(?P<text>.*)\" to '(?P<type>[^']*)')",
    re.DOTALL,
)
FILE = re.compile(r"\n *file = (.*)\n *delimiter = ")
CURE = 'A quote inside a quoted value must be doubled: "the ""old"" town".'


def explained(error: Exception) -> str | None:
    """Return what is wrong with which line of which file, and what to do; None if it is not known.

    The text is one line, whatever the file holds.
    """
    message = str(error)
    said, file = SAID.search(message), FILE.search(message)
    if said is None or file is None:
        return None
    path = Path(file[1])
    where = f"line {_line(path, int(said['number'])):,} of {path.name}"
    shown = quoted(said["line"])
    if said["quote"]:
        return f"{where} has a quote that is not closed where its value ends, {shown}. {CURE}"
    if said["long"]:
        return (
            f"{where} is longer than {int(said['limit']):,} bytes, {shown}: look whether a quote "
            "before it is not closed, or take the column out of the file."
        )
    if said["column"] is not None:
        column, type = said["column"], said["type"]
        line = line_of(column, {"type": type, "invalid": "missing"})
        return (
            f"{where}: {quoted(said['text'])} in column {quoted(column)} is no {type}: correct it, "
            f"or write {line} in the dataset file, so that it is missing."
        )
    expected, found = int(said["expected"]), int(said["found"])
    cure = "put quotes around a value that holds the delimiter"
    if found < expected:
        cure = "look whether it was cut off; an empty value is set apart by delimiters too"
    return (
        f"{where} has {found:,} value{'' if found == 1 else 's'} and the header {expected:,} "
        f"name{'' if expected == 1 else 's'}, {shown}: {cure}, or take the line out."
    )


def _line(path: Path, number: int) -> int:
    """Return in which line a record begins, of which DuckDB says the number.

    DuckDB counts a record of several lines as one.
    """
    file = dialect(path)
    if file.delimiter == ALIGNED:
        return number
    with opened(path) as binary, io.TextIOWrapper(binary, file.encoding, newline="") as lines:
        for _ in range(file.skip):
            next(lines, None)
        reader = csv.reader(lines, delimiter=file.delimiter, **quoting(file.escape))
        try:
            for before, _ in enumerate(reader, start=file.skip + 1):
                if before == number - 1:
                    return file.skip + reader.line_num + 1
        except csv.Error:  # a field of more than 128 KiB
            pass
    return number
