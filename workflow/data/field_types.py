"""Types of the fields of a dataset file: pydantic checks what YAML gives against them.

A validator's `ValueError` says what is wrong after the field's name: "must be a text, not None".
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, FiniteFloat, Strict, WithJsonSchema


def _text(given: Any) -> str:
    if given is None or isinstance(given, list | dict):
        raise ValueError(f"must be a text, not {given!r}")
    return str(given)


# YAML reads a feature `1` as a number and `true` as a boolean; SQL wants the text.
Text = Annotated[
    str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Key = Annotated[str, BeforeValidator(str)]
Number = Annotated[FiniteFloat, Strict()]  # neither a text nor a boolean
Share = Annotated[float, Strict(), Field(gt=0, lt=1)]
WholeNumber = Annotated[int, Strict(), Field(ge=1)]
TrueOrFalse = Annotated[bool, Strict()]

MAPPING = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # of a YAML mapping's class
