"""Where bins end, and which rows stand for all of them.

Bins of a histogram end at round numbers or round times, or are a given number of bins as wide as
each other. Bins of rows are the tenths of numbers, or the most frequent texts.
"""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TENTHS = 10  # bins of numbers; of texts, the most frequent have as many
OTHERS, MISSING = "other values", "missing values"  # labels of the bins that hold the rest
MOST_BINS = 40  # of a histogram whose bins end at round numbers
FAR = 5  # interquartile ranges beyond the quartiles
RARE = 200  # where half of the rows have one value, the first and the last 1/200 are left out
FEW = 20  # whole numbers that span no more than this have a bin each
MAX_PLUS_HALF = 1e15  # up to here 0.5 can be added to a whole number exactly
DAY = 86_400
ROUND = (  # seconds
    *(0.001, 0.01, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(hours * 3600 for hours in (1, 2, 3, 6, 12)),
    *(days * DAY for days in (1, 2, 3, 7, 14, 28, 91, 182, 365)),
)


def deciles(numbers: np.ndarray) -> np.ndarray:
    """Return the upper ends, ascending, of all bins but the last; each belongs to its bin.

    A number that is a decile twice, as it occurs in a tenth of the rows or more, has a bin of its
    own: then the greatest number below it is an end too.

    Args:
        numbers: (n,) in any order, none missing; of none there is no end.
    """
    if not len(numbers):
        return np.array([])
    steps = np.arange(1, TENTHS) / TENTHS
    ends, repeats = np.unique(np.quantile(numbers, steps, method="lower"), return_counts=True)
    with np.errstate(over="ignore"):  # nothing is below the least number there is
        return np.union1d(ends, np.nextafter(ends[repeats > 1], -np.inf))


def most_frequent(counted: pa.StructArray, most: int = TENTHS) -> list[str]:
    """Return the most frequent texts, the first by name of those that are as frequent.

    Args:
        counted: (n_distinct,) as `pyarrow.compute.value_counts` returns it, without null.
        most: How many texts at most.
    """
    if not len(counted):  # Arrow sorts no empty table
        return []
    table = pa.Table.from_struct_array(counted)
    order = [("counts", "descending"), ("values", "ascending")]
    return list(table["values"].take(pc.select_k_unstable(table, most, order)).to_pylist())


def number_edges(numbers: np.ndarray) -> np.ndarray:
    """Return the (n_bins + 1,) ascending round numbers between which numbers are counted.

    All bins have the same width. Whole numbers lie in the middle of a bin of their own, if they
    span few. Numbers far from all others are outside.

    Args:
        numbers: (n,) ascending and finite, at least one.
    """
    low, high = _ends(numbers)
    if (np.abs(numbers[[0, -1]]) < MAX_PLUS_HALF).all() and (numbers % 1 == 0).all():
        least, most = numbers[[0, -1]]
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


def count(numbers: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return how many numbers are in each of the (n_edges - 1,) bins; without edges, none.

    A bin holds its lower end, the last one both. `numpy.histogram` would sort the numbers again.

    Args:
        numbers: (n,) ascending.
        edges: (n_edges,) ascending, as `number_edges` or `time_edges` returns them.
    """
    last = np.searchsorted(numbers, edges[-1:], side="right")
    return np.diff([*np.searchsorted(numbers, edges[:-1]), *last])


def time_edges(times: list[np.ndarray], type: str) -> np.ndarray:
    """Return the (n_bins + 1,) ascending round times, in seconds, between which times are counted.

    Args:
        times: Of each split (n,) ascending seconds, at least one; without a split, no edges.
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


def sampled(rows: int, most: int, seed: int) -> np.ndarray:
    """Return the positions of all rows, or of `most` that are drawn by chance.

    >>> sampled(3, 5, 1), len(sampled(9, 5, 1))
    (array([0, 1, 2]), 5)
    """
    if rows <= most:
        return np.arange(rows)
    return np.random.default_rng(seed).choice(rows, most, replace=False)


def even_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Return the ascending edges of at most `bins` bins as wide as each other.

    They are not round, unlike `number_edges`, but as many as a picture has room for. They reach
    from the first to the last percentile and half as far again, if values do, so that one value
    far off does not squeeze all others into one bin.

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


def rounded(edges: np.ndarray) -> list[float]:
    """Return edges in no more digits than are needed to keep them apart."""
    width, size = (edges[-1] - edges[0]) / len(edges), np.abs(edges).max()
    digits = min(math.ceil(math.log10(size) - math.log10(width)) + 3, 17)
    return [float(f"{one:.{digits}g}") for one in edges]


def _ends(numbers: np.ndarray) -> tuple[float, float]:
    """Return the least and greatest of ascending numbers that are not far from the others."""
    last = len(numbers) - 1
    low, high = numbers[[last // 4, last - last // 4]]
    with np.errstate(over="ignore"):
        if low < high:
            far = FAR * (high - low)
            near = numbers[(numbers >= low - far) & (numbers <= high + far)]
        else:
            near = numbers[[last // RARE, last - last // RARE]]
        # What is far or rare gets no more than half of the picture.
        every = numbers[-1] - numbers[0] <= 2 * (near[-1] - near[0]) or near[0] == near[-1]
    low, high = (numbers if every else near)[[0, -1]]
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
    """Return the multiples of a width from the last one up to `low` to the first one from `high`.

    Of whole numbers the last one is greater than `high`.
    """
    first = math.floor(low / width)
    last = math.floor(high / width) + 1 if whole else max(math.ceil(high / width), first + 1)
    return np.arange(first, last + 1) * width
