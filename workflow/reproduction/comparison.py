"""Two records of the same work, compared in the order of the work: where do they part, and why?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workflow import digests
from workflow.reproduction.record import Record
from workflow.tracking.cache_key import differing

DATA, HAS_CHANGED = "raw data", "{} has changed"
OTHER_DATA = "The data have changed: only with the files of that day it can be made again"
SHOWN = 3  # files and packages that an explanation names; the others are counted


@dataclass(frozen=True)
class Stage:
    """One stage of the work in both records.

    Attributes:
        name: What was compared.
        count: How many things of the first record were compared.
        difference: The first that differs, in words; "" where all are identical.
    """

    name: str
    count: int
    difference: str


def compare(recorded: Record, repeated: Record) -> list[Stage]:
    """Compare the work of two workflows, in the order of the work.

    Args:
        recorded: The first.
        repeated: What it was made again as.
    """
    trials = {name for name in recorded.models | repeated.models if name.startswith("hpo")}
    return [
        Stage(DATA, len(recorded.data), _first(recorded.data, repeated.data, HAS_CHANGED)),
        Stage(
            "splits",
            len(recorded.splits),
            _first(recorded.splits, repeated.splits, "the rows of the {} split differ"),
        ),
        _models("families", recorded, repeated, lambda name: name not in trials),
        _models("trials", recorded, repeated, lambda name: name in trials),
        Stage(
            "finalists",
            len(recorded.leaderboard),
            _of_tables(recorded.leaderboard, repeated.leaderboard, "place"),
        ),
        Stage(
            "predictions on test",
            len(recorded.predictions),
            _of_tables(recorded.predictions, repeated.predictions, "row"),
        ),
        Stage(
            "files of the model",
            len(recorded.model),
            _first(recorded.model, repeated.model, "{} differs"),
        ),
    ]


def changed_files(recorded: Record) -> Stage:
    """Return the stage of the data as far as files of this machine tell, before anything is run.

    Args:
        recorded: Files of another machine and of servers are not looked at.
    """
    here = {name: Path(name) for name in recorded.files if Path(name).is_absolute()}
    there = {name: digests.of_files([path]) for name, path in here.items() if path.is_file()}
    was = {name: recorded.files[name] for name in here}
    if gone := [name for name in here if name not in there]:
        return Stage(DATA, len(was), f"{gone[0]} is not there")
    return Stage(DATA, len(was), _first(was, there, HAS_CHANGED))


def explanation(recorded: Record, repeated: Record) -> str:
    """Return what a difference means: other data, other code, another environment, or none."""
    if differing(recorded.data, repeated.data):
        return OTHER_DATA
    if files := differing(recorded.code, repeated.code):
        return f"The code is another one: {_named(files)}"
    if packages := differing(recorded.environment, repeated.environment):
        said = [
            f"{name} was {recorded.environment.get(name, 'absent')}, "
            f"is {repeated.environment.get(name, 'absent')}"
            for name in packages
        ]
        return f"The environment is another one: {_named(said)}"
    return (
        "Data, code and environment are the same: something gives another result each time it is "
        "run, or on another processor"
    )


def _models(name: str, recorded: Record, repeated: Record, wanted: Callable[[str], bool]) -> Stage:
    was, is_now = (
        {key: one for key, one in record.models.items() if wanted(key)}
        for record in (recorded, repeated)
    )
    return Stage(name, len(was), _of_models(was, is_now))


def _of_models(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    for name in [*was, *(name for name in is_now if name not in was)]:
        if name not in is_now:
            return f"{name} was not made again"
        if name not in was:
            return f"{name} is new"
        for key in sorted({*was[name], *is_now[name]}):
            pair = was[name].get(key, "absent"), is_now[name].get(key, "absent")
            if not _same(*pair):
                return f"{name}: {key} was {pair[0]}, is {pair[1]}"
    return ""


def _first(was: Mapping[str, str], is_now: Mapping[str, str], words: str) -> str:
    found = differing(was, is_now)
    if not found:
        return ""
    more = f" (and {len(found) - 1} more)" if found[1:] else ""
    return words.format(found[0]) + more


def _of_tables(was: pd.DataFrame, is_now: pd.DataFrame, what: str) -> str:
    """Return the first difference of two tables, by column and place."""
    if list(was) != list(is_now):
        return f"it has the columns {', '.join(is_now)}, and had {', '.join(was)}"
    if len(was) != len(is_now):
        return f"it has {len(is_now):,} {what}s, and had {len(was):,}"
    for name in was:
        pairs = zip(was[name], is_now[name], strict=True)
        places = [place for place, pair in enumerate(pairs) if not _same(*pair)]
        if places:
            at = places[0]
            return (
                f"{what} {at + 1}: {name} was {was[name].iloc[at]}, is {is_now[name].iloc[at]} "
                f"({len(places):,} of {len(was):,} {what}s differ)"
            )
    return ""


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same to the last bit; missing ones are."""
    return bool(one == other) or bool(pd.isna(one) and pd.isna(other))


def _named(lines: list[str]) -> str:
    more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return "; ".join(lines[:SHOWN]) + more
