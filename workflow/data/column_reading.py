"""How a raw column of texts is read, as a dataset file says it beside the column's type."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

import duckdb
import yaml
from pydantic import BeforeValidator, Discriminator, Field, Tag, with_config

from sql_features.duckdb_types import kind_of
from sql_features.expressions import isolated, literal
from sql_features.text_reading import NUMBER_KEYS
from sql_features.time_texts import DURATIONS, ISO
from workflow.data.field_types import MAPPING, Text


def _listed(given: Any) -> Any:
    """Return one text as a list of it: `strip: €` is `strip: [€]`."""
    return given if isinstance(given, list | tuple) else [given]


Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]


@with_config(MAPPING)
@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the texts of one column are read as values of a type.

    `sql_features.text_reading` has the SQL of it, and takes it as the mapping `given`.
    """

    type: Text
    """DuckDB type of the values."""
    decimal: Literal[".", ","] = "."
    """The sign before the decimals of a number."""
    group: Literal["", ".", ",", "'", " "] = ""
    """The sign between groups of three digits; a blank stands for any kind of blank."""
    strip: Texts = ()
    """Signs before or after a number that are no part of it: a currency, a unit, %."""
    negative: Literal["minus", "parentheses", "trailing"] = "minus"
    """How negative numbers are written: -5, (5) or 5-."""
    format: Texts = ()
    """How a date or a time is written, as strptime takes it, or `ISO`; of a number, how the seconds
    of a duration are: `h:m:s`, `m:s`, `h:m` or `d h m s`. Of several the first that fits."""
    missing: Texts = ()
    """Texts that mean missing in this column; of a number also that number."""
    width: Annotated[int, Field(strict=True, gt=0)] | Literal["varies"] | None = None
    """Digits of whole numbers that are texts, such as 5 for the zip code 00501; `varies` where they
    differ."""
    invalid: Literal["refuse", "missing"] = "refuse"
    """What becomes of a text that does not fit."""

    def __post_init__(self) -> None:
        kind = kind_of(self.type.upper())
        if kind not in ("number", "other") and (keys := NUMBER_KEYS & self.given.keys()):
            raise ValueError(f"has {' and '.join(sorted(keys))}, which is for numbers only")
        if problem := _format_problem(kind, self.format):
            raise ValueError(problem)
        if kind not in ("text", "other") and self.width:
            raise ValueError("has width, which is for VARCHAR only")
        if self.decimal == self.group:
            raise ValueError(f"has {self.group!r} as decimal sign and as group sign")
        if any(not one.strip() for one in self.strip):
            raise ValueError("has a blank text in strip")

    @property
    def given(self) -> dict[str, Any]:
        """The mapping in a dataset file: the type, and what is not as by default."""
        defaults = {one.name: one.default for one in fields(self)}
        values = {key: value for key, value in asdict(self).items() if value != defaults[key]}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


def _format_problem(kind: str, formats: Iterable[str]) -> str | None:
    """Return what is wrong with the first format that values of a kind cannot be read by."""
    for one in formats:
        if kind == "number" and one not in DURATIONS:
            shown = ", ".join(map(repr, DURATIONS))
            return f"has format {one!r}: for the seconds of a duration give {shown}"
        if kind not in ("number", "date", "time", "other"):
            return "has format, which is for a DATE, a TIMESTAMP, a TIME or a number only"
        if kind in ("date", "time") and one != ISO and not _is_format(one):
            return f"has format {one!r}: give ISO or what strptime takes, such as '%d.%m.%Y'"
    return None


def _is_format(text: str) -> bool:
    if "%" not in text:
        return False
    try:
        isolated().cursor().execute(f"SELECT try_strptime('', {literal(text)})").fetchall()
    except duckdb.Error:
        return False
    return True


def _form(given: Any) -> str:
    return "reading" if isinstance(given, dict | Reading) else "type"


ColumnField = Annotated[
    Annotated[Text, Tag("type")] | Annotated[Reading, Tag("reading")], Discriminator(_form)
]


def type_of(column: str | Reading) -> str:
    """Return the DuckDB type of a column that is read in some way."""
    return column.type if isinstance(column, Reading) else column


def line_of(name: str, reading: dict[str, Any]) -> str:
    """Return the line of a dataset file that says how a column is read, for messages.

    >>> line_of("zip code", {"type": "VARCHAR", "width": 5})
    'columns: {zip code: {type: VARCHAR, width: 5}}'
    """
    given = {"columns": {name: reading if len(reading) > 1 else reading["type"]}}
    text = yaml.safe_dump(
        given, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
    )
    return str(text)[1:-2]
