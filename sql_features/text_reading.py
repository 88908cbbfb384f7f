"""How the texts of a raw column are read as values of its type, in SQL.

A reading is one small mapping, such as `{"type": "DOUBLE", "decimal": ",", "group": "."}`. The same
SQL reads raw files in training and the frames that a served model is given, so that a text means
the same in both. The keys, all but `type` optional:

- `type`: the DuckDB type of the values;
- `decimal`: the sign before the decimals, "." or ",";
- `group`: the sign between groups of digits: ".", ",", "'" or " ", which stands for any blank;
- `strip`: texts that may stand before or after a number and are no part of it: "$", "kg", "%";
- `negative`: `parentheses` where (5) is -5, `trailing` where 5- is;
- `format`: how a date, a time or the seconds of a duration are written, or a list of ways, the
  first that fits counts; see `time_texts`;
- `missing`: texts that mean missing, blanks around them aside; of a number also that number;
- `width`: digits of whole numbers that are texts, such as 5 for the zip code 00501; `varies` where
  they differ, so that it cannot be known how a number was written;
- `invalid`: `missing` where a text that does not fit is a missing value; else it is an error.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sql_features.duckdb_types import is_integer, is_numeric
from sql_features.expressions import cast_value, is_rounded, literal
from sql_features.time_texts import BLANKS, MINUS, duration_of, time_of, time_of_digits

APOSTROPHES = "'\u2019"
GROUPS = {" ": BLANKS, "'": APOSTROPHES}  # what a group sign stands for, if not for itself
# The groups of `number_pattern` that make a number, by how a negative one is written.
ORDERS = {"minus": r"\1\2\3", "parentheses": r"\1\2\3\4\5", "trailing": r"\4\1\2\3"}
VARIES: Literal["varies"] = "varies"
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
    if _formats(reading) and known != text:  # a format's SQL has the text many times over
        value = f"CASE WHEN {known} IS NOT NULL THEN {_value(text, reading)} END"
    else:
        value = _value(known, reading)
    if value != known:
        value = _or_error(known, value, name, reading)
    return _without_numbers(value, reading)


def of_other(value: str, name: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of a value that is no text: a number stays that number.

    Args:
        value: SQL of a number, a date, a time or a boolean.
        name: The column's name, for errors.
        reading: How texts of its column are read.
    """
    type, width = reading["type"], reading.get("width")
    if not is_numeric(type) and (time := time_of_digits(value, type, _formats(reading))):
        return _or_error(value, time, name, reading)
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


def _or_error(given: str, value: str, name: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of a value, which is an error where it is missing and the given one is not."""
    if reading.get("invalid") == "missing":
        return value
    problem = literal(f"column {name} is read as {_shown(reading)}, which does not fit ")
    misfit = f"{given} IS NOT NULL AND {value} IS NULL"
    return f"CASE WHEN {misfit} THEN error({problem} || {given}) ELSE {value} END"


def _known(text: str, reading: Mapping[str, Any], missing: Sequence[str]) -> str:
    """Return the SQL of a text, with NULL for one that means missing."""
    if missing:
        text = f"CASE WHEN {_is_none_of(text, missing)} THEN {text} END"
    if own := reading.get("missing"):
        bare = f"trim({text}, {literal(BLANKS)})"
        text = f"CASE WHEN {_is_none_of(bare, own)} THEN {text} END"
    return text


def _is_none_of(text: str, texts: Sequence[str]) -> str:
    """Return the SQL that tells whether a text is missing, or none of some texts.

    DuckDB makes a join of a long NOT IN, which costs more than a row and 30 MB a column.
    """
    return f"list_position([{', '.join(map(literal, texts))}], {text}) IS NULL"


def _without_numbers(value: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of a value, with NULL for numbers that mean missing, such as -999."""
    if not is_numeric(reading["type"]):
        return value
    numbers = [one for one in reading.get("missing", ()) if re.fullmatch(r"-?\d+(\.\d+)?", one)]
    return f"CASE WHEN {value} NOT IN ({', '.join(numbers)}) THEN {value} END" if numbers else value


def _value(text: str, reading: Mapping[str, Any]) -> str:
    """Return the SQL of the value of a text; NULL where the text does not fit."""
    type = reading["type"]
    formats = _formats(reading)
    if formats and not is_numeric(type):
        return time_of(text, type, formats)
    if formats:
        return f"TRY_CAST({duration_of(text, formats)} AS {type})"
    if NUMBER_KEYS & reading.keys():
        text = _number(text, reading)
    if type == "VARCHAR":
        return text
    value = f"TRY_CAST({text} AS {type})"
    if is_integer(type):  # DuckDB alone would make 13 of 12.6
        return f"CASE WHEN TRY_CAST({text} AS DOUBLE) = {value} THEN {value} END"
    if type.startswith("DECIMAL"):  # and 1.6 of 1.57
        return f"CASE WHEN NOT {is_rounded(text, value)} THEN {value} END"
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
        pattern = f"(?:{pattern}|{affix}{blank}(\\(){blank}{bare}{blank}\\){blank}{affix})"
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


def _formats(reading: Mapping[str, Any]) -> Sequence[str]:
    formats: str | Sequence[str] = reading.get("format", ())
    return [formats] if isinstance(formats, str) else formats


def _shown(reading: Mapping[str, Any]) -> str:
    more = [f"{key} {value!r}" for key, value in reading.items() if key not in ("type", "missing")]
    return f"{reading['type']} ({', '.join(more)})" if more else str(reading["type"])
