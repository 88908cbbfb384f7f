"""What monitoring finds, and the verdict that follows from it."""

from collections.abc import Iterable
from dataclasses import dataclass

OK, WARNING, ALERT = LEVELS = ("ok", "warning", "alert")  # from the best to the worst
WARNING_SHARE, ALERT_SHARE = 0.01, 0.05  # of rows with a value that training has not seen
BY_CHANCE = 0.01  # a finding that chance makes more often than this is none


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that was looked at.

    Attributes:
        check: What was looked at, such as "drift".
        column: The raw column; "prediction" or "target"; "" if it is about whole rows.
        value: What was measured; None where nothing could be.
        level: One of `LEVELS`.
        message: One sentence with the numbers.
    """

    check: str
    column: str = ""
    value: float | None
    level: str
    message: str


def worst(levels: Iterable[str]) -> str:
    """Return the worst of some levels; `OK` of none.

    >>> worst(["ok", "alert", "warning"])
    'alert'
    """
    return max(levels, key=LEVELS.index, default=OK)


def level_of(share: float) -> str:
    """Return the level of a share of rows that holds what training has not seen."""
    return ALERT if share >= ALERT_SHARE else WARNING if share >= WARNING_SHARE else OK


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the worst ones first, those of a level in the order given."""
    return sorted(findings, key=lambda one: -LEVELS.index(one.level))


def reason(findings: Iterable[Finding]) -> str:
    """Return in one line what the verdict follows from; "" where all is well."""
    wrong = [one for one in in_order(findings) if one.level != OK]
    if not wrong:
        return ""
    decisive = [one for one in wrong if one.level == wrong[0].level]
    more = f"; and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    first = decisive[0].message.rstrip(".")
    others = dict.fromkeys(one.column for one in decisive[1:] if one.column)
    others.pop(decisive[0].column, None)
    named = f" (also {', '.join(list(others)[:3])})" if others else ""
    return f"{first}{more}{named}"
