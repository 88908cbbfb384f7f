"""How the numbers in a column of texts are written, found out from some of the texts.

Nothing here counts rows: whether a format fits a column is counted over all of them, by the SQL of
`sql_features.text_reading`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sql_features.text_reading import APOSTROPHES, number_pattern
from sql_features.time_texts import BLANKS, MINUS
from workflow.schema import units
from workflow.schema.date_formats import durations

LONGEST = 40  # characters of a number with what stands around it
MOSTLY = 0.9  # share of texts from which on a format or a sign counts as theirs
HALF = 0.5  # share of numbers with a sign, from which on it is looked for in the others
SEPARATORS = (  # decimal and group sign; the first that fits most texts is taken
    *((".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'")),
)
LIKE = re.compile(r"\W{0,4}\d[\d.,'\s]*\W{0,3}[^\W\d_]{0,10}\W{0,3}(\d{0,3}|\d[.,]\d{1,3})\W{0,3}")
CODE = re.compile(r"0\d+")  # of digits, the first of which would be lost
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DOTS = re.compile(r"[1-9]\d{0,2}(\.\d{3})+")  # dots that may group digits, or be decimal
COMMAS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
BLANK = f"[{BLANKS}]*"
# A number with what may stand around it: signs, parentheses, a prefix and a suffix.
WRITTEN = re.compile(
    rf"{BLANK}(?P<open>\()?{BLANK}[-+{MINUS}]?{BLANK}"
    rf"(?P<before>[^\d\s.,'()+{MINUS}-][^\d\s()+{MINUS}-]{{0,5}})?{BLANK}[-+{MINUS}]?{BLANK}"
    rf"(?P<inner>\()?{BLANK}"
    rf"(?P<body>(?:\d|[.,]\d)[\d.,{APOSTROPHES}{BLANKS}]*?)(?:[eE][+-]?\d+)?{BLANK}"
    rf"(?P<after>(?:[^\W\d_]|[^\w\s.,{APOSTROPHES}()/:;{MINUS}-])[^\s()]{{0,9}}"
    r"(?: [^\W\d_][^\s()]{0,9})?)?"
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
    keys: dict[str, Any] = {}
    if strip := _usual(matches):
        may_be_codes = not all(map(units.is_known, strip)) or strip >= units.EXPORTED
        if may_be_codes and any(CODE.fullmatch(match["body"]) for match in matches):
            return None
        keys["strip"] = tuple(sorted(strip))
    if any(match["open"] or match["inner"] for match in matches):
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


def by_sign(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return the texts that are numbers by the unit that they have, which is empty without any.

    >>> by_sign(["5 kg", "7", "30 g", "A12", "8 kg"])
    {'kg': ['5 kg', '8 kg'], '': ['7'], 'g': ['30 g']}
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        if len(text) <= LONGEST and (match := WRITTEN.fullmatch(text)) and _is_number(match):
            sign = " ".join(sorted(_units(_signs_of(match))))
            found.setdefault(sign, []).append(text)
    return found


def looks_like_number(text: str) -> bool:
    """Tell whether people would take a text for one number, though it cannot be read as one.

    >>> [looks_like_number(text) for text in ("<5", "2.3D-3", "1.5±0.1", "Q1", "PC 17599")]
    [True, True, True, False, False]
    """
    return LIKE.fullmatch(text) is not None


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
            if pattern is COMMAS and any(map(units.commas_group, keys.get("strip", ()))):
                return NumberFormat(keys=_keys(*either[1]) | keys)
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


def _usual(matches: Sequence[re.Match[str]]) -> set[str]:
    """Return the signs of all texts that have any, if they are not too few to know the others'.

    The signs of numbers that are known about, and of those without, are found with them.
    """
    signs = [_signs_of(match) for match in matches]
    others = set().union(*signs) - set().union(*map(units.measuring, signs))
    counts = Counter(found for one in signs if (found := _units(one)))
    if not counts:
        return others
    ((usual, count),) = counts.most_common(1)
    few = count < max(MOSTLY * counts.total(), HALF * len(signs))
    return others if few else others.union(*(one for one in signs if _units(one) == usual))


def _units(signs: Iterable[str]) -> frozenset[str]:
    """Return the units among the signs of a number: years is year, and KG is kg."""
    return frozenset(map(units.unit_of, units.measuring(signs)))


def _signs_of(match: re.Match[str]) -> set[str]:
    """Return what stands before and after a number, without its sign and parentheses."""
    return {one for one in (match["before"], match["after"]) if one}


def _is_number(match: re.Match[str]) -> bool:
    """Tell a number with signs around it from a code, such as Q1, and from a time of day."""
    return units.is_prefix(match["before"] or "") and units.may_be_unit(match["after"] or "")
