"""What cannot be known of how a column is read: a sentence with three texts, and what to write."""

import re
from typing import Any

from sql_features.expressions import literal, quote
from sql_features.frames import ROW
from sql_features.text_reading import of_text
from workflow.data.column_reading import Reading, line_of
from workflow.plain_values import QUOTED, one_line, quoted
from workflow.schema.column_roles import ColumnUse, is_number
from workflow.schema.column_stats import MOSTLY, Column, Table

SHOWN = 3  # texts in a sentence
MANY = 50  # different texts, from which on that they are as many as half of the rows is no chance
HALF = 0.5
MOST_COLUMNS = 200  # of texts, in which a last row with a total is looked for
TOTAL = re.compile(
    r"((grand|sub)[ -]?)?totals?:?|sum:?|summe:?|gesamt(summe)?:?|insgesamt:?|somme:?|totale?:?",
    re.IGNORECASE,
)


def doubt_of(table: Table, column: Column, use: ColumnUse | None) -> str | None:
    """Return what is to be known of how a column is read, or None where there is nothing.

    Args:
        table: The table.
        column: The column.
        use: How it is used as a feature; None for the target.
    """
    if use and use.time:
        return use.time.doubt
    if is_number(column) and column.format.other is not None:
        return _two_readings(table, column)
    if use and use.kind == "category" and column.reading is None:
        return _many_texts(column) or _some_numbers(column)
    return None


def doubt_of_last_row(table: Table) -> dict[str, str]:
    """Return what is to be known of a last row that calls itself a total, by the column that does.

    Nothing is found in tables of more than `MOST_COLUMNS` columns of texts.
    """
    texts = [quote(name) for name, column in table.columns.items() if column.type == "VARCHAR"]
    if not texts or len(texts) > MOST_COLUMNS:
        return {}
    row = quote(ROW)
    rows = f"SELECT {', '.join(texts)}, row_number() OVER () AS {row} FROM {table.source}"
    last = table.ask(f"SELECT {', '.join(texts)} FROM ({rows}) WHERE {row} = {table.rows}")
    found = {}
    for name, text in zip(texts, last, strict=True):
        if text is None or not TOTAL.fullmatch(text.strip()):
            continue
        (same,) = table.ask(f"SELECT count(*) FROM {table.source} WHERE {name} = {literal(text)}")
        if same == 1:
            column = next(one for one in table.columns if quote(one) == name)
            found[column] = (
                f"column {quoted(column)} is {quoted(text)} in the last row alone: "
                "if that row is the sum of the others, take it out of the file; it is trained on, "
                "or scored, like the others."
            )
    return found


def _two_readings(table: Table, column: Column) -> str | None:
    first, second = column.format.keys, column.format.other
    assert second is not None
    if not column.format.doubtful and not {"decimal", "group"} & first.keys():
        return None  # points that are decimal, as those of other columns
    texts = sorted(column.texts, key=lambda text: "." in text or "," in text, reverse=True)
    values = [
        table.ask(
            f"SELECT {', '.join(_value(column.name, keys) for keys in (first, second))} "
            f"FROM (SELECT {literal(text)} AS {quote(column.name)})"
        )
        for text in texts[:SHOWN]
    ]
    shown = ", ".join(
        f"{text} as {one:.15g}"
        for text, (one, _) in zip(texts, values, strict=False)
        if one is not None
    )
    other = ", ".join(f"{one:.15g}" for _, one in values if one is not None)
    why = "nothing in the file tells which of two readings is right"
    if not column.format.doubtful:
        why = "the numbers of other columns are written so"
    line = line_of(column.name, Reading(type="DOUBLE", **second).given)
    return (
        f"column {quoted(column.name)}: {shown}: {why}; if they are {other}, write {line} "
        "in the dataset file."
    )


def _value(name: str, keys: dict[str, Any]) -> str:
    return of_text(quote(name), name, {"type": "DOUBLE", **keys, "invalid": "missing"})


def _some_numbers(column: Column) -> str | None:
    if column.numbers < HALF * column.known:
        return None
    shown = ", ".join(map(quoted, column.texts[:SHOWN]))
    line = line_of(column.name, {"type": "DOUBLE", "invalid": "missing"})
    return (
        f"column {quoted(column.name)}: {column.numbers:,} of {column.known:,} texts are "
        f"numbers, others are not, such as {shown}, so it is taken for a category: if the others "
        f"mean missing, write {line} in the dataset file."
    )


def _many_texts(column: Column) -> str | None:
    few = column.distinct < max(MANY, HALF * column.known)
    if few or column.digits < MOSTLY * column.known:
        return None
    shown = ", ".join(repr(one_line(text, QUOTED)) for text in column.texts[:SHOWN])
    number = line_of(column.name, {"type": "DOUBLE", "strip": ["kg"]})
    date = line_of(column.name, {"type": "DATE", "format": "%d.%m.%Y"})
    return (
        f"column {quoted(column.name)} has {column.distinct:,} different texts in "
        f"{column.known:,} rows, with digits, such as {shown}, and is taken for a category: if "
        f"they are numbers or dates, say in the dataset file how they are written, as in "
        f"{number} or {date}."
    )
