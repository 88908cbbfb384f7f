"""How texts of the raw files are read: which mean missing, which do not fit, which signs fall away.

Nothing of it is silent: what a definition says of a column is counted in the texts of the files.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from sql_features.duckdb_types import kind_of
from sql_features.expressions import connect, literal, quote
from sql_features.text_reading import VARIES, of_text
from sql_features.time_texts import BLANKS
from workflow.checks.finding import NOTE, WARNING, Finding
from workflow.data import file_kinds, readers
from workflow.data.column_reading import line_of
from workflow.data.dataset import Dataset
from workflow.plain_values import quoted
from workflow.schema.column_stats import narrow

CHECK = "text readings"
SHOWN = 3  # texts in a message
LOOKED_AT = 100  # texts, the first in their order, among which are those that are shown
NOUNS = {"number": "number", "date": "date", "time": "time of day", "boolean": "truth value"}


def doubts(found: Mapping[str, str], part: str) -> list[Finding]:
    """Return as findings what could not be known when a dataset was inferred, by column."""
    return [Finding(CHECK, part, column, 0, WARNING, line) for column, line in found.items()]


def check(dataset: Dataset, files: Mapping[str, list[Path]], *, inferred: bool) -> list[Finding]:
    """Count in the raw files what becomes of the texts of columns that are read in some way.

    Args:
        dataset: The definition.
        files: Raw files by split, or as one table.
        inferred: Whether the definition was inferred: then nobody has said yet which texts mean
            missing, so that it is a warning.
    """
    used = {name.casefold() for name in dataset.raw_columns}
    readings = {n: reading for n, reading in dataset.readings.items() if n.casefold() in used}
    found: list[Finding] = []
    if not readings:
        return found
    for part, paths in files.items():
        text = file_kinds.kind(paths) != "parquet"
        scan = readers.scan_text(paths, dataset.missing) if text else readers.scan(paths)
        with connect() as connection:
            types = readers.columns(connection, scan)
            there = {name.casefold(): name for name, type in types.items() if type == "VARCHAR"}
            own = {there[n.casefold()]: r for n, r in readings.items() if n.casefold() in there}
            for name, reading, counts in _counted(connection, scan, own, dataset.missing or ()):
                found += _findings(connection, part, name, reading, counts, inferred)
    return found


def _counted(
    connection: duckdb.DuckDBPyConnection,
    scan: str,
    readings: Mapping[str, dict[str, Any]],
    missing: Sequence[str],
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each column with its reading and what is counted of it, in few passes over the rows."""
    for names in narrow(list(readings)):
        some = {name: readings[name] for name in names}
        yield from _counted_together(connection, scan, some, missing)


def _counted_together(
    connection: duckdb.DuckDBPyConnection,
    scan: str,
    readings: Mapping[str, dict[str, Any]],
    missing: Sequence[str],
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    asked = []
    for name, reading in readings.items():
        text = quote(name)
        bare = f"trim({text}, {literal(BLANKS)})"
        own = ", ".join(map(literal, reading.get("missing", [])))
        means_missing = f"{bare} IN ({own})" if own else "false"
        value = of_text(text, name, reading | {"invalid": "missing"}, missing)
        odd = f"NOT {means_missing} AND {value} IS NULL"
        # Texts that show how they are read: those that a plain cast would not take.
        shown = f"{value} IS NOT NULL AND TRY_CAST({text} AS {reading['type']}) IS NULL"
        if "width" in reading:
            shown = f"{text} LIKE '0_%'"
        asked.append(
            f"{{'known': count({text}), 'missing': count(*) FILTER ({means_missing}), "
            f"'odd': count(*) FILTER ({text} IS NOT NULL AND {odd}), "
            f"'odd_texts': min({text}, {LOOKED_AT}) FILTER ({odd}), "
            f"'shown': min({text}, {LOOKED_AT}) FILTER ({shown})}}"
        )
    (row,) = connection.execute(f"SELECT {', '.join(asked)} FROM {scan}").fetchall()
    for (name, reading), counts in zip(readings.items(), row, strict=True):
        for key in ("odd_texts", "shown"):
            counts[key] = list(dict.fromkeys(counts[key] or ()))[:SHOWN]
        yield name, reading, counts


def _findings(
    connection: duckdb.DuckDBPyConnection,
    part: str,
    name: str,
    reading: dict[str, Any],
    counts: dict[str, Any],
    inferred: bool,
) -> Iterator[Finding]:
    column = f"column {quoted(name)}"
    if rows := counts["missing"]:
        texts = reading["missing"]
        line = line_of(name, {"type": "VARCHAR"})
        message = (
            f"{column}: {listed(texts)} {'is' if len(texts) == 1 else 'are'} taken for missing "
            f"values, in {rows:,} of the {counts['known']:,} rows with a text; if they are "
            f"values, write {line} in the dataset file."
        )
        yield Finding(CHECK, part, name, rows, WARNING if inferred else NOTE, message)
    if rows := counts["odd"]:
        noun = NOUNS.get(kind_of(reading["type"]), "value")
        message = (
            f"{column}: {rows:,} of {counts['known']:,} texts are no {noun}s, such as "
            f"{listed(counts['odd_texts'])}, and are taken for missing: correct them, or say how "
            f"they are read in the dataset file, {line_of(name, reading)} now."
        )
        yield Finding(CHECK, part, name, rows, WARNING, message)
    if not (shown := counts["shown"]):
        return
    if width := reading.get("width"):
        digits = "differing numbers of" if width == VARIES else width
        message = (
            f"{column} has numbers with leading zeros, such as {listed(shown)}: they stay texts, "
            f"of {digits} digits; to have numbers, write {line_of(name, {'type': 'DOUBLE'})} in "
            "the dataset file."
        )
    else:
        values = [_value(connection, text, name, reading) for text in shown]
        pairs = zip(shown, values, strict=True)
        said = ", ".join(f"{listed([text])} as {value}" for text, value in pairs)
        message = f"{column} is read by {line_of(name, reading)}: {said}."
    yield Finding(CHECK, part, name, len(shown), NOTE, message)


def _value(
    connection: duckdb.DuckDBPyConnection, text: str, name: str, reading: dict[str, Any]
) -> str:
    query = f"SELECT {of_text('x', name, reading)} FROM (SELECT {literal(text)} AS x)"
    ((value,),) = connection.execute(query).fetchall()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def listed(texts: Sequence[str]) -> str:
    """Return texts in quotes, for a message."""
    return ", ".join(map(quoted, texts))
