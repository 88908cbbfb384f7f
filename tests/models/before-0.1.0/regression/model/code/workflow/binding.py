"""How SQL expressions fit typed columns: what they come to, and whether that is a feature."""

from typing import Literal

import duckdb

from workflow.errors import WorkflowError
from workflow.sql import INTEGERS, isolated, quote

Kind = Literal["number", "category"]
NUMBERS = (  # DuckDB types; DECIMAL(p, s) besides
    "BOOLEAN",
    "FLOAT",
    "DOUBLE",
    *INTEGERS,
    *(f"U{name}" for name in INTEGERS),
)


def is_number(type: str) -> bool:
    """Tell whether a DuckDB type is a number's; a boolean counts as 0 or 1."""
    return type in NUMBERS or type.startswith("DECIMAL")


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
    if type in ("VARCHAR", "UUID") or type.startswith("ENUM"):
        return "category"
    if is_number(type):
        return "number"
    raise WorkflowError(
        f"feature '{name}' is of type {type}, neither a number nor text: make one of it, for "
        "example hour(x), epoch(x) or CAST(x AS VARCHAR)."
    )
