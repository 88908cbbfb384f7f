"""The values that a search tries for a hyperparameter: a range of numbers, or options."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    FiniteFloat,
    Strict,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    with_config,
)


class _Range:
    low: float
    high: float
    log: bool

    def __post_init__(self) -> None:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("low must be below high, and above 0 for log")


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Whole(_Range):
    """A whole number from `low` to `high`, both included; `log` for scales such as 10 to 1000."""

    low: StrictInt
    high: StrictInt
    log: StrictBool = False


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Real(_Range):
    """A number from `low` to `high`; `log` for scales such as 0.001 to 1."""

    low: Annotated[FiniteFloat, Strict()]
    high: Annotated[FiniteFloat, Strict()]
    log: StrictBool = False


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Choice:
    """One of several values."""

    options: Annotated[tuple[Any, ...], Field(min_length=1)]


Domain = Whole | Real | Choice


def _in_one_message(given: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Raise one error that names all that is allowed, instead of one for each kind of domain."""
    try:
        return validate(given)
    except ValidationError as error:
        raise ValueError(
            "give {low: 1, high: 9} with low below high (and log: true if both are above 0), "
            f"{{options: [a, b]}}, or one value to fix, not {given!r}"
        ) from error


# What a dataset file says of a hyperparameter: what to search, or the value to fix.
SearchValue = Annotated[
    Annotated[Domain, Field(union_mode="left_to_right")] | str | bool | int | float | None,
    WrapValidator(_in_one_message),
]
