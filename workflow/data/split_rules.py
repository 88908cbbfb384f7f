"""How rows become train, validation and test: a file each, by their hash, or by time."""

from dataclasses import asdict, dataclass
from typing import Any

from sql_features.errors import WorkflowError
from workflow.errors import unknown

SPLITS = ("train", "validation", "test")
SHARE = 0.15  # of validation, and of test


@dataclass(frozen=True, kw_only=True)
class ByFiles:
    """A file each, relative to the dataset's `data`."""

    train: str
    validation: str
    test: str

    @property
    def files(self) -> dict[str, str]:
        """File name by split."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ByHash:
    """By a hash of the row, so that a row stays where it is whatever other rows there are.

    Attributes:
        key: Raw columns; rows alike in these go to one split. None of them: all that the SQL names.
        validation: Share of the rows.
        test: Share of the rows.
    """

    key: tuple[str, ...] = ()
    validation: float = SHARE
    test: float = SHARE


@dataclass(frozen=True, kw_only=True)
class ByTime:
    """By time: the latest rows are for the test, those before them for validation.

    Attributes:
        column: Row-wise SQL of a time or a number; often just a column.
        validation: Share of the rows.
        test: Share of the rows.
    """

    column: str
    validation: float = SHARE
    test: float = SHARE


Split = ByFiles | ByHash | ByTime
RULES = {"hash": ByHash, "time": ByTime}


def read(given: dict[str, Any]) -> Split:
    """Read a dataset file's `split`.

    Raises:
        WorkflowError: It names no file for a split, or is not a rule.
    """
    given = dict(given)
    rule = str(given.pop("by", "files"))
    if rule == "files":
        for split in given:
            if split not in SPLITS:
                raise unknown("split", str(split), [*SPLITS, "by"])
        if missing := [split for split in SPLITS if split not in given]:
            raise WorkflowError(
                f"split names no file for {', '.join(missing)}; for one table give a rule instead: "
                "{by: hash} or {by: time, column: ...}."
            )
        return ByFiles(**{split: _text(f"split.{split}", name) for split, name in given.items()})
    if rule not in RULES:
        raise unknown("rule in split.by:", rule, RULES)
    allowed = list(RULES[rule].__dataclass_fields__)
    for name in given:
        if name not in allowed:
            raise unknown(f"key in split by {rule}:", str(name), allowed)
    shares = {name: _share(name, given.pop(name, SHARE)) for name in ("validation", "test")}
    if sum(shares.values()) >= 1:
        raise WorkflowError(
            f"split: validation {shares['validation']} and test {shares['test']} leave no row for "
            "train: give shares that sum to less than 1."
        )
    if rule == "time":
        if "column" not in given:
            raise WorkflowError("split by time lacks `column`: name a column, or SQL, of the time.")
        return ByTime(column=_text("split.column", given["column"]), **shares)
    key = given.get("key", [])
    if not isinstance(key, list):
        raise WorkflowError(f"split.key must be a list of raw columns, not {key!r}.")
    return ByHash(key=tuple(_text("split.key", name) for name in key), **shares)


def write(split: Split) -> dict[str, Any]:
    """Return what `read` reads."""
    if isinstance(split, ByFiles):
        return split.files
    (rule,) = [name for name, one in RULES.items() if isinstance(split, one)]
    given = {key: list(value) if key == "key" else value for key, value in asdict(split).items()}
    return {"by": rule, **{key: value for key, value in given.items() if value not in ([], "")}}


def _share(name: str, given: Any) -> float:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not number or not 0 < given < 1:
        raise WorkflowError(f"split.{name}: give a share of the rows between 0 and 1, not {given}.")
    return float(given)


def _text(key: str, value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        raise WorkflowError(f"{key} must be a text, not {value!r}.")
    return str(value)
