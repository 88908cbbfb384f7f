"""How a CSV file is written: encoding, delimiter, names of its columns, types of its texts.

DuckDB's own detection (`sniff_csv` of 2.0.0) is not used, because it differs from what pandas reads
or loses data:

- encoding: it takes UTF-8 for granted, and fails on Latin-1;
- delimiter: it skips leading lines that are narrower than later ones, the header and rows of data
  included, without a word;
- names: it strips blanks, and numbers repeated names in another way;
- new lines: after a header with a quoted line break and CRLF at its end it returns no row at all;
- types: it takes 1/31/11 for a date, `yes` and `t` for booleans, 0x10 for a number and `Infinity`
  for a date, and a column of dates and timestamps, or of times with a zone, for text.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from sql_features.duckdb_types import ZONED
from sql_features.errors import WorkflowError
from sql_features.expressions import quote
from workflow.data.csv_header import delimiter_and_header, is_value, records
from workflow.data.line_ends import opened

NEWLINE = r"\r\n|\r|\n"
BLANK = re.compile(rf"(?:[ \t]*(?:{NEWLINE}))*")  # lines
COMMENTS = re.compile(rf"(?:(?:[ \t]*|#(?:[ \t#!][^\r\n]*)?)(?:{NEWLINE}))*")  # and blank lines
# Spreadsheets write such a first line for each other, and take it for no part of the table.
SEPARATOR = re.compile(rf'"?sep=([^\r\n"])"?[ \t]*(?:{NEWLINE})', re.IGNORECASE)
OPENED = re.compile(r'(?:^|[,;|\t])\s*"')
# A quote after a backslash that does not end a value, as databases escape it.
ESCAPED = re.compile(r'(?<!\\)\\"(?!"|[ \t]*(?:[,;|\t\r\n]|\Z))')
HEAD = 2**18  # characters of a file in which the header and the delimiter are looked for
TYPES = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", ZONED, "BOOLEAN", "TIME", "VARCHAR")
# Two places in TYPES, and the place of the type that holds both; only VARCHAR holds other pairs.
WIDER = {(0, 1): 1, (2, 3): 3, (2, 4): 4, (3, 4): 4}
# Matches a text with a zone, or AM or PM, after a time of day. Casts to TIMESTAMP and to TIME leave
# it out without a word.
AFTER_TIME = ":[0-9.]+ *[A-Za-z+-]"
# SQL of the place in TYPES of the narrowest type of one text. Only ISO dates are dates: of another
# format a model that is given such a text later would know nothing.
PLACE = (
    "CASE WHEN {0} IS NULL THEN NULL "
    "WHEN TRY_CAST({0} AS DOUBLE) IS NOT NULL THEN "
    "CASE WHEN TRY_CAST({0} AS BIGINT) IS NOT NULL "
    "AND regexp_full_match({0}, ' *[+-]?[0-9]+ *') THEN 0 ELSE 1 END "
    "WHEN TRY_CAST({0} AS TIMESTAMP) IS NOT NULL THEN "
    f"CASE WHEN length({{0}}) <= 10 THEN 2 WHEN NOT regexp_matches({{0}}, '{AFTER_TIME}') THEN 3 "
    f"WHEN TRY_CAST({{0}} AS {ZONED}) IS NOT NULL THEN 4 ELSE 7 END "
    "WHEN lower({0}) IN ('true', 'false') THEN 5 "
    f"WHEN TRY_CAST({{0}} AS TIME) IS NOT NULL AND NOT regexp_matches({{0}}, '{AFTER_TIME}') "
    "THEN 6 ELSE 7 END"
)


Versions = tuple[tuple[Path, int, int], ...]  # files, with what `version` returns of each


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one CSV file is written.

    Attributes:
        encoding: `utf-8` or `latin-1`.
        delimiter: One of `csv_header.DELIMITERS`, what a line such as `sep=;` says, or its
            `ALIGNED`.
        escape: What stands before a quote inside a quoted value: another quote, or a backslash.
        newline: What ends a row, with the backslashes that DuckDB wants; a quoted value may hold
            another line break.
        skip: Lines before the header: blank ones, `sep=;`, comments and titles.
        header: The columns' names as the file has them, blank and repeated ones included.
        names: A unique name for each column in SQL; the one in the header where that is possible.
    """

    encoding: str
    delimiter: str
    escape: str
    newline: str
    skip: int
    header: tuple[str, ...]
    names: tuple[str, ...]


def dialect(path: Path) -> Dialect:
    """Return how a CSV file is written. All of it is read once, to find out its encoding.

    Raises:
        WorkflowError: It cannot be read, is empty, or is in another encoding.
    """
    return _dialect(path, *version(path))


def version(path: Path) -> tuple[int, int]:
    """Return a file's time of modification in ns and its size in bytes; a change changes them.

    Raises:
        WorkflowError: There is no such file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise WorkflowError(f"data file {path} cannot be read: {error.strerror}.") from error
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1024)  # a call reads all of the file
def _dialect(path: Path, *version: int) -> Dialect:
    try:
        encoding, text = _decoded(path)
    except (OSError, EOFError, zlib.error) as error:
        raise WorkflowError(f"data file {path} cannot be read: {error}.") from error
    cut = len(text) == HEAD
    marked, text = text.startswith("\ufeff"), text.removeprefix("\ufeff")
    separator = SEPARATOR.match(text)
    start = separator.end() if separator else 0
    blank = BLANK.match(text, start)
    start = blank.end() if blank else start
    if not text[start:].strip():
        raise WorkflowError(f"data file '{path.name}' is empty: its first line must name columns.")
    escape = "\\" if ESCAPED.search(text) else '"'
    # A first line such as `# a,b,c` may as well be the header itself: the line below it tells.
    comments = COMMENTS.match(text, start)
    below = comments.end() if comments else start
    try:
        delimiter, titles, names = _header(text[below:], path, separator, escape, cut)
        commented = below > start and not any(map(is_value, names))
    except WorkflowError:
        if below == start:
            raise
        commented = False
    if below > start and not commented:
        delimiter, titles, names = _header(text[start:], path, separator, escape, cut)
    start = below if commented else start
    rest, header = text[start:], tuple(names)
    above = re.split(NEWLINE, text)[: len(re.findall(NEWLINE, text[:start])) + titles]
    # DuckDB skips a quoted value of several lines as one line, and would lose the first row.
    if any(line.count('"') % 2 and OPENED.search(line) for line in above):
        raise WorkflowError(
            f"data file '{path.name}': a line above the columns' names opens a quote and does not "
            "close it: take out the lines above the names."
        )
    if any("\0" in name for name in header):
        raise WorkflowError(f"data file '{path.name}' is no text file: its header has a zero byte.")
    ended = re.search(NEWLINE, re.sub(r'"[^"]*"', "", rest))
    # DuckDB takes a quote after the byte order mark for text, and may then return no row at all.
    if marked and set(header[0]) & {delimiter, '"', "\n", "\r"}:
        raise WorkflowError(
            f"data file '{path.name}' begins with a byte order mark and a name that needs quotes: "
            "remove the mark, or rename the first column."
        )
    return Dialect(
        encoding=encoding,
        delimiter=delimiter,
        escape=escape,
        newline=ended.group().encode("unicode_escape").decode() if ended else r"\n",
        skip=len(above),
        header=header,
        names=tuple(_distinct(header)),
    )


def _header(
    text: str, path: Path, separator: re.Match[str] | None, escape: str, cut: bool
) -> tuple[str, int, list[str]]:
    """Return the delimiter, the lines above the header, and its names."""
    if separator is None:
        return delimiter_and_header(text, path.name, escape=escape, cut=cut)
    delimiter = separator[1]
    return delimiter, 0, next((record for _, record in records(text, delimiter, escape)), [])


def _decoded(path: Path) -> tuple[str, str]:
    """Return a text file's encoding, and its first `HEAD` characters."""
    with opened(path) as file:
        chunks = iter(lambda: file.read(2**20), b"")
        decoder, text = codecs.getincrementaldecoder("utf-8")(), ""
        try:
            for chunk in chunks:
                decoded = decoder.decode(chunk)
                text += decoded[: HEAD - len(text)]
            decoder.decode(b"", final=True)
            return "utf-8", text
        except UnicodeDecodeError:
            file.seek(0)
        start = file.read(HEAD)
        file.seek(0)
        # Latin-1 has control characters there, which no text holds; other encodings have letters.
        other = any(re.search(rb"[\x80-\x9f]", chunk) for chunk in chunks)
    if other or start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise WorkflowError(
            f"data file '{path.name}' is neither UTF-8 nor Latin-1: convert it, for example with "
            f"iconv -f windows-1252 -t utf-8 (or -f utf-16)."
        )
    return "latin-1", start.decode("latin-1")


def _distinct(header: tuple[str, ...]) -> Iterator[str]:
    """Yield a name for each column that is not blank and, whatever its case, unique."""
    own: dict[str, int] = {}
    for place, name in enumerate(header):
        if name.strip():
            own.setdefault(name.casefold(), place)
    taken = set(own)
    for place, name in enumerate(header):
        unique = base = name if name.strip() else f"column{place}"
        suffix = 0
        while own.get(unique.casefold()) != place and unique.casefold() in taken:
            suffix += 1
            unique = f"{base}_{suffix}"
        taken.add(unique.casefold())
        yield unique


def narrowest(
    connection: duckdb.DuckDBPyConnection, source: str, names: list[str]
) -> dict[str, str]:
    """Return the narrowest of `TYPES` that fits every text of a column, by column.

    Args:
        connection: Any connection.
        source: SQL of a table.
        names: Its columns, of texts.
    """
    places = ((PLACE.format(quote(name)), n) for n, name in enumerate(names))
    narrow = ", ".join(f"CAST({place} AS TINYINT) AS c{n}" for place, n in places)
    ranges = ", ".join(f"[min(c{n}), max(c{n})]" for n in range(len(names)))
    query = f"SELECT {ranges} FROM (SELECT {narrow} FROM {source})"
    (found,) = connection.execute(query).fetchall()
    types = {}
    for name, (low, high) in zip(names, found, strict=True):
        place = low if low == high else WIDER.get((low, high))
        types[name] = "VARCHAR" if place is None else TYPES[place]
    return types
