"""Which line of a CSV file names its columns, and what stands between the values."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from sql_features.errors import WorkflowError

DELIMITERS = ",;\t|"
ALIGNED = " +"  # no delimiter: any number of blanks, as in tables that are aligned for people
# A number, a date or a time, in whichever way it is written.
VALUE = re.compile(r"\s*[-+]?[.,]?[0-9][0-9\s.,'/:-]*([eE][-+]?[0-9]+)?\s?[%$€£]?\s*")
AGREEING = 0.9  # share of the records that must be as wide as a header below a title
Record = tuple[int, list[str]]  # the lines before it, and its fields


def delimiter_and_header(
    text: str, file: str, *, escape: str = '"', cut: bool = False
) -> tuple[str, int, list[str]]:
    """Return what stands between the values, the lines above the header, and its names.

    Lines with one value above a header that is wider are titles. They are passed over where it is
    certain which line is the header: its names are all there and different, none looks like a
    number or a date, and values in the rows below do.

    Args:
        text: The beginning of the file, from its first line that is not blank.
        file: The file's name, for the error.
        escape: What stands before a quote inside a quoted value.
        cut: Whether the last record is not whole.

    Raises:
        WorkflowError: There is a title, but it is not certain which line is the header.
    """
    delimiter = max(DELIMITERS, key=lambda one: _fit(text, one, escape, cut))
    (_, first), *_ = [*records(text, delimiter, escape), (0, [""])]
    if len(first) == 1 and (columns := _aligned(text, cut)):
        return ALIGNED, 0, columns
    if _filled(first) < 2:
        found = max(
            (_below_titles(text, one, escape, cut) for one in DELIMITERS),
            key=lambda found: len(found[1][1]) if found else 0,
        )
        if found:
            of_titled, (lines, header), rows = found
            if names_columns(header, rows):
                return of_titled, lines, header
            if len(first) == 1:
                raise WorkflowError(
                    f"data file '{file}': its first line has one value and the rows have "
                    f"{len(header)}; line {lines + 1} after the blank ones at the top seems to be "
                    "the header, if there is one: take out the lines above the line that names "
                    "the columns."
                )
    return delimiter, 0, first


def records(text: str, delimiter: str, escape: str = '"') -> Iterator[Record]:
    """Yield the records that are not blank, each with how many lines are before it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **quoting(escape))
    before = 0
    try:
        for record in reader:
            if record:
                yield before, record
            before = reader.line_num
    except csv.Error:  # a field of more than 128 KiB: what comes before it has to do
        return


def quoting(escape: str) -> dict[str, Any]:
    """Return what `csv.reader` is to know of quotes inside quoted values."""
    return {"doublequote": True} if escape == '"' else {"escapechar": escape}


def is_value(text: str) -> bool:
    """Tell whether a text looks like a number, a date or a time.

    >>> is_value("103.1"), is_value("2024-05-01"), is_value("1.234,5 €"), is_value("3rd floor")
    (True, True, True, False)
    """
    return bool(VALUE.fullmatch(text))


def names_columns(header: list[str], rows: list[list[str]]) -> bool:
    """Tell whether a record is certainly the header of the rows below it."""
    names = {name.strip().casefold() for name in header}
    if "" in names or len(names) < len(header) or any(map(is_value, header)) or not rows:
        return False
    wide = [row for row in rows if len(row) >= len(header)]
    columns = list(zip(*(row[: len(header)] for row in wide), strict=True))
    return any(sum(map(is_value, column)) > len(column) / 2 for column in columns)


def _fit(text: str, delimiter: str, escape: str, cut: bool) -> tuple[float, int]:
    """Return the share of records as wide as the header by this delimiter, and that width."""
    width, *others = [len(record) for _, record in records(text, delimiter, escape)] or [0]
    if cut:
        others = others[:-1]
    agreeing = sum(one == width for one in others) / len(others) if others else 1.0
    return (agreeing, width) if width > 1 else (0.0, 0)


def _below_titles(
    text: str, delimiter: str, escape: str, cut: bool
) -> tuple[str, Record, list[list[str]]] | None:
    """Return the first record of several values, if nearly all below it are as wide."""
    found = list(records(text, delimiter, escape))
    if cut:
        found = found[:-1]
    start = next((n for n, (_, record) in enumerate(found) if _filled(record) > 1), len(found))
    if not start or len(found) < start + 2:
        return None
    rows = [record for _, record in found[start + 1 :]]
    width = len(found[start][1])
    if sum(len(row) == width for row in rows) < AGREEING * len(rows):
        return None
    return delimiter, found[start], rows


def _aligned(text: str, cut: bool) -> list[str] | None:
    """Return the header of a table whose columns are set apart by blanks alone, if it is one."""
    if '"' in text:
        return None
    lines = [line.split() for line in re.split(r"\r\n|\r|\n", text) if line.strip()]
    if cut:
        lines = lines[:-1]
    widths = {len(line) for line in lines}
    if len(lines) < 3 or len(widths) > 1 or widths == {1}:
        return None
    return lines[0] if names_columns(lines[0], lines[1:]) else None


def _filled(record: list[str]) -> int:
    return sum(bool(value.strip()) for value in record)
