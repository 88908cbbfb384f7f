"""Numbers as people read them, the same in the terminal, on the run's page and in the report."""

import math

UNITS = ("rmse", "mae")  # metrics in the target's unit; the others have none


def number(value: float | None, digits: int = 6) -> str:
    """Return a score, or a dash where there is none.

    >>> number(4.6212934), number(4.6212934, 3), number(None)
    ('4.62129', '4.62', '-')
    """
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}g}"


def size(count: float | None) -> str:
    """Return a number of bytes.

    >>> size(812), size(1_234_567)
    ('812 B', '1.2 MB')
    """
    if count is None or math.isnan(count):
        return "-"
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def seconds(value: float | None) -> str:
    """Return a duration.

    >>> seconds(1.234), seconds(83), seconds(7384)
    ('1.2 s', '1 min 23 s', '2 h 3 min')
    """
    if value is None or math.isnan(value):
        return "-"
    if value < 60:
        return f"{value:.1f} s"
    minutes, left = divmod(round(value), 60)
    return f"{minutes} min {left} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def share(value: float | None) -> str:
    """Return a share as a percentage: none, less than one in a thousand, or to a tenth.

    >>> share(0), share(0.00004), share(0.1234)
    ('0 %', '< 0.1 %', '12.3 %')
    """
    if value is None or math.isnan(value):
        return "-"
    if 0 < value < 0.001:
        return "< 0.1 %"
    return "0 %" if value == 0 else f"{100 * value:.1f} %"


def p_value(value: float) -> str:
    """Return the p-value of a test as an equation; smaller ones than 0.001 are one to everybody.

    >>> p_value(0.0804), p_value(0.0005)
    ('p = 0.08', 'p < 0.001')
    """
    return f"p = {value:.2g}" if value >= 0.001 else "p < 0.001"


def capitalized(sentence: str) -> str:
    """Return a sentence with a capital letter; other letters stay as they are.

    >>> capitalized("not promoted: a Ridge")
    'Not promoted: a Ridge'
    """
    return sentence[:1].upper() + sentence[1:]


def with_unit(metric: str, value: float, unit: str) -> str:
    """Return a score with the target's unit, if the metric has it.

    >>> with_unit("rmse", 4.5, "minutes"), with_unit("r2", 0.5, "minutes")
    ('4.5 minutes', '0.5')
    """
    return f"{number(value)} {unit}" if unit and metric in UNITS else number(value)


def worsening(metric: str, unit: str, *, greater_is_better: bool) -> str:
    """Return how shuffling a feature worsens a metric, for the axis of permutation importance.

    >>> worsening("rmse", "minutes", greater_is_better=False)
    'increase of rmse (minutes)'
    """
    way = "decrease" if greater_is_better else "increase"
    of = f" ({unit})" if unit and metric in UNITS else ""
    return f"{way} of {metric}{of}"
