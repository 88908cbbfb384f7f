"""DuckDB's types, told apart by what their values are."""

from typing import Literal

TypeKind = Literal["number", "boolean", "text", "date", "time", "duration", "nested", "other"]

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")  # signed, narrowest first
FLOATS = ("FLOAT", "DOUBLE")  # they alone can hold NaN and infinity
ZONED = "TIMESTAMP WITH TIME ZONE"  # a moment, whose parts are those of UTC


def kind_of(type: str) -> TypeKind:
    """Return what the values of a DuckDB type are.

    A `date` may have a time of day (a timestamp does); a `time` is a time of day alone; `nested`
    values hold other values.

    >>> kind_of("DECIMAL(9,2)"), kind_of("TIMESTAMP WITH TIME ZONE"), kind_of("BIGINT[]")
    ('number', 'date', 'nested')
    """
    if type.endswith("]") or type.startswith(("STRUCT", "MAP", "UNION")):
        return "nested"
    if type == "BOOLEAN":
        return "boolean"
    if type in FLOATS or is_integer(type) or type.startswith("DECIMAL"):
        return "number"
    if type in ("VARCHAR", "UUID") or type.startswith("ENUM"):
        return "text"
    if type == "DATE" or type.startswith("TIMESTAMP"):
        return "date"
    if type.startswith("TIME"):
        return "time"
    return "duration" if type == "INTERVAL" else "other"


def is_numeric(type: str) -> bool:
    """Tell whether a type's values can be computed with: numbers, and booleans as 0 and 1."""
    return kind_of(type) in ("number", "boolean")


def is_integer(type: str) -> bool:
    """Tell whether a type's values are whole numbers, with a sign or without."""
    return type.removeprefix("U") in INTEGERS
