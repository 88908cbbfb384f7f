"""What is wrong with a dataset file, in one line: pydantic's errors in the project's words."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import ValidationError

from sql_features.errors import WorkflowError
from workflow.data.column_reading import Reading
from workflow.data.dataset import KEYS
from workflow.data.monitoring_rules import MonitoringRules
from workflow.data.split_rules import SPLITS, ByHash, ByTime
from workflow.errors import unknown

RULES = {"hash": ByHash, "time": ByTime}
UNKNOWN = ("unexpected_keyword_argument", "invalid_key")
SHAPES = {
    "list_type": "a list",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "dataclass_type": "a mapping",
    "greater_than": "a number above 0",
    "greater_than_equal": "a whole number of at least 1",
    "less_than": "a number below 1",
}


def explained(error: ValidationError, where: str) -> WorkflowError:
    """Return the error for the first thing that is wrong: unknown keys, then missing ones.

    Args:
        error: What pydantic says of the mapping that the file holds.
        where: Where the file is.
    """

    def rank(detail: Mapping[str, Any]) -> tuple[bool, bool, bool]:
        return len(detail["loc"]) > 1, detail["type"] not in UNKNOWN, detail["type"] != "missing"

    first, *others = sorted(error.errors(include_url=False), key=rank)
    key, *rest = first["loc"]
    missing = [
        str(one["loc"][-1])
        for one in (first, *others)
        if one["type"] == "missing" and one["loc"][:-1] == first["loc"][:-1]
    ]
    match first["type"], rest:
        case kind, [] if kind in UNKNOWN:
            return unknown(f"key in dataset file {where}:", str(key), KEYS)
        case "missing", []:
            return WorkflowError(f"dataset file {where} lacks {', '.join(missing)}.")
        case "dict_type" | "union_tag_not_found", _:
            shape = "a mapping" if key != "search" or not rest else "a mapping of hyperparameters"
            return WorkflowError(f"'{_name(first)}' in dataset file {where} must be {shape}.")
    if key == "split":
        return WorkflowError(f"dataset file {where}: {_of_split(first, missing)}")
    if key == "columns" and rest[1:2] == ["reading"]:
        return _of_reading(first, where)
    if key == "monitoring" and first["type"] in UNKNOWN:
        allowed = [field.name for field in fields(MonitoringRules)]
        return unknown(f"key in monitoring of dataset file {where}:", str(rest[0]), allowed)
    if key == "monitoring" and not rest and first["type"] == "value_error":
        return WorkflowError(f"'monitoring' in dataset file {where}: {_problem(first)}.")
    if key == "search":
        return WorkflowError(f"search space {'.'.join(map(str, rest))}: {_problem(first)}.")
    return WorkflowError(f"'{_name(first)}' in dataset file {where} {_problem(first)}.")


def _of_split(detail: Mapping[str, Any], missing: list[str]) -> str | WorkflowError:
    """Return what is wrong with `split`, whose location begins with `split` and the rule."""
    _, *rest = detail["loc"]
    match detail["type"], rest:
        case "union_tag_invalid", _:
            return unknown("rule in split.by:", detail["ctx"]["tag"], RULES)
        case kind, ["files", name] if kind in UNKNOWN:
            return unknown("split", str(name), [*SPLITS, "by"])
        case kind, [rule, name] if kind in UNKNOWN:
            allowed = [field.name for field in fields(RULES[str(rule)]) if field.name != "by"]
            return unknown(f"key in split by {rule}:", str(name), allowed)
        case "missing", ["files", _]:
            return (
                f"split names no file for {', '.join(missing)}; for one table give a rule instead: "
                "{by: hash} or {by: time, column: ...}."
            )
        case "missing", _:
            return "split by time lacks `column`: name a column, or SQL, of the time."
        case _, ["hash" | "time", "validation" | "test" as name]:
            given = detail["input"]
            return f"split.{name}: give a share of the rows between 0 and 1, not {given}."
        case _, [_]:
            return f"split: {_problem(detail)}."
        case "tuple_type", _:
            return f"split.key must be a list of raw columns, not {detail['input']!r}."
        case _:
            return f"split.{rest[1]} {_problem(detail)}."


def _of_reading(detail: Mapping[str, Any], where: str) -> WorkflowError:
    """Return what is wrong with how a column is read."""
    _, column, _, *rest = detail["loc"]
    what = f"'{'.'.join(map(str, ['columns', column, *rest[:1]]))}' in dataset file {where}"
    match detail["type"], rest:
        case kind, [key] if kind in UNKNOWN:
            allowed = [field.name for field in fields(Reading)]
            return unknown(f"key in column {column} of dataset file {where}:", str(key), allowed)
        case "missing", _:
            return WorkflowError(f"{what} is missing: name a type of DuckDB, such as DOUBLE.")
        case "literal_error", ["width", *_]:
            return _of_reading({**detail, "type": "int_type"}, where)
        case "literal_error", _:
            return WorkflowError(
                f"{what} must be {detail['ctx']['expected']}, not {detail['input']!r}."
            )
        case _, ["width", *_]:
            return WorkflowError(
                f"{what} must be a number of digits or 'varies', not {detail['input']!r}."
            )
    return WorkflowError(f"{what} {_problem(detail)}.")


def _problem(detail: Mapping[str, Any]) -> str:
    if detail["type"] == "value_error":  # of our own validators
        return str(detail["ctx"]["error"])
    given: object = detail["input"]
    return f"must be {SHAPES[detail['type']]}, not {given!r}"


def _name(detail: Mapping[str, Any]) -> str:
    """Return a key and the key within it; a place in a list is not named."""
    return ".".join(map(str, detail["loc"][:2]))
