"""Rows parted by time: a day, a week or a month each, the newest judged with those before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from sql_features.expressions import literal, quote
from workflow.data.monitoring_rules import MonitoringRules
from workflow.monitoring.finding import ALERT, OK, WARNING

TODAY = "today"


@dataclass(frozen=True)
class Window:
    """How rows are parted by time.

    Attributes:
        unit: "day", "week" or "month".
        column: The raw column of the time.
        until: A date, such as 2023-04-01, or `TODAY`: the newest window is the last one that is
            over then. None: it is the last one that has rows.
    """

    unit: str
    column: str
    until: str | None = None

    @property
    def newest(self) -> str | None:
        """The SQL of the beginning of the newest window, where that does not depend on rows."""
        if self.until is None:
            return None
        day = datetime.now(UTC).date().isoformat() if self.until == TODAY else self.until
        return f"date_trunc('{self.unit}', DATE {literal(day)}) - INTERVAL 1 {self.unit}"

    def name(self, begin: str) -> str:
        """Return what the window that begins at a moment is called.

        >>> Window("month", "sold").name("2023-03-01 00:00:00")
        'month 2023-03'
        """
        day = begin[:7] if self.unit == "month" else begin[:10]
        return f"{self.unit}{' from' if self.unit == 'week' else ''} {day}"

    def begin(self, moment: str) -> str:
        """Return the SQL of the beginning of the window of a moment, which is SQL too."""
        return f"date_trunc('{self.unit}', {moment})"


@dataclass(frozen=True)
class Timeline:
    """The windows that are looked at.

    Attributes:
        begins: The beginning of each, the newest last; those without a row too.
        later: Rows after the newest window, which are left out.
        earlier: Rows before the first one.
        timeless: Rows without a time.
    """

    begins: list[str]
    later: int
    earlier: int
    timeless: int

    @property
    def notes(self) -> list[str]:
        """Sentences about the rows that are in no window."""
        found = {
            "have no time": self.timeless,
            "are later than the newest window": self.later,
            "are earlier than the windows that are shown": self.earlier,
        }
        return [f"{count:,} rows {what}." for what, count in found.items() if count]


def timeline(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, window: Window, most: int
) -> Timeline:
    """Return the windows of some rows, at most `most`.

    Args:
        connection: Any that can read the rows.
        table: Their SQL.
        column: The column that holds the beginning of each row's window.
        window: How they are parted.
        most: How many windows, at least one.
    """
    own, unit = quote(column), window.unit
    newest = window.newest or "NULL"
    (found,) = connection.execute(
        f"SELECT least(min({own}), coalesce({newest}, max({own}))), "
        f"coalesce({newest}, max({own})), count(*) - count({own}) FROM {table}"
    ).fetchall()
    first, last, timeless = found
    if last is None:
        return Timeline([], 0, 0, timeless)
    ends = [f"TIMESTAMP {literal(str(one))}" for one in (first or last, last)]
    series = connection.execute(
        f"SELECT CAST(begin AS VARCHAR) FROM (SELECT unnest(generate_series("
        f"greatest({ends[0]}, {ends[1]} - INTERVAL {most - 1} {unit}), {ends[1]}, "
        f"INTERVAL 1 {unit})) AS begin) ORDER BY begin"
    ).fetchall()
    begins = [begin for (begin,) in series]
    ((later, earlier),) = connection.execute(
        f"SELECT count(*) FILTER (WHERE {own} > {ends[1]}), "
        f"count(*) FILTER (WHERE {own} < TIMESTAMP {literal(begins[0])}) FROM {table}"
    ).fetchall()
    return Timeline(begins, later, earlier, timeless)


def verdict(levels: Sequence[str], rules: MonitoringRules) -> str:
    """Return the verdict of windows.

    Args:
        levels: Of each window, the newest last.
        rules: How many of the last ones have to violate for an alert, beside the newest.
    """
    if not levels:
        return OK
    newest = levels[-1]
    violations = sum(one == ALERT for one in levels[-rules.windows :])
    if newest == ALERT and violations < rules.violations:
        return WARNING
    return newest
