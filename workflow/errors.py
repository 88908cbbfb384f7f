"""Errors that a user can cause, beside `WorkflowError` itself."""

from collections.abc import Iterable
from difflib import get_close_matches

from sql_features.errors import WorkflowError


class StepFailed(WorkflowError):
    """A step of the workflow has failed; it has already told the user why."""


class AlertRaised(Exception):
    """The step has finished, and what it has found is to end its process with exit code 1."""


def unknown(what: str, given: str, allowed: Iterable[str]) -> WorkflowError:
    """Return the error for a name that is not one of the allowed ones, with the most similar one.

    Args:
        what: What it should be the name of.
        given: The name.
        allowed: The allowed names, all of which the error lists.

    >>> print(unknown("model", "lihgtgbm", ["linear", "lightgbm"]))
    unknown model 'lihgtgbm': did you mean 'lightgbm'? Allowed: linear, lightgbm.
    """
    allowed = list(allowed)
    folded = {name.casefold(): name for name in allowed}
    close = get_close_matches(given.casefold(), folded, n=1)
    hint = f" did you mean '{folded[close[0]]}'?" if close else ""
    return WorkflowError(f"unknown {what} '{given}':{hint} Allowed: {', '.join(allowed)}.")
