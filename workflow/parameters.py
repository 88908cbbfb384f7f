"""What the text of a parameter means: small converters that say what is allowed."""

import json
from typing import Any

from sql_features.errors import WorkflowError
from workflow.errors import unknown

AUTO, NONE = "auto", "none"


def whole_number(name: str, text: str, at_least: int = 0) -> int:
    """Return a whole number.

    Raises:
        WorkflowError: It is not one, or smaller than `at_least`.
    """
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or number < at_least:
        raise WorkflowError(f"{name}='{text}': give a whole number of at least {at_least}.")
    return number


def seed(text: str) -> int:
    """Return a seed, which numpy takes up to 2**32 - 1.

    Raises:
        WorkflowError: It is no such number.
    """
    number = whole_number("seed", text)
    if number >= 2**32:
        raise WorkflowError(f"seed='{text}': give a whole number below {2**32}.")
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
        raise WorkflowError(f"{name}='{text}': give a number of seconds above 0, or 'none'.")
    return number


def yes_or_no(name: str, text: str) -> bool:
    """Return True for `true` and False for `false`.

    Raises:
        WorkflowError: It is neither.
    """
    if text not in ("true", "false"):
        raise WorkflowError(f"{name}='{text}': give 'true' or 'false'.")
    return text == "true"


def folds(text: str) -> int | None:
    """Return how many folds a way of validation has, or None for `holdout`.

    Raises:
        WorkflowError: It is neither `holdout` nor `cv:` and a number from 2 to 20.
    """
    if text == "holdout":
        return None
    kind, _, number = text.partition(":")
    if kind != "cv" or not number.isdecimal() or not 2 <= int(number) <= 20:
        raise WorkflowError(
            f"validation='{text}': give 'holdout' for the validation split, or 'cv:5' for that "
            "many folds (2 to 20) of train and validation together."
        )
    return int(number)


def validation(text: str, preferred: str) -> str:
    """Return the way of validation asked for; `auto` is the one preferred.

    Raises:
        WorkflowError: It is none.
    """
    asked = preferred if text == "auto" else text
    folds(asked)
    return asked


def names(name: str, text: str, allowed: list[str]) -> list[str]:
    """Return the names in a comma-separated list, each once, in the order given.

    Raises:
        WorkflowError: The list is empty or holds a name that is not allowed.
    """
    given = [part for part in (part.strip() for part in text.split(",")) if part]
    if not given:
        raise WorkflowError(f"{name}='{text}': give at least one of {', '.join(allowed)}.")
    for part in given:
        if part not in allowed:
            raise unknown(f"name in {name}:", part, allowed)
    return list(dict.fromkeys(given))


def model_name(text: str) -> str | None:
    """Return the name of a registered model, or None for `auto`.

    Raises:
        WorkflowError: MLflow's registry takes no such name.
    """
    if not text.strip() or set(text) & set("/:"):
        raise WorkflowError(
            f"register_as='{text}': give a name without '/' and ':', or 'auto' for the dataset's."
        )
    return None if text == "auto" else text


def json_object(name: str, text: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        WorkflowError: The text is no JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise WorkflowError(f"{name}='{text}' is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise WorkflowError(f"{name}='{text}': give a JSON object such as {{\"max_depth\": 8}}.")
    return value
