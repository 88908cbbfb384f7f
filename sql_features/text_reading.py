"""How the texts of a raw column are read as values of its type, in SQL.

A reading is one small mapping, such as `{"type": "DOUBLE", "decimal": ",", "group": "."}`. The same
SQL reads raw files in training and the frames that a served model is given, so that a text means
the same in both. The keys, all but `type` optional:

- `type`: the DuckDB type of the values;
- `decimal`: the sign before the decimals, "." or ",";
- `group`: the sign between groups of digits: ".", ",", "'" or " ", which stands for any blank;
- `strip`: texts that may stand before or after a number and are no part of it: "$", "kg", "%";
- `negative`: `parentheses` where (5) is -5, `trailing` where 5- is;
- `format`: how a date or a time is written, or a list of ways, the first that fits counts; each as
  `strptime` takes it, or `ISO`;
- `missing`: texts that mean missing, blanks around them aside; of a number also that number;
- `width`: digits of whole numbers that are texts, such as 5 for the zip code 00501; `varies` where
  they differ, so that it cannot be known how a number was written;
- `invalid`: `missing` where a text that does not fit is a missing value; else it is an error.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sql_features.duckdb_types import is_integer, is_numeric
from sql_features.expressions import cast_value, literal

BLANKS = " \t\u00a0\u2007\u2009\u202f"
APOSTROPHES = "'\u2019"
MINUS = "\u2212"  # the typographic one
GROUPS = {" ": BLANKS, "'": APOSTROPHES}  # what a group sign stands for, if not for itself
# The groups of `number_pattern` that make a number, by how a negative one is written.
ORDERS = {"minus": r"\1\2\3", "parentheses": r"\1\2\3\4\5", "trailing": r"\4\1\2\3"}
VARIES: Literal["varies"] = "varies"
ISO = "ISO"
NUMBER_KEYS = {"decimal", "group", "strip", "negative"}  # how a number is written


def of_text(text: str, name: str, reading: Mapping[str, Any], missing: Sequence[str] = ()) -> str:
    """Return the SQL of the value of a text.

    Args:
        text: SQL of the text.
        name: The column's name, for errors.
        reading: How it is read; with nothing but a type the text is cast.
        missing: Texts that mean missing in every column.
    """
    known = _known(text, reading, missing)
    value = _value(known, reading)
    if value != known and reading.get("invalid") != "missing":
        problem = literal(f"column {name} is read as {_shown(reading)}, which does not fit ")
        misfit = f"{known} IS NOT NULL AND {value} IS NULL"
        value = f"CASE WHEN {misfit} THEN error({problem} || {text}) ELSE {value} END"
    return _without_numbers(value, reading)


def of_other(value: str, name: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of a value that is no text: a number stays that number.

    Args:
        value: SQL of a number, a date, a time or a boolean.
        name: The column's name, for errors.
        reading: How texts of its column are read.
    """
    type, width = reading["type"], reading.get("width")
    if width is None:
        return _without_numbers(cast_value(value, name, type), reading)
    if width == VARIES:
        problem = literal(
            f"column {name} holds texts such as 07 and 007, which numbers cannot stand for: pass "
            "texts (dtype=str), not "
        )
        return f"CASE WHEN {value} IS NOT NULL THEN error({problem} || {value}) END"
    digits = f"CAST({cast_value(value, name, 'BIGINT')} AS VARCHAR)"
    return f"lpad({digits}, greatest({width}, length({digits}))::INTEGER, '0')"


def _known(text: str, reading: Mapping[str, Any], missing: Sequence[str]) -> str:
    """Return the SQL of a text, with NULL for one that means missing."""
    if missing:
        text = f"CASE WHEN {text} NOT IN ({_list(missing)}) THEN {text} END"
    if own := reading.get("missing"):
        bare = f"trim({text}, {literal(BLANKS)})"
        text = f"CASE WHEN {bare} NOT IN ({_list(own)}) THEN {text} END"
    return text


def _without_numbers(value: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of a value, with NULL for numbers that mean missing, such as -999."""
    if not is_numeric(reading["type"]):
        return value
    numbers = [one for one in reading.get("missing", ()) if re.fullmatch(r"-?\d+(\.\d+)?", one)]
    return f"CASE WHEN {value} NOT IN ({', '.join(numbers)}) THEN {value} END" if numbers else value


def _value(text: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of the value of a text; NULL where the text does not fit."""
    type = reading["type"]
    if formats := reading.get("format"):
        return _time(text, type, [formats] if isinstance(formats, str) else formats)
    if NUMBER_KEYS & reading.keys():
        text = _number(text, reading)
    if type == "VARCHAR":
        return text
    value = f"TRY_CAST({text} AS {type})"
    if is_integer(type):  # DuckDB alone would make 13 of 12.6
        return f"CASE WHEN TRY_CAST({text} AS DOUBLE) = {value} THEN {value} END"
    return value


def number_pattern(reading: Mapping[str, Any]) -> str:
    """Return the regular expression of all of a text that a reading takes for a number.

    What its groups match, in one of `ORDERS`, is the number with its sign.
    """
    decimal, group = reading.get("decimal", "."), reading.get("group", "")
    groups = GROUPS.get(group, group)
    digits = "[0-9]+"
    if group:
        # India writes 12,34,567.
        inner, one = "2,3" if group == "," else "3", f"[{re.escape(groups)}]"
        digits = f"(?:[1-9][0-9]{{0,2}}(?:{one}[0-9]{{{inner}}})*{one}[0-9]{{3}}|[0-9]+)"
    point = re.escape(decimal)
    number = f"((?:{digits}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    blank, sign = f"[{re.escape(BLANKS)}]*", f"([-+{MINUS}]?)"
    strip = "|".join(map(re.escape, sorted(reading.get("strip", ()), key=len, reverse=True)))
    affix = f"(?:{strip})?"
    pattern = f"{sign}{blank}{affix}{blank}{sign}{blank}{number}{blank}{affix}"
    if reading.get("negative") == "parentheses":
        bare = f"{affix}{blank}{number}{blank}{affix}"
        pattern = f"(?:{pattern}|(\\(){blank}{bare}{blank}\\){blank}{affix})"
    elif reading.get("negative") == "trailing":
        pattern += f"{blank}{sign}{blank}{affix}"
    return f"^{blank}{pattern}{blank}$"


def _number(text: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of the text of a number as SQL writes it; NULL where it does not fit."""
    pattern, order = literal(number_pattern(reading)), ORDERS[reading.get("negative", "minus")]
    group = reading.get("group", "")
    # An opening parenthesis becomes the minus that it stands for; group signs fall away.
    signs = literal(f"({MINUS}{reading.get('decimal', '.')}{GROUPS.get(group, group)}")
    translated = f"translate(regexp_replace({text}, {pattern}, '{order}'), {signs}, '--.')"
    return f"CASE WHEN regexp_matches({text}, {pattern}) THEN {translated} END"


def _time(text: str, type: str, formats: Sequence[str]) -> str:
    """Return the SQL of a date or a time that is written in one of several ways."""
    ways = [
        f"TRY_CAST({text} AS TIMESTAMP)" if one == ISO else f"TRY_STRPTIME({text}, {literal(one)})"
        for one in formats
    ]
    return f"TRY_CAST(coalesce({', '.join(ways)}) AS {type})"


def _shown(reading: Mapping[str, Any]) -> str:
    more = [f"{key} {value!r}" for key, value in reading.items() if key not in ("type", "missing")]
    return f"{reading['type']} ({', '.join(more)})" if more else str(reading["type"])


def _list(texts: Sequence[str]) -> str:
    return ", ".join(map(literal, texts))
