"""Where the bins of a histogram end: at round numbers and round times, about thirty of them.

A last bin holds its upper end too; in all others that belongs to the next bin.
"""

import math

import numpy as np

from workflow.checks.value_counts import Numbers

MOST_BINS = 40
FAR = 5  # interquartile ranges beyond the quartiles
RARE = 200  # where half of the rows have one value: of so many the first and the last
FEW = 20  # whole numbers, each with its bin
WHOLE = 1e15  # up to there a half can be told from a whole number
DAY = 86_400
ROUND = (  # seconds
    *(0.001, 0.01, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(hours * 3600 for hours in (1, 2, 3, 6, 12)),
    *(days * DAY for days in (1, 2, 3, 7, 14, 28, 91, 182, 365)),
)


def of_numbers(numbers: Numbers) -> np.ndarray:
    """Return the (n_bins + 1,) ends, ascending, of bins as wide as each other.

    Whole numbers lie in the middle of a bin of their own, if those are few. Numbers that are far
    from all others are beyond the ends.

    Args:
        numbers: At least one.
    """
    low, high = _ends(numbers)
    if (np.abs(numbers.values) < WHOLE).all() and (numbers.values % 1 == 0).all():
        least, most = numbers.values[[0, -1]]
        if most - least <= FEW:
            low, high = least, most
        width = max(_round_number((high - low) / MOST_BINS), 1.0) if low < high else 1.0
        return _multiples(low, high, width, whole=True) - 0.5
    if low == high:
        pad = max(abs(low) / 100, np.finfo(float).tiny)
        return np.clip([low - pad, low + pad], -np.finfo(float).max, np.finfo(float).max)
    apart, greatest = (high - low) / MOST_BINS, max(abs(low), abs(high))
    if apart < 8 * math.ulp(greatest) or greatest > 1e300:  # at the limits of arithmetic
        return np.unique(2 * np.linspace(low / 2, high / 2, MOST_BINS + 1))
    width = _round_number(apart)
    digits = 1 - math.floor(math.log10(width))
    edges = np.array([round(edge, digits) for edge in _multiples(low, high, width).tolist()])
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    return edges


def of_times(times: list[Numbers], type: str) -> np.ndarray:
    """Return the (n_bins + 1,) ends in seconds, ascending, of bins as wide as each other.

    Args:
        times: Those of splits with at least one.
        type: Their DuckDB type.
    """
    if not times:
        return np.array([])
    lows, highs = zip(*map(_ends, times), strict=True)
    low, high = min(lows), max(highs)
    apart = (high - low) / MOST_BINS
    least = DAY if type == "DATE" else 8 * math.ulp(max(abs(low), abs(high)))
    fitting = [width for width in ROUND if width >= max(apart, least)]
    width = fitting[0] if fitting else math.ceil(_round_number(apart / ROUND[-1])) * ROUND[-1]
    return _multiples(low, high, width, whole=type == "DATE")


def count(numbers: Numbers, edges: np.ndarray) -> np.ndarray:
    """Return the (n_bins,) rows in each bin; no bins have none."""
    if not len(edges):
        return np.array([], dtype=int)
    return np.diff(np.append(numbers.below(edges[:-1]), numbers.up_to(edges[-1:])))


def moment(seconds: float, type: str) -> str:
    """Return a time in ISO 8601, to the second or, where it has a fraction, the microsecond.

    >>> moment(36_000.5, "TIME"), moment(86_400, "DATE"), moment(0, "TIMESTAMP")
    ('10:00:00.500000', '1970-01-02', '1970-01-01T00:00:00')
    """
    whole = math.floor(seconds)
    fraction = round((seconds - whole) * 1e6)
    if fraction == 1_000_000:
        whole, fraction = whole + 1, 0
    rest = f".{fraction:06}" if fraction else ""
    if type == "DATE":
        return str(np.datetime64(whole // DAY, "D"))
    if type.startswith("TIMESTAMP"):
        return f"{np.datetime64(whole, 's')}{rest}"
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{rest}"


def _ends(numbers: Numbers) -> tuple[float, float]:
    """Return the least and greatest number that are not far from the others."""
    values, last = numbers.values, numbers.known - 1
    low, high = numbers.ranked(np.array([last // 4, last - last // 4]))
    with np.errstate(over="ignore"):
        if low < high:
            far = FAR * (high - low)
            drawn = values[(values >= low - far) & (values <= high + far)]
        else:
            drawn = numbers.ranked(np.array([last // RARE, last - last // RARE]))
        # No more than half of the picture for what is far or rare.
        every = values[-1] - values[0] <= 2 * (drawn[-1] - drawn[0]) or drawn[0] == drawn[-1]
    low, high = (values if every else drawn)[[0, -1]]
    return float(low), float(high)


def _round_number(number: float) -> float:
    """Return the least of 1, 2, 5, 10, ... times a power of ten that is no less.

    >>> _round_number(0.3), _round_number(2), _round_number(7000)
    (0.5, 2.0, 10000.0)
    """
    power = math.floor(math.log10(number))
    rounds = (float(f"{one}e{power}") for one in (1, 2, 5, 10, 20))
    return next(one for one in rounds if one >= number)


def _multiples(low: float, high: float, width: float, whole: bool = False) -> np.ndarray:
    """Return the multiples of a width from one that is no greater than low.

    They go to one that is no less than high; of whole numbers it is greater.
    """
    first = math.floor(low / width)
    last = math.floor(high / width) + 1 if whole else max(math.ceil(high / width), first + 1)
    return np.arange(first, last + 1) * width


def some(rows: int, most: int, seed: int) -> np.ndarray:
    """Return the positions of all rows, or of `most` that are drawn by chance.

    >>> some(3, 5, 1), len(some(9, 5, 1))
    (array([0, 1, 2]), 5)
    """
    if rows <= most:
        return np.arange(rows)
    return np.random.default_rng(seed).choice(rows, most, replace=False)


def edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Return the ascending edges of at most `bins` bins of the same width.

    They reach from the first to the last percentile and half as far again, if values do, so that
    a single one far off does not squeeze the others into one bin.

    Args:
        values: (n,) of which those that are no finite numbers are passed over.
        bins: How many at most; fewer where numbers lie too close to be told apart.
    """
    finite = np.clip(values[np.isfinite(values)], -8e307, 8e307)  # twice as much is a number too
    if not len(finite):
        return np.array([0.0, 1.0])
    low, first, last, high = np.quantile(finite, [0, 0.01, 0.99, 1])
    if last > first:
        reach = last / 2 - first / 2
        low, high = max(low, first - reach), min(high, last + reach)
    if low == high:
        width = abs(low) / 100 or 1
        low, high = low - width, high + width
    return np.unique(np.linspace(low, high, bins + 1))


def edges_rounded(exact: np.ndarray) -> list[float]:
    """Return edges in so many digits that they are still as far from each other."""
    width, size = (exact[-1] - exact[0]) / len(exact), np.abs(exact).max()
    digits = min(math.ceil(math.log10(size) - math.log10(width)) + 3, 17)
    return [float(f"{one:.{digits}g}") for one in exact]
