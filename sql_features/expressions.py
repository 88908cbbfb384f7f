"""Row-wise SQL: quoting, and the proof that an expression of a dataset is one.

An expression serves in training, where it sees a whole split, and in serving, where it may see a
single row. So its value may depend on nothing but the row: aggregates, window functions,
subqueries, the clock and chance are refused. DuckDB's own parser and catalogue decide what is what.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import duckdb

from sql_features.duckdb_types import INTEGERS, is_numeric, kind_of
from sql_features.errors import WorkflowError

# Of the clock, though DuckDB's catalogue calls them consistent, or macros that hide it.
CLOCKS = {"current_localtimestamp", "ago", "pg_conf_load_time", "pg_postmaster_start_time"}
# SQL's names for the clock; they parse as columns.
BARE_CLOCKS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
# Of a single row, and all that most datasets use: to read DuckDB's catalogue takes 40 ms.
ROW_WISE = {
    *("+", "-", "*", "/", "//", "%", "**", "||", "~~", "abs", "ceil", "floor", "round", "sqrt"),
    *("exp", "ln", "greatest", "least", "isfinite", "contains", "starts_with", "length", "left"),
    *("lower", "upper", "trim", "replace", "substr", "substring", "strptime", "try_strptime"),
    *("epoch", "date_part", "year", "month", "day", "dayofyear", "isodow", "hour", "minute"),
    *("list_value", "list_position"),
}
TARGET = "target"  # the name by which `where` may use the target, and its column in the splits
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
    """Return the SQL that casts a column to a type, and names it.

    A fraction fails where training saw whole numbers: DuckDB rounds it, and 12.6 would serve as 13.
    """
    column = quote(name)
    value = f"CAST({column} AS {type})"
    if type.removeprefix("U") in INTEGERS:
        complaint = f"{literal(f'no whole number in column {name}: ')} || {column}"
        value = f"CASE WHEN {column} <> {value} THEN error({complaint}) ELSE {value} END"
    return f"{value} AS {column}"


def connect() -> duckdb.DuckDBPyConnection:
    """Return a new in-memory database, in which a zoned time has the same hour on every machine."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL TimeZone = 'UTC'").fetchall()
    return connection


@cache
def isolated() -> duckdb.DuckDBPyConnection:
    """Return the process's in-memory database, which reaches no file, no network and no setting."""
    connection = connect()
    connection.execute("SET enable_external_access = false").fetchall()
    connection.execute("SET lock_configuration = true").fetchall()
    return connection


@cache
def columns_of(expression: str, where: str) -> frozenset[str]:
    """Return the column names that a row-wise SQL expression reads, as it spells them.

    Args:
        expression: One SQL expression.
        where: What it is, for the error: "feature 'hour'".

    Raises:
        WorkflowError: It does not parse, is not a single expression, or is not row-wise.
    """
    columns = set()
    for node, bound in _nodes(_parse(expression, where), frozenset()):
        kind, name = node["class"], node.get("function_name", "").casefold()
        if kind == "WINDOW":
            raise _refused(expression, where, "a window function", "the rows around it")
        if kind == "SUBQUERY":
            raise _refused(expression, where, "a subquery", "other rows")
        if kind == "STAR":
            raise _refused(expression, where, "*", "whatever columns there are")
        if kind == "POSITIONAL_REFERENCE":
            raise _refused(expression, where, f"#{node['index']}", "the order of the columns")
        if kind == "PARAMETER":
            raise _refused(expression, where, "a placeholder", "what is put there")
        if kind == "FUNCTION" and _is(name, "of many rows"):
            raise _refused(expression, where, f"{name}()", "other rows")
        if kind == "FUNCTION" and (name in CLOCKS or _is(name, "changing")):
            raise _refused(expression, where, f"{name}()", "when it is asked")
        if kind == "FUNCTION" and name == "age" and len(node["arguments"]) == 1:
            raise _refused(expression, where, "age() of one time", "when it is asked")
        if kind == "COLUMN_REF" and (column := node["column_names"][0]) not in bound:
            if column.casefold() in BARE_CLOCKS:
                raise _refused(expression, where, column, "when it is asked")
            columns.add(column)
    return frozenset(columns)


def _parse(expression: str, where: str) -> dict[str, Any]:
    """Return DuckDB's syntax tree of the expression alone."""
    if not expression.strip():
        raise WorkflowError(f"{where} is empty: give a SQL expression.")
    # The line breaks keep a comment in the expression from swallowing what stands after it.
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
    # What a clause would need stands beside the select list, so a stray one is found as well.
    extra = [key for key in ("where_clause", "having", "qualify", "sample") if query.get(key)]
    if extra or query["modifiers"] or query["group_expressions"]:
        raise WorkflowError(f"{where} must be a single SQL expression, not {expression!r}.")
    value = query["select_list"][0]
    if value.get("function_name") == "row" and not value["arguments"]:  # what (/* nothing */) is
        raise WorkflowError(f"{where} is empty: give a SQL expression.")
    return value


def _nodes(tree: Any, bound: frozenset[str]) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield every expression node of a syntax tree, and the lambda parameters that it may name."""
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch, bound)
    elif isinstance(tree, dict):
        if tree.get("class") == "FUNCTION" and _is(tree["function_name"], "of lambdas"):
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


def _is(function: str, kind: str) -> bool:
    """Tell whether a function is one of many rows, of lambdas, or changing from call to call."""
    return function not in ROW_WISE and function in _catalogue()[kind]


@cache
def _catalogue() -> dict[str, frozenset[str]]:
    having = {
        "of lambdas": "bool_or(list_contains(parameter_types, 'LAMBDA'))",
        "of many rows": "bool_and(function_type NOT IN ('scalar', 'macro'))",
        "changing": "bool_or(stability <> 'CONSISTENT')",
    }
    query = f"SELECT function_name, {', '.join(having.values())} FROM duckdb_functions() GROUP BY 1"
    found = isolated().cursor().execute(query).fetchall()  # once: it takes long
    return {
        kind: frozenset(name for name, *holds in found if holds[number])
        for number, kind in enumerate(having)
    }


def _refused(expression: str, where: str, what: str, depends_on: str) -> WorkflowError:
    return WorkflowError(
        f"{where} is not row-wise: {expression!r} uses {what}, whose value depends on "
        f"{depends_on}; it would differ between training and serving. Use only expressions of a "
        "single row."
    )


def feature_columns(features: dict[str, str]) -> frozenset[str]:
    """Return the raw columns that features name, as they spell them."""
    read = (columns_of(expression, f"feature '{name}'") for name, expression in features.items())
    return frozenset().union(*read)


def kinds(features: dict[str, str], columns: dict[str, str]) -> dict[str, Kind]:
    """Bind the expressions to typed columns and tell numbers from categories.

    Args:
        features: SQL expression by feature name.
        columns: DuckDB type by raw column.

    Raises:
        WorkflowError: An expression does not fit the columns, or is neither number nor text.
    """
    return {
        name: _kind(name, type_of(expression, columns, f"feature '{name}'"))
        for name, expression in features.items()
    }


def type_of(expression: str, columns: dict[str, str], where: str) -> str:
    """Return the DuckDB type of an expression over typed columns.

    Raises:
        WorkflowError: It does not bind, or is not row-wise: only a function of many rows, which a
            macro may hide from the parser, makes a row out of none.
    """
    typed = [f"CAST(NULL AS {type}) AS {quote(name)}" for name, type in columns.items()]
    raw = ", ".join(typed or ["NULL"])
    try:
        cursor = isolated().cursor()
        cursor.execute(f"SELECT (\n{expression}\n) FROM (SELECT {raw}) WHERE false")
        (column,) = cursor.description
        rows = cursor.fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise WorkflowError(f"{where} does not fit the data: {expression!r}: {reason}") from error
    if rows:
        raise WorkflowError(f"{where} is not row-wise: {expression!r} gathers many rows into one.")
    return str(column[1])


def _kind(name: str, type: str) -> Kind:
    if kind_of(type) == "text":
        return "category"
    if is_numeric(type):
        return "number"
    raise WorkflowError(
        f"feature '{name}' is of type {type}, neither a number nor text: make one of it, for "
        "example hour(x), epoch(x) or CAST(x AS VARCHAR)."
    )
