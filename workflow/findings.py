"""What the checks of the clean splits have in common: a split that is looked at, and what is found.

Rates and classes are counted; the rest is measured on samples, so that it holds for tables of any
length.
"""

import math
from dataclasses import dataclass, field

from workflow.binding import is_number
from workflow.sql import quote

OK, WARNING, ERROR = "ok", "warning", "error"
LEVELS = (ERROR, WARNING, OK)  # in the order of the table
TRAIN = "train"

FEW = 5  # fewer rows than this show nothing
SAMPLED = 50_000  # rows of a split whose distribution is looked at, ...
CELLS = 1_000_000  # ... if they are no more values than this
SHOWN = 40  # characters of a name or a value in a message


@dataclass(frozen=True)
class Finding:
    """One row of the table.

    Attributes:
        check: What was looked at.
        split: In which split.
        column: In which column; "" where it is about whole rows.
        value: What was measured; its meaning is in the message.
        level: One of `LEVELS`.
        message: One sentence with the numbers, and a cure where something is wrong.
    """

    check: str
    split: str
    column: str
    value: float
    level: str
    message: str


@dataclass(kw_only=True)
class Split:
    """A split on disk, and what is known of it.

    Attributes:
        name: "train", "validation" or "test".
        scan: The SQL that reads it.
        types: DuckDB type by raw column, and of the target.
        features: The raw columns that features read, spelled as in the file.
        rows: How many there are.
        missing: Rows without a value, by column.
        target: Least and greatest target, or rows by class, the most frequent first.
    """

    name: str
    scan: str
    types: dict[str, str]
    features: list[str]
    rows: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    target: tuple[float, float] | dict[str, int] | None = None

    def sampled(self, selected: list[str]) -> str:
        """Return the SQL of the same sample of about `SAMPLED` rows on every machine.

        A hash of the row's number draws it: unlike every n-th row it has no rhythm in common with
        the data, and unlike a random sample it does not depend on the number of threads.
        """
        rows = max(min(SAMPLED, CELLS // len(selected)), 1)
        step = math.ceil(self.rows / rows)
        # Alone in its query, the number has no raw column's name to be confused with.
        position = quote("tabular-workflow row")
        return (
            f"SELECT {', '.join(selected)} FROM "
            f"(SELECT *, row_number() OVER () AS {position} FROM {self.scan}) "
            f"WHERE hash({position}) % {step} = 0"
        )


def named(name: object) -> str:
    """Return a name or a value in quotes, in one line and short."""
    text = " ".join(str(name).split())
    return f"'{text if len(text) <= SHOWN else text[: SHOWN - 3] + '...'}'"


def value_of(column: str, type: str) -> str:
    """Return the SQL of a column's value, NULL where it is NaN or infinite as it is in features."""
    name = quote(column)
    return f"CASE WHEN isfinite({name}) THEN {name} END" if type in ("FLOAT", "DOUBLE") else name


def family(type: str) -> str:
    """Return what the values of a DuckDB type are, as it is said in a message."""
    if is_number(type):
        return "a number"
    if type in ("VARCHAR", "UUID") or type.startswith("ENUM"):
        return "text"
    return "a time" if type.startswith(("DATE", "TIME")) else "of another kind"
