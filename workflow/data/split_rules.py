"""How rows become train, validation and test: a file each, by their hash, or by time."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, with_config

from workflow.data.field_types import MAPPING, Share, Text, TrueOrFalse

SPLITS = ("train", "validation", "test")
SHARE = 0.15  # of validation, and of test


@with_config(MAPPING)
@dataclass(frozen=True, kw_only=True)
class ByFiles:
    """A file for each split, relative to the dataset's `data`."""

    by: Literal["files"] = "files"
    train: Text
    validation: Text
    test: Text

    @property
    def files(self) -> dict[str, str]:
        """File name by split."""
        return {split: getattr(self, split) for split in SPLITS}


@with_config(MAPPING)
@dataclass(frozen=True, kw_only=True)
class ByHash:
    """By a hash of the row, so that a row stays in its split whatever other rows there are."""

    by: Literal["hash"] = "hash"
    key: tuple[Text, ...] = ()
    """Raw columns: rows that agree in all of them go to one split. None: all that features name."""
    repeats: TrueOrFalse | None = None
    """Whether rows that agree in the key are each split alone. None: the rows say, if no key is."""
    validation: Share = SHARE
    """Share of the rows."""
    test: Share = SHARE
    """Share of the rows."""

    def __post_init__(self) -> None:
        _check_shares(self.validation, self.test)


@with_config(MAPPING)
@dataclass(frozen=True, kw_only=True)
class ByTime:
    """By time: the latest rows are for the test, those before them for validation."""

    by: Literal["time"] = "time"
    column: Text
    """Row-wise SQL of a time or a number; often just a column."""
    validation: Share = SHARE
    """Share of the rows."""
    test: Share = SHARE
    """Share of the rows."""

    def __post_init__(self) -> None:
        _check_shares(self.validation, self.test)


def _check_shares(validation: float, test: float) -> None:
    if validation + test >= 1:
        raise ValueError(
            f"validation {validation} and test {test} leave no row for train: give shares that "
            "sum to less than 1"
        )


def _rule(given: Any) -> str | None:
    """Return the rule that a mapping names in `by`, or None if it is no mapping."""
    return str(given.get("by", "files")) if isinstance(given, dict) else None


Split = ByFiles | ByHash | ByTime
SplitField = Annotated[
    Annotated[ByFiles, Tag("files")]
    | Annotated[ByHash, Tag("hash")]
    | Annotated[ByTime, Tag("time")],
    Discriminator(_rule),
]
