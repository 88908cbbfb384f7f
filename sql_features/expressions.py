"""Row-wise SQL expressions: quoting, checking, and the columns and types of an expression.

The same expression runs in training, on a whole split, and in serving, perhaps on a single row. So
its value may depend on nothing but its row: aggregates, window functions, subqueries, the clock and
random numbers are refused. DuckDB's parser and catalogue tell what an expression is made of.
"""

import ctypes
import json
import os
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Literal

import duckdb

from sql_features.duckdb_types import is_integer, is_numeric, kind_of
from sql_features.errors import WorkflowError

# Functions that read the clock, though DuckDB's catalogue does not say so.
CLOCKS = {"current_localtimestamp", "ago", "pg_conf_load_time", "pg_postmaster_start_time"}
# SQL's names for the clock without parentheses; DuckDB parses them as columns.
BARE_CLOCKS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
# Functions known to be row-wise. Most datasets use no others, and then DuckDB's catalogue, which
# takes 40 ms to read, is not needed.
ROW_WISE = {
    *("+", "-", "*", "/", "//", "%", "**", "||", "~~", "abs", "ceil", "floor", "round", "sqrt"),
    *("exp", "ln", "greatest", "least", "isfinite", "contains", "starts_with", "length", "left"),
    *("lower", "upper", "trim", "replace", "substr", "substring", "strptime", "try_strptime"),
    *("epoch", "date_part", "year", "month", "day", "dayofyear", "isodow", "hour", "minute"),
    *("list_value", "list_position"),
}
TARGET = "target"  # the target's column in the splits, and its name in `where`
Kind = Literal["number", "category"]


def quote(name: str) -> str:
    """Quote an identifier.

    >>> print(quote('a "b"'))
    "a ""b\"""
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text value.

    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def cast(name: str, type: str) -> str:
    """Return the SQL that casts a column to a type and keeps its name, see `cast_value`."""
    return f"{cast_value(quote(name), name, type)} AS {quote(name)}"


def cast_value(value: str, name: str, type: str) -> str:
    """Return the SQL that casts a value to a type; `name` is what an error calls its column.

    What would become another value is an error: DuckDB alone would make 13 of 12.6 in a column of
    whole numbers, 1.6 of 1.57 in one of a decimal, and true of 2.
    """
    result = f"CAST({value} AS {type})"
    if is_integer(type):
        problem, is_other = f"no whole number in column {name}: ", f"{value} <> {result}"
    elif type.startswith("DECIMAL"):
        problem, is_other = f"no {type} in column {name}: ", is_rounded(value, result)
    elif type == "BOOLEAN":
        problem = f"neither true nor false in column {name}: "
        is_other = f"TRY_CAST({value} AS DOUBLE) NOT IN (0, 1)"
    else:
        return result
    return f"CASE WHEN {is_other} THEN error({literal(problem)} || {value}) ELSE {result} END"


def is_rounded(value: str, result: str) -> str:
    """Return the SQL that tells whether a decimal has lost more of a value than a float's noise."""
    number = f"TRY_CAST({value} AS DOUBLE)"
    return f"abs({number} - CAST({result} AS DOUBLE)) > 1e-7 * abs({number})"


def connect() -> duckdb.DuckDBPyConnection:
    """Return a new in-memory database whose time zone is UTC, whatever the machine's is."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL TimeZone = 'UTC'").fetchall()
    return connection


def isolated() -> duckdb.DuckDBPyConnection:
    """Return an in-memory database without access to files, network and settings.

    It is made once a process. Each caller takes a cursor of it.
    """
    return _isolated(os.getpid())


@cache
def _isolated(process: int) -> duckdb.DuckDBPyConnection:
    connection = connect()
    os.register_at_fork(after_in_child=lambda: _keep(connection))
    connection.execute("SET enable_external_access = false").fetchall()
    connection.execute("SET lock_configuration = true").fetchall()
    return connection


def _keep(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep a forked process's copy of a database from being closed, even when the process ends.

    Closing would wait for ever, for threads that are not copied. The process makes its own.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


@cache
def columns_of(expression: str, where: str) -> frozenset[str]:
    """Return the names of the columns that a row-wise SQL expression reads, spelled as in it.

    Args:
        expression: One SQL expression.
        where: What the expression is, as the error calls it, such as "feature 'hour'".

    Raises:
        WorkflowError: It does not parse, is not a single expression or is not row-wise.
    """
    columns = set()
    for node, bound in _nodes(_parse(expression, where), frozenset()):
        kind, name = node["class"], node.get("function_name", "").casefold()
        if kind == "WINDOW":
            raise _not_row_wise(expression, where, "a window function", "the rows around it")
        if kind == "SUBQUERY":
            raise _not_row_wise(expression, where, "a subquery", "other rows")
        if kind == "STAR":
            raise _not_row_wise(expression, where, "*", "whatever columns there are")
        if kind == "POSITIONAL_REFERENCE":
            raise _not_row_wise(expression, where, f"#{node['index']}", "the order of the columns")
        if kind == "PARAMETER":
            raise _not_row_wise(expression, where, "a placeholder", "what is put there")
        if kind == "FUNCTION" and _catalogue_says(name, "takes many rows"):
            raise _not_row_wise(expression, where, f"{name}()", "other rows")
        if kind == "FUNCTION" and (name in CLOCKS or _catalogue_says(name, "changes")):
            raise _not_row_wise(expression, where, f"{name}()", "when it is asked")
        if kind == "FUNCTION" and name == "age" and len(node["arguments"]) == 1:
            raise _not_row_wise(expression, where, "age() of one time", "when it is asked")
        if kind == "COLUMN_REF" and (column := node["column_names"][0]) not in bound:
            if column.casefold() in BARE_CLOCKS:
                raise _not_row_wise(expression, where, column, "when it is asked")
            columns.add(column)
    return frozenset(columns)


def _parse(expression: str, where: str) -> dict[str, Any]:
    """Return the syntax tree of an expression, as DuckDB writes it in JSON.

    Raises:
        WorkflowError: It is empty, does not parse or is not a single expression.
    """
    if not expression.strip():
        raise WorkflowError(f"{where} is empty: give a SQL expression.")
    # The line breaks end a comment in the expression before the closing parenthesis.
    statement = f"SELECT (\n{expression}\n) AS value"
    asked = isolated().cursor().execute("SELECT json_serialize_sql(?)", [statement])
    ((text,),) = asked.fetchall()
    answer = json.loads(text)
    if answer["error"]:
        reason = answer["error_message"].splitlines()[0]
        raise WorkflowError(f"{where} is not a SQL expression: {expression!r}: {reason}.")
    query = answer["statements"][0]["node"]
    plain = query["type"] == "SELECT_NODE" and query["from_table"]["type"] == "EMPTY"
    if not plain or len(query["select_list"]) != 1 or query["select_list"][0]["alias"] != "value":
        raise WorkflowError(f"{where} must be a single SQL expression, not {expression!r}.")
    # A clause that was slipped in with the expression is beside the select list in the tree.
    extra = [key for key in ("where_clause", "having", "qualify", "sample") if query.get(key)]
    if extra or query["modifiers"] or query["group_expressions"]:
        raise WorkflowError(f"{where} must be a single SQL expression, not {expression!r}.")
    value: dict[str, Any] = query["select_list"][0]
    # An empty pair of parentheses, such as around a comment alone, parses as row().
    if value.get("function_name") == "row" and not value["arguments"]:
        raise WorkflowError(f"{where} is empty: give a SQL expression.")
    return value


def _nodes(tree: Any, bound: frozenset[str]) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield each expression node of a syntax tree with the lambda parameters in scope there.

    Args:
        tree: The tree, or a part of it.
        bound: The lambda parameters in scope.
    """
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch, bound)
    elif isinstance(tree, dict):
        if tree.get("class") == "FUNCTION" and _catalogue_says(
            tree["function_name"], "takes lambdas"
        ):
            for argument in (one["expression"] for one in tree["arguments"]):
                if argument["class"] == "LAMBDA":
                    own = {name for node, _ in _nodes(argument["lhs"], frozenset())
                           for name in node.get("column_names", [])}  # fmt: skip
                    yield from _nodes(argument["expr"], bound | own)
                else:
                    yield from _nodes(argument, bound)
            return
        if "class" in tree:
            yield tree, bound
        for branch in tree.values():
            yield from _nodes(branch, bound)


def _catalogue_says(function: str, what: str) -> bool:
    """Tell whether DuckDB's catalogue says something of a function: one of `_catalogue`'s keys."""
    return function not in ROW_WISE and function in _catalogue()[what]


@cache
def _catalogue() -> dict[str, frozenset[str]]:
    """Return the names of the functions of which each of three things is true.

    They take lambdas; they take many rows, or make them; their value changes from call to call.
    """
    having = {
        "takes lambdas": "bool_or(list_contains(parameter_types, 'LAMBDA'))",
        "takes many rows": "bool_and(function_type NOT IN ('scalar', 'macro'))",
        "changes": "bool_or(stability <> 'CONSISTENT')",
    }
    query = f"SELECT function_name, {', '.join(having.values())} FROM duckdb_functions() GROUP BY 1"
    found = isolated().cursor().execute(query).fetchall()
    return {
        what: frozenset(name for name, *holds in found if holds[number])
        for number, what in enumerate(having)
    }


def _not_row_wise(expression: str, where: str, what: str, depends_on: str) -> WorkflowError:
    return WorkflowError(
        f"{where} is not row-wise: {expression!r} uses {what}, whose value depends on "
        f"{depends_on}; it would differ between training and serving. Use only expressions of a "
        "single row."
    )


def feature_columns(features: dict[str, str]) -> frozenset[str]:
    """Return the raw columns that features read, spelled as in their expressions."""
    read = (columns_of(expression, f"feature '{name}'") for name, expression in features.items())
    return frozenset().union(*read)


def kinds(features: dict[str, str], columns: dict[str, str]) -> dict[str, Kind]:
    """Return of each feature whether it is a number or a category, from its SQL type.

    Args:
        features: SQL expression by feature name.
        columns: DuckDB type by raw column.

    Raises:
        WorkflowError: An expression does not fit the columns, or is neither number nor text.
    """
    names = list(features)
    if not names:
        return {}
    if len(names) == 1:
        (name,) = names
        return {name: _feature_kind(name, type_of(features[name], columns, f"feature '{name}'"))}
    try:
        types, rows = _bind(features.values(), columns)
    except duckdb.Error:
        types, rows = [], True
    if rows or len(types) != len(names):  # one does not fit: it is named by halving them
        half = len(names) // 2
        first, second = (
            {one: features[one] for one in part} for part in (names[:half], names[half:])
        )
        return kinds(first, columns) | kinds(second, columns)
    return {name: _feature_kind(name, type) for name, type in zip(names, types, strict=True)}


def type_of(expression: str, columns: dict[str, str], where: str) -> str:
    """Return the DuckDB type of an expression over typed columns.

    Args:
        expression: One SQL expression.
        columns: DuckDB type by raw column.
        where: What the expression is, as the error calls it, such as "feature 'hour'".

    Raises:
        WorkflowError: It does not fit the columns, or is not row-wise.
    """
    try:
        (type,), rows = _bind([expression], columns)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise WorkflowError(f"{where} does not fit the data: {expression!r}: {reason}") from error
    if rows:
        raise WorkflowError(f"{where} is not row-wise: {expression!r} gathers many rows into one.")
    return type


def _bind(expressions: Iterable[str], columns: dict[str, str]) -> tuple[list[str], bool]:
    """Return the DuckDB types of expressions over typed columns, and whether a row came out.

    They are run over no rows. If a row comes out, an aggregate made it: a macro may hide one, so
    that `columns_of` does not see it.
    """
    typed = [f"CAST(NULL AS {type}) AS {quote(name)}" for name, type in columns.items()]
    values = ", ".join(f"(\n{expression}\n)" for expression in expressions)
    cursor = isolated().cursor()
    cursor.execute(f"SELECT {values} FROM (SELECT {', '.join(typed or ['NULL'])}) WHERE false")
    types = [str(type) for _, type, *_ in cursor.description]
    return types, bool(cursor.fetchall())


def _feature_kind(name: str, type: str) -> Kind:
    if kind_of(type) == "text":
        return "category"
    if is_numeric(type):
        return "number"
    raise WorkflowError(
        f"feature '{name}' is of type {type}, neither a number nor text: make one of it, for "
        "example hour(x), epoch(x) or CAST(x AS VARCHAR)."
    )
