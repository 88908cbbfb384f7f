"""What becomes of the zones of times in CSV and JSON files.

A column whose texts have zones is read as times in UTC. Where some texts have none, or the dataset
file gives a type that leaves zones out, nothing else would tell.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from sql_features.duckdb_types import ZONED
from sql_features.expressions import connect, literal, quote
from workflow.checks.finding import NOTE, WARNING, Finding
from workflow.checks.text_readings import LOOKED_AT, SHOWN, listed
from workflow.data import file_kinds, readers
from workflow.data.column_reading import line_of
from workflow.data.csv_format import AFTER_TIME
from workflow.data.dataset import Dataset
from workflow.plain_values import quoted

CHECK = "time zones"
CUT = ("TIMESTAMP", "TIME")  # types to which a cast leaves out what stands after the time of day


def check(
    dataset: Dataset, files: Mapping[str, list[Path]], types: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    """Count the texts whose zone is left out, and those without one where a time in UTC is read.

    Columns with a format are not looked at: what does not fit it is refused, or counted elsewhere.

    Args:
        dataset: The definition.
        files: Raw files by split, or as one table.
        types: The DuckDB type of each raw column that the dataset names, by the keys of `files`.
    """
    read = {name.casefold() for name in dataset.readings}
    given = {name.casefold() for name in dataset.columns} - read
    for part, paths in files.items():
        # A type that is not given is the narrowest, which leaves nothing out.
        looked_at = {
            name: type
            for name, type in types[part].items()
            if (type == ZONED and name.casefold() not in read)
            or (type in CUT and name.casefold() in given)
        }
        if looked_at and file_kinds.kind(paths) != "parquet":
            for name, rows, count, texts in _counted(paths, dataset, looked_at):
                is_given = name.casefold() in given
                yield _finding(part, name, looked_at[name], (rows, count), texts, is_given)


def _counted(
    paths: list[Path], dataset: Dataset, types: Mapping[str, str]
) -> Iterator[tuple[str, int, int, list[str]]]:
    """Yield of each column with odd texts how many it has, how many are odd, and some of these."""
    counts = []
    for name, type in types.items():
        text = quote(name)
        zoned = f"regexp_matches({text}, {literal(AFTER_TIME)})"
        odd = f"{text} IS NOT NULL AND {'NOT ' if type == ZONED else ''}{zoned}"
        counts.append(
            f"[count({text}), count(*) FILTER ({odd})], min({text}, {LOOKED_AT}) FILTER ({odd})"
        )
    with connect() as connection:
        scan = readers.scan_text(paths, dataset.missing)
        (row,) = connection.execute(f"SELECT {', '.join(counts)} FROM {scan}").fetchall()
    found = iter(row)
    for name, (rows, odd_rows), texts in zip(types, found, found, strict=True):
        if odd_rows:
            yield name, rows, odd_rows, list(dict.fromkeys(texts))[:SHOWN]


def _finding(
    part: str, name: str, type: str, rows: tuple[int, int], texts: list[str], is_given: bool
) -> Finding:
    known, odd = rows
    column, shown = f"column {quoted(name)}", listed(texts)
    if type == ZONED:
        level = NOTE if is_given else WARNING
        message = (
            f"{column}: {odd:,} of {known:,} times have no zone, such as {shown}, and are taken "
            "for UTC: if they are not, give each its zone in the file."
        )
        return Finding(CHECK, part, name, odd, level, message)
    cures = {"type": ZONED}, {"type": type, "format": "%Y-%m-%d %I:%M:%S %p"}
    if type == "TIME":
        cures = {"type": "VARCHAR"}, {"type": type, "format": "%I:%M:%S %p"}
    message = (
        f"{column} is read as {type}, which leaves out what stands after the time of day in "
        f"{odd:,} of {known:,} texts, such as {shown}: write "
        f"{' or '.join(line_of(name, cure) for cure in cures)} in the dataset file."
    )
    return Finding(CHECK, part, name, odd, WARNING, message)
