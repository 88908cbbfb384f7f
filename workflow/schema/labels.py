"""Columns of labels: which of their texts are none, but mean that the label is missing."""

from dataclasses import replace

from sql_features.expressions import quote
from workflow.data.column_reading import Reading
from workflow.plain_values import quoted
from workflow.schema import placeholders
from workflow.schema.column_stats import Column, Table, odd_texts


def as_labels(table: Table, column: Column) -> Column:
    """Return a column of labels with those that mean missing, such as ?, no longer among them.

    Beside one other label a symbol is the second label.
    """
    if not column.symbols or column.type != "VARCHAR":
        return column
    symbols = _symbols(table, column)
    nothing = placeholders.among_labels(symbols)
    distinct = column.distinct - len(symbols)
    if not nothing or distinct < 2:
        return column
    known = column.known - sum(symbols.values())
    reading = Reading(type="VARCHAR", missing=nothing)
    return replace(column, known=known, distinct=distinct, symbols=0, reading=reading)


def labels_of(table: Table, column: Column, is_number: bool) -> Column:
    """Return a target of labels, most of which may be numbers, as labels and nothing else."""
    if column.values != "text":
        return column
    if is_number:
        column = replace(column, numbers=0, reading=None, symbols=column.known)
    return as_labels(table, column)


def doubt_of_symbol(table: Table, column: Column) -> str | None:
    """Return what is to be said of a target whose second label is a symbol such as ?."""
    if not column.symbols or column.distinct > 2:
        return None
    symbols = _symbols(table, column)
    if len(symbols) != 1 or not placeholders.among_labels(symbols):
        return None
    ((text, rows),) = symbols.items()
    return (
        f"column {quoted(column.name)}: {quoted(text)}, in {rows:,} rows, is taken for one of two "
        "classes: if it means missing, there is one class, and nothing to learn."
    )


def _symbols(table: Table, column: Column) -> dict[str, int]:
    """Return the texts without a letter or a digit, with the rows of each."""
    return odd_texts(table, column, f"NOT {placeholders.is_symbols(quote(column.name))}")
