"""How the numbers in a column of texts are written, found out from some of the texts.

Nothing here counts rows: whether a format fits a column is counted over all of them, by the SQL of
`sql_features.text_reading`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sql_features.text_reading import APOSTROPHES, number_pattern
from sql_features.time_texts import BLANKS, MINUS
from workflow.schema.date_formats import durations

LONGEST = 40  # characters of a number with what stands around it
MOSTLY = 0.9  # share of texts from which on a format or a sign counts as theirs
HALF = 0.5  # share of numbers with a sign, from which on those without one are of the same unit
CURRENCIES = re.compile(  # signs of letters; symbols are known by their Unicode category
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN"
    "|MYR|NOK|NZD|PEN|PHP|PLN|RMB|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
    "|S?Fr\\.?|Ft|kr\\.?|K\u010d|lei|Rp|Rs\\.?|\u0440\u0443\u0431\\.?|z\u0142"
)
NO_UNITS = re.compile(r"[ap]\.?m\.?|st|nd|rd|th", re.IGNORECASE)  # times of day, and ordinals
SEPARATORS = (  # decimal and group sign; the first that fits most texts is taken
    *((".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'")),
)
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DOTS = re.compile(r"[1-9]\d{0,2}(\.\d{3})+")  # dots that may group digits, or be decimal
COMMAS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
BLANK = f"[{BLANKS}]*"
# A number with what may stand around it: signs, parentheses, a prefix and a suffix.
WRITTEN = re.compile(
    rf"{BLANK}(?P<open>\()?{BLANK}[-+{MINUS}]?{BLANK}"
    rf"(?P<before>[^\d\s.,'()+{MINUS}-][^\d\s()+{MINUS}-]{{0,5}})?{BLANK}[-+{MINUS}]?{BLANK}"
    rf"(?P<body>(?:\d|[.,]\d)[\d.,{APOSTROPHES}{BLANKS}]*?)(?:[eE][+-]?\d+)?{BLANK}"
    rf"(?P<after>(?:[^\W\d_]|[^\w\s.,'()/:;{MINUS}-])[^\s()]{{0,9}}(?: [^\W\d_][^\s()]{{0,9}})?)?"
    rf"{BLANK}\)?{BLANK}(?P<trailing>[-{MINUS}])?{BLANK}"
)


@dataclass(frozen=True, kw_only=True)
class NumberFormat:
    """How the numbers in a column of texts are written.

    Attributes:
        keys: Those of a `Reading`; none where SQL reads the numbers as they are.
        decimal: The decimal sign, where a text shows it beyond doubt.
        other: The keys of another reading that fits as well, by which numbers are other ones.
        doubtful: Whether nothing in the file tells which of the two is right.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    decimal: str | None = None
    other: dict[str, Any] | None = None
    doubtful: bool = False


def guess(texts: Sequence[str]) -> NumberFormat | None:
    """Return how the numbers among texts are written, or None where there are hardly any.

    Args:
        texts: Different texts of one column; those that are no numbers are passed over.

    >>> guess(["$3,814.70", "$12.50"]).keys
    {'group': ',', 'strip': ('$',)}
    """
    texts = [text for text in texts if len(text) <= LONGEST]
    if all(map(PLAIN.fullmatch, texts)):
        return _plain(texts) if texts else None
    if formats := durations(texts):
        return NumberFormat(keys={"format": formats})
    matches = [match for match in map(WRITTEN.fullmatch, texts) if match and _is_number(match)]
    around = [_usual([match[name] for match in matches]) for name in ("before", "after")]
    keys: dict[str, Any] = {}
    if strip := sorted({one for one in around if one}):
        keys["strip"] = tuple(strip)
    if any(match["open"] for match in matches):
        keys["negative"] = "parentheses"
    elif any(match["trailing"] for match in matches):
        keys["negative"] = "trailing"
    fits = {signs: _fitting(matches, _keys(*signs) | keys) for signs in SEPARATORS}
    signs = max(SEPARATORS, key=lambda one: len(fits[one]))
    if not fits[signs]:
        return None
    if signs == (".", "") and not keys:
        numbers = filter(re.compile(number_pattern({})).match, (one.group() for one in matches))
        if all(PLAIN.fullmatch(text.strip(" ")) for text in numbers):
            return _plain(fits[signs])
        keys = {"group": " "}  # a blank or a minus that is no plain one: a plain cast fails
    return _with_signs(fits[signs], signs, keys)


def resolved(formats: Mapping[str, NumberFormat | None]) -> dict[str, NumberFormat | None]:
    """Return the formats with those that could be two taken as the other columns of the file say.

    283.274 has a decimal point, unless the file's other numbers have decimal commas, and no points.
    """
    shown = {one.decimal for one in formats.values() if one and one.decimal}
    return {name: one and _by_decimal(one, shown) for name, one in formats.items()}


def _by_decimal(one: NumberFormat, shown: set[str]) -> NumberFormat:
    if one.other is None:
        return one
    first, second = (keys.get("decimal", ".") for keys in (one.keys, one.other))
    if shown == {first}:
        return NumberFormat(keys=one.keys, other=one.other)
    if shown == {second}:
        return NumberFormat(keys=one.other, other=one.keys)
    return NumberFormat(keys=one.keys, other=one.other, doubtful=True)


def _plain(texts: Iterable[str]) -> NumberFormat:
    """Return the format of numbers that SQL reads as they are, unless their points group digits."""
    dotted = [text for text in texts if "." in text]
    if dotted and all(DOTS.fullmatch(text.strip("+-")) for text in dotted):
        return NumberFormat(other=_keys(",", "."))
    return NumberFormat(decimal="." if dotted else None)


def _with_signs(
    bodies: Sequence[str], signs: tuple[str, str], keys: dict[str, Any]
) -> NumberFormat:
    """Return the format of numbers by their decimal and group sign."""
    separated = [body for body in bodies if signs[0] in body or (signs[1] and signs[1] in body)]
    # Of 1,234 alone it cannot be told, but it is more often a thousand than 1.234.
    for pattern, either in ((COMMAS, ((",", ""), (".", ","))), (DOTS, ((".", ""), (",", ".")))):
        if signs in either and separated and all(map(pattern.fullmatch, separated)):
            if any(len(re.findall("[.,]", body)) > 1 for body in separated):
                return NumberFormat(keys=_keys(*either[1]) | keys)  # two of them only group
            first, second = reversed(either) if pattern is COMMAS else either
            return NumberFormat(keys=_keys(*first) | keys, other=_keys(*second) | keys)
    shown = any(signs[0] in body for body in bodies)
    return NumberFormat(keys=_keys(*signs) | keys, decimal=signs[0] if shown else None)


def _keys(decimal: str, group: str) -> dict[str, Any]:
    keys = {} if decimal == "." else {"decimal": decimal}
    return keys | ({"group": group} if group else {})


def _fitting(matches: Iterable[re.Match[str]], keys: Mapping[str, Any]) -> list[str]:
    """Return the digits and separators of those matches that a reading takes for numbers."""
    pattern = re.compile(number_pattern(keys))
    return [one["body"].strip(BLANKS) for one in matches if pattern.match(one.group())]


def _usual(signs: Sequence[str | None]) -> str | None:
    """Return the sign of all texts that have one, if they are not too few to know the others'."""
    counts = Counter(filter(None, signs))
    if not counts:
        return None
    ((sign, count),) = counts.most_common(1)
    return sign if count >= max(MOSTLY * counts.total(), HALF * len(signs)) else None


def _is_number(match: re.Match[str]) -> bool:
    """Tell a number with signs around it from a code, such as Q1, and from a time of day."""
    before, after = match["before"] or "", match["after"] or ""
    if NO_UNITS.fullmatch(after):
        return False
    symbols = (unicodedata.category(one) == "Sc" for one in before)
    return not before or bool(CURRENCIES.fullmatch(before)) or any(symbols)
