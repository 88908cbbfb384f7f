"""What the text of a parameter means: functions that read it, or say in one line what is allowed.

Each takes the parameter's name, for that line, and its text.
"""

import json
from collections.abc import Collection
from datetime import date
from typing import Any

from sql_features.errors import WorkflowError
from workflow.errors import unknown

AUTO, NONE, HOLDOUT, ALL = "auto", "none", "holdout", "all"
# When a version becomes the champion: rules of the parameters `promote` and `rule`.
IF_BETTER, NOT_WORSE, ALWAYS, NEVER = RULES = ("if_better", "not_worse", "always", "never")


def whole_number(name: str, text: str, *, at_least: int = 0, below: int | None = None) -> int:
    """Return a whole number.

    Raises:
        WorkflowError: It is not one, or not in the range.
    """
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or number < at_least:
        raise WorkflowError(f"{name}='{text}': give a whole number of at least {at_least}.")
    if below is not None and number >= below:
        raise WorkflowError(f"{name}='{text}': give a whole number below {below}.")
    return number


def seconds(name: str, text: str) -> float | None:
    """Return a time limit in seconds, or None for `none`.

    Raises:
        WorkflowError: It is neither `none` nor a number above 0.
    """
    if text == NONE:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise WorkflowError(f"{name}='{text}': give a number of seconds above 0, or '{NONE}'.")
    return number


def share_or_none(name: str, text: str) -> float | None:
    """Return a share of rows, or None for `none`.

    Raises:
        WorkflowError: It is neither `none` nor a number between 0 and 1.
    """
    if text == NONE:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise WorkflowError(f"{name}='{text}': give a share of rows such as 0.9, or '{NONE}'.")
    return number


def true_or_false(name: str, text: str) -> bool:
    """Return True for `true` and False for `false`.

    Raises:
        WorkflowError: It is neither.
    """
    return _either(name, text, "true", "false")


def items(name: str, text: str) -> list[str]:
    """Return what stands between the commas of a list, without spaces and empty items.

    >>> items("candidates", "a, b,,")
    ['a', 'b']
    """
    return [item for item in (item.strip() for item in text.split(",")) if item]


def kept(name: str, text: str) -> list[str] | None:
    """Return the names in a comma-separated list, none for `none`, or None for `all`."""
    if text == ALL:
        return None
    return [] if text == NONE else list(dict.fromkeys(items(name, text)))


def names(name: str, text: str, *, allowed: list[str]) -> list[str]:
    """Return the names in a comma-separated list, each once, in the order given.

    Raises:
        WorkflowError: The list is empty or holds a name that is not allowed.
    """
    given = items(name, text)
    if not given:
        raise WorkflowError(f"{name}='{text}': give at least one of {', '.join(allowed)}.")
    for item in given:
        if item not in allowed:
            raise unknown(f"name in {name}:", item, allowed)
    return list(dict.fromkeys(given))


def one_of(name: str, text: str, *, allowed: Collection[str]) -> str:
    """Return a text that is one of those that are allowed.

    Raises:
        WorkflowError: It is another.
    """
    if text not in allowed:
        raise unknown(f"value of {name}:", text, allowed)
    return text


def validation(name: str, text: str) -> str | None:
    """Return a way of validation as it is, or None for `auto`, which is the dataset's.

    Raises:
        WorkflowError: It is neither `auto` nor what `folds` reads.
    """
    if text == AUTO:
        return None
    folds(text, name)
    return text


def folds(text: str, name: str = "validation") -> int | None:
    """Return the number of folds of a way of validation, or None for `holdout`.

    >>> folds("cv:5")
    5

    Raises:
        WorkflowError: It is neither `holdout` nor `cv:` and a number from 2 to 20.
    """
    if text == HOLDOUT:
        return None
    kind, _, number = text.partition(":")
    if kind != "cv" or not number.isdecimal() or not 2 <= int(number) <= 20:
        raise WorkflowError(
            f"{name}='{text}': give '{HOLDOUT}' for the validation split, or 'cv:5' for that "
            "many folds (2 to 20) of train and validation together."
        )
    return int(number)


def registered_name(name: str, text: str) -> str | None:
    """Return the name of a registered model, or None for `auto`, which is the dataset's name.

    Raises:
        WorkflowError: MLflow's model registry does not accept the name.
    """
    return _model_name(name, text, AUTO, " for the dataset's")


def alert_or_never(name: str, text: str) -> bool:
    """Return True for `alert` and False for `never`.

    Raises:
        WorkflowError: It is neither.
    """
    return _either(name, text, "alert", "never")


def _either(name: str, text: str, yes: str, no: str) -> bool:
    if text not in (yes, no):
        raise WorkflowError(f"{name}='{text}': give '{yes}' or '{no}'.")
    return text == yes


def window(name: str, text: str) -> tuple[str, str, str | None] | None:
    """Return how rows are parted by time: the unit, the column, and until when; None for `none`.

    >>> window("window", "day:pickup"), window("window", "month:sold:2023-04-01")
    (('day', 'pickup', None), ('month', 'sold', '2023-04-01'))

    Raises:
        WorkflowError: It is no unit with a column, or what follows is no date.
    """
    if text == NONE:
        return None
    unit, _, rest = text.partition(":")
    column, until = rest, None
    before, separator, last = rest.rpartition(":")
    if separator and (last == "today" or _is_date(last)):
        column, until = before, last
    if unit not in ("day", "week", "month") or not column.strip():
        raise WorkflowError(
            f"{name}='{text}': give '{NONE}', or day, week or month and a column, as in "
            "'day:pickup'; with ':today' or a date behind it, the newest window is the last one "
            "that is over then."
        )
    return unit, column, until


def _is_date(text: str) -> bool:
    try:
        return str(date.fromisoformat(text)) == text
    except ValueError:
        return False


def other_name(name: str, text: str) -> str | None:
    """Return the name of a registered model, or None for `none`.

    Raises:
        WorkflowError: MLflow's model registry does not accept the name.
    """
    return _model_name(name, text, NONE)


def _model_name(name: str, text: str, no_name: str, for_what: str = "") -> str | None:
    if not text.strip() or set(text) & set("/:"):
        raise WorkflowError(
            f"{name}='{text}': give a name without '/' and ':', or '{no_name}'{for_what}."
        )
    return None if text == no_name else text


def text_or_none(name: str, text: str) -> str | None:
    """Return a text as it is, or None for `none`."""
    return None if text == NONE else text


def json_object(name: str, text: str) -> dict[str, Any]:
    """Return a JSON object as a dictionary.

    Raises:
        WorkflowError: The text is not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise WorkflowError(f"{name}='{text}' is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise WorkflowError(f"{name}='{text}': give a JSON object such as {{\"max_depth\": 8}}.")
    return value
