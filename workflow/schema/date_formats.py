"""The ways in which dates, times of day and durations are written, and which a text may be in.

A text may be in a format that has its shape: the same signs between digits and words. Whether it
is, and what its value is, SQL tells (`sql_features.time_texts`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from sql_features.time_texts import BLANKS, DURATIONS, ISO

DATES = (  # of those that fit as many texts the first is taken
    *("%m/%d/%y", "%m/%d/%Y", "%d/%m/%y", "%d/%m/%Y", "%d.%m.%y", "%d.%m.%Y", "%m-%d-%y"),
    *("%m-%d-%Y", "%d-%m-%y", "%d-%m-%Y", "%d-%b-%y", "%d-%b-%Y", "%d %b %y", "%d %b %Y"),
    *("%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y.%m.%d", "%Y-%m"),
    *("%b %Y", "%B %Y", "%b-%Y", "%m/%Y", "%m-%Y", "%Y/%m", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d"),
)
TIMES = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f"),
    *("%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p", "%I %p", "%I%p"),
)
ISO_SHAPE = re.compile("[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([ T].*)?")
LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}([-/.]\d{2,4})?([ T].*)?|\d{1,2}[-/.]\d{4}|(19|20)\d{6}.*")
MONTH_LIKE = re.compile(  # how the names of months begin in the languages of Europe
    "\\b(jan|feb|f[e\u00e9]v|m[a\u00e4]r|mrz|mrt|a[bpv]r|ma[gijy]|mei|ju[ln]|jui|giu|lug|a[gou][go\u00fbu]"
    "|se[pt]|o[ck]t|ott|out|no[nv]|d[e\u00e9][cz]|di[cz]|ene|gen)[^\\W\\d_]{0,7}\\b",
    re.IGNORECASE,
)
ZONED = ":[0-9]{2}([.][0-9]+)? *(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?) *$"
PADDED = "^ *[0-9]{2}[-/.][0-9]{2}[-/.][0-9]{2}"
SHORTEST, LONGEST = 3, 40  # characters of a date
MOSTLY = 0.9  # share of different texts from which on they are durations
HALF = 0.5  # share of different texts with the shape of dates from which on their rows are counted
MOST_FORMATS = 20  # that are tried on all rows of a column


def _shape(text: str) -> str:
    """Return a text with each number as 0, each word as a and blanks as one.

    >>> _shape("Jan 31, 2024"), _shape("%b %d, %Y")
    ('a 0, 0', 'a 0, 0')
    """
    text = re.sub("%[bBp]", "a", text)
    text = re.sub("%[a-zA-Z]", "0", text)
    return re.sub(r"\s+", " ", re.sub("[^\\W\\d_]+", "a", re.sub("[0-9]+", "0", text)))


FORMATS = (*DATES, "%Y%m%dT%H%M%S", *(f"{date} {time}" for date in DATES for time in TIMES), *TIMES)
SHAPES: dict[str, list[str]] = {}
for _format in FORMATS:
    SHAPES.setdefault(_shape(_format), []).append(_format)


def candidates(texts: Iterable[str]) -> list[str]:
    """Return the formats that texts may be written in, or none where fewer than half may be.

    >>> candidates(["31/12/2024", "2024-12-31"])
    ['ISO', '%m/%d/%y', '%m/%d/%Y', '%d/%m/%y', '%d/%m/%Y', '%y/%m/%d']
    """
    found: Counter[str] = Counter()
    count, of_dates = 0, 0
    for text in (text.strip(BLANKS) for text in texts):
        count += 1
        if not SHORTEST <= len(text) <= LONGEST:
            continue
        own = [ISO] if ISO_SHAPE.fullmatch(text) else SHAPES.get(_shape(text), [])
        found.update(own)
        of_dates += bool(own)
    if of_dates < HALF * count:
        return []
    usual = {one for one, _ in found.most_common(MOST_FORMATS)}
    return [one for one in (ISO, *FORMATS) if one in usual]


def looks_like_date(text: str) -> bool:
    """Tell whether people would take a text for a date, in whatever format.

    >>> [looks_like_date(text) for text in ("12/19", "Dec-19", "3rd of May 2019", "192.168.0.1")]
    [True, True, True, False]
    """
    text = text.strip(BLANKS)
    if len(text) > LONGEST or not re.search(r"\d", text):
        return False
    return bool(LIKE.fullmatch(text) or MONTH_LIKE.search(text))


def durations(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the formats of the durations that most texts are, or none where they are none.

    Times of day are no durations: one at least is of a day or more, or has units.

    >>> durations(["38:25:29", "4:20:45"]), durations(["8:25:29", "4:20:45"])
    (('h:m:s',), ())
    >>> durations(["2h 50m", "7h"]), durations(["7h", "2h"])
    (('d h m s',), ())
    """
    found: Counter[str] = Counter()
    is_longer = False
    for text in (text.strip(BLANKS) for text in texts):
        for name in ("h:m:s", "m:s", "d h m s"):
            if not (match := re.fullmatch(DURATIONS[name][0], text)) or not re.search(r"\d", text):
                continue
            sign, *parts = match.groups()
            given = [part for part in parts if part]
            if name == "d h m s":
                is_longer |= len(given) > 1
            else:
                is_longer |= bool(sign) or len(given) > 3 or float(given[0]) >= 24
            found[name] += 1
            break
    if not is_longer or found.total() < MOSTLY * len(texts):
        return ()
    return tuple(name for name in DURATIONS if found[name])


@cache
def month_first_of(day_first: str) -> str | None:
    """Return the same format with the month before the day, if it is numbers in the other order.

    >>> month_first_of("%d/%m/%Y %H:%M")
    '%m/%d/%Y %H:%M'
    """
    swapped = re.sub("^%d([/-])%m", r"%m\1%d", day_first)
    return None if swapped == day_first or swapped not in FORMATS else swapped


def year_first_of(format: str) -> str | None:
    """Return the format by which a date whose year of two digits comes last has it first.

    >>> year_first_of("%d-%m-%y %H:%M"), year_first_of("%d-%m-%Y")
    ('%y-%m-%d %H:%M', None)
    """
    last = re.match("%[dm]([-/.])%[dm][-/.]%y", format)
    return f"%y{last[1]}%m{last[1]}%d{format[last.end() :]}" if last else None


def is_time_of_day(format: str) -> bool:
    """Tell whether a format is one of times of day alone."""
    return format in TIMES


def has_time(format: str) -> bool:
    """Tell whether a date in a format has a time of day."""
    return "%H" in format or "%I" in format
