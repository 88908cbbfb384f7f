"""What DuckDB says of raw files that it cannot read, as one-line errors that name them."""

import re
from pathlib import Path

from sql_features.errors import WorkflowError
from workflow.plain_values import one_line


def failed(scan: str, error: Exception) -> WorkflowError:
    """Return a one-line error that names the files of a scan and says what DuckDB said."""
    # `path_literal` has put pattern characters of the path in brackets.
    paths = re.findall(r"read_\w+\(\[?'((?:[^']|'')*)'", scan)
    names = ", ".join(Path(re.sub(r"\[([*?\[])\]", r"\1", path)).name for path in paths[:3])
    more = ", ..." if len(paths) > 3 else ""
    return WorkflowError(f"data {names}{more}: {reason(error)}")


def reason(error: Exception) -> str:
    """Return what a DuckDB error says, without its hints, in one line."""
    hints = r"\n\n|Possible (?:fixes|solution)|\n *file *=|\nLINE"
    said = one_line(re.split(hints, str(error), flags=re.IGNORECASE)[0])
    if "quote" in said and "CSV Error" in said:
        said += ' A quote inside a quoted value must be doubled: "the ""old"" town".'
    return said
