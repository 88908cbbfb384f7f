"""Texts that stand for a missing value in a column of numbers or dates, or among labels."""

import re
from collections.abc import Collection, Mapping

from sql_features.time_texts import BLANKS

KNOWN = {
    *("", "?", "??", "???", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "**", "_"),
    *("/", "//", "n/a", "na", "n.a.", "n.a", "n.d.", "nd", "none", "null", "nil", "nan", "\\n"),
    *("(null)", "(none)", "(blank)", "missing", "unknown", "undefined", "void", "empty", "no data"),
    *("not available", "not applicable", "tbd", "tba", "k.a.", "k. a.", "unbekannt"),
}
ERROR = re.compile(r"#[A-Z\u00c4\u00d6\u00dc]+(/[A-Z0-9]+)?[!?]?")  # of a spreadsheet: #DIV/0!
HALF = 0.5  # share of texts that are to be numbers where another text than those means missing
MANY = 20  # different numbers, from which on they are measured, and no labels


def among(odd: Mapping[str, int], known: int, distinct: int) -> dict[str, int]:
    """Return the texts that mean missing, without blanks around them, with the rows of each.

    They are those that usually do; and any text without a digit that is the only other one, is
    repeated, and stands among many different numbers.

    Args:
        odd: Rows by text, of the texts that are no values of the column's kind.
        known: Rows with a text.
        distinct: About how many different texts there are.

    >>> among({"?": 3, " - ": 1, "12 apples": 1}, 100, 90)
    {'?': 3, '-': 1}
    >>> among({"no answer": 30}, 100, 70), among({"no answer": 30}, 100, 8)
    ({'no answer': 30}, {})
    """
    found: dict[str, int] = {}
    others: dict[str, int] = {}
    for text, rows in odd.items():
        bare = text.strip(BLANKS)
        usual = bare.casefold() in KNOWN or ERROR.fullmatch(bare)
        into = found if usual else others
        into[bare] = into.get(bare, 0) + rows
    if len(others) == 1:
        ((text, rows),) = others.items()
        measured = known - sum(odd.values()) >= HALF * known and distinct > MANY
        if rows > 1 and measured and not re.search(r"\d", text):
            found[text] = rows
    return found


def among_labels(symbols: Collection[str]) -> tuple[str, ...]:
    """Return the texts that mean missing among labels, without blanks around them.

    They are those of the symbols that do so among numbers, if all do: beside a + the - is a label.

    Args:
        symbols: All texts of a column that `is_symbols` is true of.

    >>> among_labels(["?", " -"]), among_labels(["+", "-"])
    (('?', '-'), ())
    """
    found = tuple(dict.fromkeys(text.strip(BLANKS) for text in symbols))
    return found if KNOWN.issuperset(found) else ()


def is_symbols(text: str) -> str:
    """Return the SQL that tells whether a text has neither letter nor digit."""
    return f"regexp_matches({text}, '^[^\\p{{L}}\\p{{N}}]*$')"
