"""How a column of a table is used: as the target, as a feature, or not at all."""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from sql_features.duckdb_types import FLOATS
from sql_features.errors import WorkflowError
from sql_features.expressions import BARE_CLOCKS, isolated, quote
from workflow.data.column_reading import Reading
from workflow.plain_values import cut
from workflow.schema import dates
from workflow.schema.column_stats import MOSTLY, Column, Table, typed
from workflow.schema.dates import Order, TimeReading
from workflow.schema.labels import as_labels, labels_of

MOST_LABELS = 200
FEW_LABELS = 20  # different whole numbers, up to which they are labels
ROWS_PER_LABEL = 10  # on average, from which on whole numbers are labels
ENOUGH = 10  # rows; in fewer, that all values differ means nothing
UNIQUE = 0.9  # share of different texts from which on they are identifiers
SENTENCE = 4  # words on average from which on texts are free text, not names
ID = re.compile(
    "(ids?|uuid|guid|key|index|idx|row|rownum|nr|no|serial)"
    "|(user|customer|client|order|transaction|passenger|patient|product|item|session|record|row)id"
)
DAY = re.compile("date|day|dt|dte|dteday|ymd|yyyymmdd|time|timestamp")


@dataclass(frozen=True, kw_only=True)
class ColumnUse:
    """How a column is used as a feature.

    Attributes:
        type: The DuckDB type that it is read as, or how its texts are.
        value: SQL of its value.
        kind: What its values are.
        note: One line about its values, for the definition's comments.
        time: How a date or a time is read.
    """

    type: str | Reading
    value: str
    kind: Literal["number", "category", "date", "time"]
    note: str
    time: TimeReading | None = None


@dataclass(frozen=True, kw_only=True)
class TargetUse:
    """How the target is used.

    Attributes:
        type: The DuckDB type that its column is read as, or how its texts are.
        value: SQL of its value.
        task: `regression`, `binary` or `multiclass`.
        why: The reason for the task, in a phrase.
        missing: Rows without a value.
    """

    type: str | Reading
    value: str
    task: str
    why: str
    missing: int


def sql_name(name: str) -> str:
    """Return a column's name in SQL, quoted only where it must be.

    >>> print(sql_name("Price"), sql_name("Total charge"), sql_name("order"))
    Price "Total charge" "order"
    """
    plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
    return name if plain and name.casefold() not in _keywords() else quote(name)


def column_use(table: Table, column: Column) -> ColumnUse | str:
    """Return how a column is used, or the reason why not, from its own values alone."""
    if not column.known:
        return "no value in any row"
    if column.values == "other":
        return f"values of type {cut(column.type, 40)} are no feature"
    if column.distinct <= 1 and column.known == table.rows:
        return "the same value in every row"
    name = sql_name(column.name)
    if time := time_reading_of(table, column):
        return ColumnUse(
            type=time.reading or column.type,
            value=name,
            kind=time.kind,
            note=_note(table, time.known, f"{time.kind}s, {time.note}"),
            time=time,
        )
    if is_number(column):
        return number_identifier(column) or _number(table, column)
    column = as_labels(table, column)
    if is_boolean(table, column):
        note = _note(table, column.known, "boolean")
        return ColumnUse(type=boolean_read(column), value=name, kind="number", note=note)
    texts = f"{_distinct(column)} texts"
    if column.words >= SENTENCE and column.distinct > max(ENOUGH, 0.3 * column.known):
        return f"free text: {texts} of {column.words:.0f} words on average"
    if column.known >= ENOUGH and column.distinct > UNIQUE * column.known:
        return f"an identifier: {texts} in {column.known:,} rows"
    note = _note(table, column.known, texts)
    return ColumnUse(type=type_read(column), value=name, kind="category", note=note)


def is_number(column: Column) -> bool:
    """Tell whether a column holds numbers, or texts most of which are numbers."""
    if column.values in ("number", "duration"):
        return True
    return column.values == "text" and 0 < column.known * MOSTLY <= column.numbers


def is_boolean(table: Table, column: Column) -> bool:
    """Tell whether a column holds booleans, or in a text file nothing but their texts."""
    return column.values == "boolean" or (table.text and column.booleans == column.known)


def boolean_read(column: Column) -> str | Reading:
    """Return the type of a column of booleans, or how its texts are read."""
    return replace(column.reading, type="BOOLEAN") if column.reading else "BOOLEAN"


def type_read(column: Column) -> str | Reading:
    """Return the type that a column is read as, or how its texts are."""
    if column.values != "text":
        return column.type
    return column.reading or ("DOUBLE" if is_number(column) else "VARCHAR")


def number_value(column: Column) -> str:
    """Return the SQL of the value of a column of numbers that is read as `type_read` says."""
    name = sql_name(column.name)
    return f"epoch({name})" if column.values == "duration" else name


def time_reading_of(table: Table, column: Column) -> TimeReading | None:
    """Return how the values of a column are read as dates or times, or None if they are none."""
    if column.values in ("date", "time"):
        return dates.reading_of_type(column)
    if is_number(column):
        whole = column.wholes == column.numbers == column.known > 0
        if whole and any(DAY.fullmatch(word) for word in _words(column.name)):
            return dates.reading_of_numbers(table, column)
        return None
    if column.type == "VARCHAR" and column.known:
        return dates.reading_of_texts(table, column)
    return None


def with_one_order(uses: dict[str, ColumnUse]) -> dict[str, ColumnUse]:
    """Return the uses with dates that could be two read with day and month as in other columns."""
    orders = {use.time.order for use in uses.values() if use.time and use.time.order}
    if len(orders) != 1:
        return uses
    (order,) = orders
    return {name: _with_order(use, order) for name, use in uses.items()}


def _with_order(use: ColumnUse, order: Order) -> ColumnUse:
    if not use.time or not use.time.other:
        return use
    time = dates.with_order(use.time, order)
    assert time.reading is not None
    note = use.note.replace(use.time.note, time.note)
    return replace(use, type=time.reading, note=note, time=time)


def number_identifier(column: Column) -> str | None:
    """Return why a column of numbers is taken for an identifier, or None if it is not."""
    whole = column.wholes == column.known == column.numbers >= ENOUGH
    if not whole or column.lowest is None or column.highest is None:
        return None
    if column.distinct == column.known == column.highest - column.lowest + 1:
        return f"counts rows: every whole number from {column.lowest:.0f} to {column.highest:.0f}"
    named = any(ID.fullmatch(word) for word in _words(column.name))
    if named and column.distinct >= 0.95 * column.known:
        return f"an identifier: {column.distinct:,} different numbers in {column.known:,} rows"
    return None


def target_use_of(table: Table, column: Column, task: str) -> TargetUse:
    """Return how the target is used.

    Args:
        table: The table.
        column: The target.
        task: `auto`, `classification`, or the task that is wanted.

    Raises:
        WorkflowError: The target cannot be learned, or not as this task.
    """
    name, labels_only = sql_name(column.name), task not in ("auto", "regression")
    what = f"target='{column.name}'"
    if not column.known:
        raise WorkflowError(f"{what} has no value in any of {table.rows:,} rows.")
    if column.values == "other":
        raise WorkflowError(f"{what}: values of type {cut(column.type, 40)} cannot be learned.")
    if not is_number(column) and (reading := time_reading_of(table, column)):
        raise WorkflowError(
            f"{what} holds {reading.kind}s ({reading.note}), which are neither numbers nor "
            "classes: make one of them in a dataset file (docs/datasets.md)."
        )
    numeric = is_number(column) and not (column.numbers < column.known and labels_only)
    if numeric:
        value, source = (
            f"CASE WHEN isfinite({column.number}) THEN {column.number} END",
            table.source,
        )
    else:
        column = labels_of(table, column, is_number(column))
        value, source = name, typed(table, {column.name: type_read(column)}).source
    known, count = table.ask(f"SELECT count({value}), count(DISTINCT {value}) FROM {source}")
    if not known:
        raise WorkflowError(f"{what} has no value in any of {table.rows:,} rows.")
    if count < 2:
        raise WorkflowError(
            f"{what} has the same value in all of {known:,} rows: nothing to learn."
        )
    boolean = is_boolean(table, column)
    whole = numeric and column.wholes == known
    kinds = "truth values" if boolean else "numbers" if numeric else "texts"
    kinds = f"whole {kinds}" if whole else kinds
    found = _task(count, known, whole=whole, numeric=numeric)
    if task == "regression" and not (numeric or boolean):
        raise WorkflowError(
            f"{what} holds texts, task='regression' needs numbers: give 'classification' or 'auto'."
        )
    if task == "regression":
        found = task
    elif labels_only or found != "regression":
        found = "binary" if count == 2 else "multiclass"
        if count > MOST_LABELS or (not numeric and ENOUGH <= known < 2 * count):
            raise WorkflowError(
                f"{what} has {count:,} different {kinds} in {known:,} rows: too many for classes "
                f"(at most {MOST_LABELS}, each in several rows)."
            )
        if task in ("binary", "multiclass") and task != found:
            raise WorkflowError(
                f"{what} has {count:,} different {kinds}, which is {found}, not {task}: give "
                "'classification' or 'auto'."
            )
    type, sql = boolean_read(column) if boolean else type_read(column), name
    if numeric:
        sql = number_value(column)
        if whole and found != "regression":
            if type == "DOUBLE" and column.values == "text" and _digits(table, name):
                type = "BIGINT"
            elif column.values == "text" or column.type in FLOATS:
                sql = f"TRY_CAST({sql} AS BIGINT)"
    return TargetUse(
        type=type,
        value=sql,
        task=found,
        why=f"'{column.name}' has {count:,} different {kinds}",
        missing=table.rows - known,
    )


def _task(count: int, known: int, *, whole: bool, numeric: bool) -> str:
    if count == 2:
        return "binary"
    if not numeric or (whole and count <= FEW_LABELS and known >= ROWS_PER_LABEL * count):
        return "multiclass"
    return "regression"


def _digits(table: Table, name: str) -> bool:
    """Tell whether all texts are a sign and digits that fit a BIGINT, and nothing else."""
    matches = f"regexp_full_match({name}, '[+-]?[0-9]{{1,18}}')"
    (all_match,) = table.ask(f"SELECT bool_and({matches}) FROM {table.source}")
    return bool(all_match)


def _number(table: Table, column: Column) -> ColumnUse | str:
    if column.lowest is None:
        return "no finite number in any row"
    what = f"{_distinct(column)} numbers"
    if column.values == "text" and (others := column.known - column.numbers):
        what = f"numbers, but for {others:,} texts of {column.known:,}"
    note = _note(table, column.known, what)
    return ColumnUse(type=type_read(column), value=number_value(column), kind="number", note=note)


def _note(table: Table, known: int, what: str) -> str:
    missing = 1 - known / table.rows
    if not missing:
        return what
    return f"{what}, {'under 0.1 %' if missing < 0.001 else f'{100 * missing:.1f} %'} missing"


def _distinct(column: Column) -> str:
    return f"{'' if column.exact else 'about '}{column.distinct:,} different"


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case, such as passenger and id for PassengerId."""
    parts = re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return [part.casefold() for part in parts]


@cache
def _keywords() -> frozenset[str]:
    query = (
        "SELECT keyword_name FROM duckdb_keywords() "
        "WHERE keyword_category IN ('reserved', 'type_function')"  # no column names unquoted
    )
    words = isolated().cursor().execute(query).fetchall()
    return frozenset(word for (word,) in words) | BARE_CLOCKS
