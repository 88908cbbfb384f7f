"""What cannot be known of how a column is read: a sentence with three texts, and what to write."""

import re
from itertools import chain, zip_longest
from typing import Any

from sql_features.expressions import literal, quote
from sql_features.frames import ROW
from sql_features.text_reading import of_text
from workflow.data.column_reading import Reading, line_of
from workflow.plain_values import quoted
from workflow.schema import labels, number_formats, units
from workflow.schema.column_roles import ColumnUse, is_number
from workflow.schema.column_stats import MOSTLY, Column, Table
from workflow.schema.date_formats import looks_like_date

SHOWN = 3  # texts in a sentence
MANY = 50  # different texts, from which on that they are as many as half of the rows is no chance
HALF = 0.5
MEASURED = 20  # different texts, above which they are more likely measures than labels
MOST_UNITS = 5  # in a sentence; codes end in more different letters
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
    if is_number(column):
        found = [_two_readings(table, column), _unknown_unit(table, column)]
        return " ".join(filter(None, found)) or None
    if use is None:
        return labels.doubt_of_symbol(table, column)
    if use.kind != "category" or column.reading is not None:
        return None
    taken = "taken for a category"
    if doubt := _several_units(column, taken):
        return doubt
    few = column.distinct < max(MANY, HALF * column.known) or column.digits < MOSTLY * column.known
    if not few or (column.distinct > MEASURED and _looks_read(column)):
        return _many_texts(column, taken)
    return _some_numbers(column)


def doubt_of_left_out(column: Column) -> str | None:
    """Return what is to be known of a column of texts that is left out though it may be numbers."""
    if column.values != "text" or column.distinct <= MEASURED:
        return None
    if doubt := _several_units(column, "left out"):
        return doubt
    return _many_texts(column, "left out") if _looks_read(column) else None


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
    if second is None:
        return None
    if not column.format.doubtful and not {"decimal", "group"} & first.keys():
        return None  # points that are decimal, as those of other columns
    name = quote(column.name)
    differ = " <> ".join(_value(name, keys) for keys in (first, second))
    texts = _fitting(table, column, differ)
    values = [
        table.ask(f"SELECT {', '.join(_value(literal(text), one) for one in (first, second))}")
        for text in texts
    ]
    shown = ", ".join(f"{text} as {one:.15g}" for text, (one, _) in zip(texts, values, strict=True))
    other = ", ".join(f"{one:.15g}" for _, one in values)
    why = "nothing in the file tells which of two readings is right"
    if not column.format.doubtful:
        why = "the numbers of other columns are written so"
    line = line_of(column.name, Reading(type="DOUBLE", **second).given)
    return (
        f"column {quoted(column.name)}: {shown}: {why}; if they are {other}, write {line} "
        "in the dataset file."
    )


def _fitting(table: Table, column: Column, condition: str) -> list[str]:
    """Return some texts of a column that are numbers and meet a condition."""
    reading = column.reading
    if reading is None or (reading.invalid == "refuse" and not reading.missing):
        texts = sorted(column.texts, key=lambda text: "." in text or "," in text, reverse=True)
        return texts[:SHOWN]
    name = quote(column.name)  # its own texts are those that do not fit
    number = _value(name, column.format.keys)
    found = table.connection.execute(
        f"SELECT DISTINCT {name} AS text FROM {table.source} "
        f"WHERE {number} IS NOT NULL AND {condition} ORDER BY text LIMIT {SHOWN}"
    ).fetchall()
    return [text for (text,) in found]


def _value(text: str, keys: dict[str, Any]) -> str:
    return of_text(text, "x", {"type": "DOUBLE", **keys, "invalid": "missing"})


def _unknown_unit(table: Table, column: Column) -> str | None:
    """Return what is to be said of a sign that is taken for a unit, and may be part of a code."""
    signs = units.measuring(column.format.keys.get("strip", ()))
    if all(map(units.is_known, signs)):
        return None
    texts = _fitting(table, column, "true")
    values = [table.ask(f"SELECT {_value(literal(text), column.format.keys)}") for text in texts]
    pairs = zip(texts, values, strict=True)
    shown = ", ".join(f"{quoted(text)} as {value:.15g}" for text, (value,) in pairs)
    line = line_of(column.name, {"type": "VARCHAR"})
    return (
        f"column {quoted(column.name)}: {' '.join(map(quoted, sorted(signs)))} is taken for the "
        f"unit of all its numbers, {shown}: if they are codes, write {line} in the dataset file."
    )


def _several_units(column: Column, taken: str) -> str | None:
    """Return what is to be said of numbers that are in several units, or some without one."""
    texts = [text for text in column.texts if re.search(r"\d", text)]
    found = number_formats.by_sign(texts)
    if sum(map(len, found.values())) < max(MOSTLY * len(texts), 1):
        return None
    signs = sorted(found, key=lambda sign: (not sign, -len(found[sign])))
    if column.numbers:
        signs = [*filter(None, signs), ""]
    if not 2 <= len(signs) <= MOST_UNITS or column.digits < MOSTLY * column.known:
        return None
    in_turn = chain.from_iterable(zip_longest(*(found.get(one, ()) for one in signs)))
    shown = ", ".join(map(quoted, [text for text in in_turn if text is not None][:SHOWN]))
    said = " or ".join(quoted(sign) if sign else "none" for sign in signs)
    line = line_of(column.name, {"type": "DOUBLE", "strip": [one for one in signs if one]})
    return (
        f"column {quoted(column.name)} has numbers of different units ({said}), such as {shown}, "
        f"and is {taken}: give them one unit in the file; if they have one, write {line} in the "
        "dataset file."
    )


def _looks_read(column: Column) -> bool:
    """Tell whether most texts look like numbers or dates, though they cannot be read as such."""
    texts = [text for text in column.texts if re.search(r"\d", text)]
    like = sum(number_formats.looks_like_number(one) or looks_like_date(one) for one in texts)
    return like >= max(MOSTLY * len(texts), 1) and column.digits >= MOSTLY * column.known


def _some_numbers(column: Column) -> str | None:
    if column.numbers < HALF * column.known:
        return None
    others = [text for text in column.texts if not number_formats.PLAIN.fullmatch(text)]
    shown = ", ".join(map(quoted, others[:SHOWN]))
    line = line_of(column.name, {"type": "DOUBLE", "invalid": "missing"})
    return (
        f"column {quoted(column.name)}: {column.numbers:,} of {column.known:,} texts are "
        f"numbers, others are not, such as {shown}, so it is taken for a category: if the others "
        f"mean missing, write {line} in the dataset file."
    )


def _many_texts(column: Column, taken: str) -> str:
    shown = ", ".join(map(quoted, column.texts[:SHOWN]))
    number = line_of(column.name, {"type": "DOUBLE", "strip": ["kg"]})
    date = line_of(column.name, {"type": "DATE", "format": "%d.%m.%Y"})
    return (
        f"column {quoted(column.name)} has {column.distinct:,} different texts in "
        f"{column.known:,} rows, with digits, such as {shown}, and is {taken}: if "
        f"they are numbers or dates, say in the dataset file how they are written, as in "
        f"{number} or {date}."
    )
