"""Row-wise SQL: quoting, and the proof that an expression of a dataset is one.

An expression serves in training, where it sees a whole split, and in serving, where it may see a
single row. So its value may depend on nothing but the row: aggregates, window functions,
subqueries, the clock and chance are refused. DuckDB's own parser and catalogue decide what is what.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

from workflow.errors import WorkflowError

TARGET = "target"  # the name by which `where` may use the target, and its column in the splits


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


@cache
def isolated() -> duckdb.DuckDBPyConnection:
    """Return the process's in-memory database, which reaches no file, no network and no setting."""
    closed = {"enable_external_access": "false", "lock_configuration": "true"}
    return duckdb.connect(":memory:", config=closed)


@cache
def columns_of(expression: str, where: str) -> frozenset[str]:
    """Return the column names that a row-wise SQL expression reads, as it spells them.

    Args:
        expression: One SQL expression.
        where: What it is, for the error: "feature 'hour'".

    Raises:
        WorkflowError: It does not parse, is not a single expression, or is not row-wise.
    """
    tree = _parse(expression, where)
    nodes = list(_nodes(tree))
    bound = {
        name
        for node in nodes
        if node["class"] == "LAMBDA"
        for parameter in _nodes(node["lhs"])
        for name in parameter.get("column_names", [])
    }
    columns = set()
    for node in nodes:
        kind, name = node["class"], node.get("function_name", "")
        if kind == "WINDOW":
            raise _refused(expression, where, "a window function", "the rows around it")
        if kind == "SUBQUERY":
            raise _refused(expression, where, "a subquery", "other rows")
        if kind == "STAR":
            raise _refused(expression, where, "*", "whatever columns there are")
        if kind == "PARAMETER":
            raise _refused(expression, where, "a placeholder", "what is put there")
        if kind == "FUNCTION" and name.casefold() in _functions("of many rows"):
            raise _refused(expression, where, f"{name}()", "other rows")
        if kind == "FUNCTION" and name.casefold() in _functions("changing"):
            raise _refused(expression, where, f"{name}()", "when it is asked")
        if kind == "COLUMN_REF" and node["column_names"][0] not in bound:
            columns.add(node["column_names"][0])
    return frozenset(columns)


def _parse(expression: str, where: str) -> dict[str, Any]:
    """Return DuckDB's syntax tree of the expression alone."""
    if not expression.strip():
        raise WorkflowError(f"{where} is empty: give a SQL expression.")
    # The line breaks keep a comment in the expression from swallowing what stands after it.
    statement = f"SELECT (\n{expression}\n) AS value"
    (text,) = isolated().cursor().execute("SELECT json_serialize_sql(?)", [statement]).fetchone()
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
    return query["select_list"][0]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every expression node of a syntax tree."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for branch in tree.values():
            yield from _nodes(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


@cache
def _functions(kind: str) -> frozenset[str]:
    """Return DuckDB's functions that take or make many rows, or whose value changes by the call."""
    having = {
        "of many rows": "bool_and(function_type NOT IN ('scalar', 'macro'))",
        "changing": "bool_or(stability <> 'CONSISTENT')",
    }
    query = f"SELECT function_name FROM duckdb_functions() GROUP BY ALL HAVING {having[kind]}"
    return frozenset(name for (name,) in isolated().cursor().execute(query).fetchall())


def _refused(expression: str, where: str, what: str, depends_on: str) -> WorkflowError:
    return WorkflowError(
        f"{where} is not row-wise: {expression!r} uses {what}, whose value depends on "
        f"{depends_on}; it would differ between training and serving. Use only expressions of a "
        "single row."
    )
