"""What a check of the clean splits finds, and the words for it."""

from dataclasses import dataclass

import pandas as pd

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"
LEVELS = (ERROR, WARNING, NOTE, OK)  # in the order of the table
TRAIN = "train"

FEW = 5  # fewer rows than this may be chance


@dataclass(frozen=True)
class Finding:
    """One row of the table of checks.

    Attributes:
        check: The name of the check.
        split: The split it was made on.
        column: The column it is about; "" if it is about whole rows.
        value: What was measured; the message says what it means.
        level: One of `LEVELS`.
        message: One sentence with the numbers, and what to do where something is wrong.
    """

    check: str
    split: str
    column: str
    value: float
    level: str
    message: str


def errors(table: pd.DataFrame) -> list[str]:
    """Return the messages for which a model must not be trained."""
    return list(table.loc[table["level"] == ERROR, "message"])


def notes(table: pd.DataFrame) -> dict[str, str]:
    """Return what users of the model may want to know, by column."""
    found = table[table["level"] == NOTE]
    notes: dict[str, str] = {}
    for column, message in zip(found["column"], found["message"], strict=True):
        notes[column] = f"{notes[column]} {message}" if column in notes else message
    return notes


def warnings(table: pd.DataFrame) -> list[str]:
    """Return the messages that users of the model should know of."""
    return list(table.loc[table["level"] == WARNING, "message"])
