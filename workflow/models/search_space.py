"""What a search may change: whole numbers, real ones, one of several values."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from sql_features.errors import WorkflowError


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both included; `log` for scales such as 10 to 1000."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    options: tuple[Any, ...]


Domain = Whole | Real | Choice


def domain(name: str, given: Any) -> Any:
    """Return what a dataset file says of a hyperparameter: a `Domain`, or the value to fix.

    Args:
        name: `family.hyperparameter`, for errors.
        given: `{low: 1, high: 9}`, with `log: true` if wanted; `{options: [a, b]}`; or a value.

    Raises:
        WorkflowError: It is none of these.

    >>> domain("lightgbm.num_leaves", {"low": 15, "high": 63, "log": True})
    Whole(low=15, high=63, log=True)
    """
    if not isinstance(given, dict | list):
        return given
    match given:
        case {"options": [_, *_] as options, **rest} if not rest:
            return Choice(tuple(options))
        case {"low": int() | float() as low, "high": int() | float() as high, **rest}:
            log = rest.pop("log", False)
            whole = isinstance(low, int) and isinstance(high, int)
            ordered = low < high and isfinite(low) and isfinite(high)
            if not rest and ordered and isinstance(log, bool) and (low > 0 or not log):
                return (Whole if whole else Real)(low, high, log)
    raise WorkflowError(
        f"search space {name}: give {{low: 1, high: 9}} with low below high (and log: true if both "
        f"are above 0), {{options: [a, b]}}, or one value to fix, not {given!r}."
    )
