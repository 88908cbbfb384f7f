"""What DuckDB says of raw files that it cannot read, as one-line errors that name them."""

import re
from pathlib import Path

from sql_features.errors import WorkflowError
from workflow.data import csv_errors
from workflow.plain_values import one_line

LONGEST = 500  # characters of what DuckDB says


def failed(scan: str, error: Exception) -> WorkflowError:
    """Return a one-line error that names the files of a scan and says what DuckDB said."""
    if said := csv_errors.explained(error):
        return WorkflowError(f"data: {said}")
    # `path_literal` has put pattern characters of the path in brackets.
    paths = re.findall(r"read_\w+\(\[?'((?:[^']|'')*)'", scan)
    names = ", ".join(Path(re.sub(r"\[([*?\[])\]", r"\1", path)).name for path in paths[:3])
    more = ", ..." if len(paths) > 3 else ""
    return WorkflowError(f"data {names}{more}: {reason(error)}")


def reason(error: Exception) -> str:
    """Return what a DuckDB error says, without its hints, in one line; of CSV files our words."""
    if explained := csv_errors.explained(error):
        return explained
    if "CSV Parser state machine" in str(error):
        return (
            "its quotes and line ends do not fit together: write it anew, for example by "
            f"pandas.read_csv and to_csv. {csv_errors.CURE}"
        )
    hints = r"\n\n|Possible (?:fixes|solution)|\n *file *=|\nLINE"
    return one_line(re.split(hints, str(error), flags=re.IGNORECASE)[0], LONGEST)
