"""What the descriptions of runs and versions are made of: markdown, as the MLflow UI shows it."""

import re

from workflow.plain_values import cut, one_line

RAW = 20  # raw columns that are named
# Characters that the UI's markdown (showdown) gives a meaning: within a line, and at its beginning.
INSIDE, FIRST = re.compile(r"([\\`*_{}\[\]|~])"), re.compile(r"^([#+=-]|\d+(?=\.))")
ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})
EMOJI = re.compile(r":(?=[\w+-]+:)")


def escaped(text: object) -> str:
    """Return a text as markdown that shows it unchanged, on one line.

    >>> print(escaped("a|b <script>"))
    a\\|b &lt;script&gt;
    """
    line = INSIDE.sub(r"\\\1", one_line(text))
    return EMOJI.sub("&#58;", FIRST.sub(r"\\\1", line).translate(ENTITIES))


def raw_columns(types: dict[str, str]) -> list[str]:
    """Return the raw columns that a model takes, with their types; the model's signature has none.

    Args:
        types: DuckDB type by column; none of a model that was registered by 0.1.0.
    """
    if not types:
        return []
    shown = ", ".join(
        f"{escaped(cut(name, 40))} {escaped(cut(type, 40))}"
        for name, type in list(types.items())[:RAW]
    )
    more = " and more, all in the model's metadata" if len(types) > RAW else ""
    return [f"Raw columns: {shown}{more}."]
