"""New rows, whatever is wrong with them, as a table with the types of training.

A value that does not fit its column's type is missing here, and counted: to tell that is what
monitoring is for. The table is written to a Parquet file once, so that all else reads it fast and
no number of rows takes more memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sql_features.duckdb_types import kind_of
from sql_features.expressions import TARGET, columns_of, connect, literal, quote
from workflow.data import clean_rows, scan_errors
from workflow.data.clean_rows import RawRows
from workflow.data.dataset import Dataset
from workflow.data.new_rows import NewRows
from workflow.data.parquet import scan_parquet
from workflow.data.split_rules import ByFiles, ByHash
from workflow.errors import unknown
from workflow.monitoring.sampling import drawn
from workflow.monitoring.windows import Window
from workflow.plain_values import quoted

# Columns of the table beside the raw ones.
COUNTS, WINDOW, TOGETHER = "row counts", "window of the row", "rows of one cluster"
EXAMPLE = 40  # characters of a value that does not fit


@dataclass(frozen=True, kw_only=True)
class NewTable:
    """New rows on disk.

    Attributes:
        path: Of the Parquet file, whose columns have the types of training.
        types: DuckDB type by raw column that is there.
        wrong: The column that holds the beginning of a value that does not fit, by raw column.
        unlabelled: Why the target cannot be computed; "" where it can.
    """

    path: Path
    types: dict[str, str]
    wrong: dict[str, str]
    unlabelled: str

    def sql(self, window: str | None = None, *, labelled: bool = False, one_of: int = 1) -> str:
        """Return the SQL of the table's rows that count.

        A row whose target is not known yet counts too, unless labelled ones are asked for.

        Args:
            window: The beginning of a window, as `windows` has it; None for all rows.
            labelled: Whether the target has to be known.
            one_of: Of how many rows one is drawn, by a hash of its number.
        """
        met = [quote(COUNTS) if labelled else f"{quote(COUNTS)} IS NOT false", *_within(window)]
        return drawn(self.path, self.types, met, one_of)

    def count(
        self, connection: duckdb.DuckDBPyConnection, window: str | None = None
    ) -> tuple[int, int, int]:
        """Return how many rows count, of how many of these the target is known, how many do not."""
        where = " AND ".join(["true", *_within(window)])
        (counted,) = connection.execute(
            f"SELECT count(*) FILTER (WHERE {quote(COUNTS)} IS NOT false), "
            f"count(*) FILTER (WHERE {quote(COUNTS)}), "
            f"count(*) FILTER (WHERE NOT {quote(COUNTS)}) "
            f"FROM {scan_parquet([self.path])} WHERE {where}"
        ).fetchall()
        return counted

    def misfits(
        self, connection: duckdb.DuckDBPyConnection, window: str | None = None
    ) -> dict[str, tuple[int, str]]:
        """Return how many values of each column do not fit its type, and one of them."""
        if not self.wrong:
            return {}
        about = [f"count({quote(one)}), min({quote(one)})" for one in self.wrong.values()]
        (row,) = connection.execute(f"SELECT {', '.join(about)} FROM {self.sql(window)}").fetchall()
        return {name: row[2 * n : 2 * n + 2] for n, name in enumerate(self.wrong)}


def read(rows: NewRows, window: Window | None, folder: Path) -> NewTable:
    """Read new rows.

    Args:
        rows: With the types of all columns that the splits of training have.
        window: How rows are parted by time, if they are.
        folder: Where the table is written.

    Raises:
        WorkflowError: The files cannot be read, or have no column of the window.
    """
    with connect() as connection, clean_rows.in_one_line(f"data {rows.name}"):
        connection.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}").fetchall()
        return _read(connection, rows, window, folder)


def _read(
    connection: duckdb.DuckDBPyConnection, rows: NewRows, window: Window | None, folder: Path
) -> NewTable:
    values, wrong = [], {}
    for place, (name, own) in enumerate(rows.spelled.items()):
        value = rows.value(name, "missing")
        values.append(f"{value} AS {quote(name)}")
        if misfit := _misfit(rows, name, value):
            wrong[name] = f"misfit {place}"
            text = f"left(CAST({quote(own)} AS VARCHAR), {EXAMPLE})"
            values.append(f"CASE WHEN {misfit} THEN {text} END AS {quote(wrong[name])}")
    more = dict.fromkeys(wrong.values(), "VARCHAR")
    if window is not None:
        values.append(f"{_window(window, rows)} AS {quote(WINDOW)}")
        more[WINDOW] = "TIMESTAMP"
    path = folder / "typed.parquet"
    _copy(connection, f"SELECT {', '.join(values or ['1'])} FROM {rows.scan}", path)
    present = {name: rows.types[name] for name in rows.spelled}
    raw = RawRows(name=rows.name, scan=scan_parquet([path]), columns=present)
    path, unlabelled = _labelled(connection, rows.dataset, raw, more, folder)
    return NewTable(path=path, types=present, wrong=wrong, unlabelled=unlabelled)


def _misfit(rows: NewRows, name: str, value: str) -> str:
    """Return the SQL of whether there is a value that does not fit; "" where all do."""
    own, type = quote(rows.spelled[name]), rows.types[name]
    readings = {one.casefold(): given for one, given in rows.dataset.readings.items()}
    reading = readings.get(name.casefold(), {})
    found = rows.columns[rows.spelled[name]]
    fits = clean_rows.widens(found, type) or (kind_of(found) == "text" and type == "VARCHAR")
    if fits or reading.get("invalid") == "missing":
        return ""
    known = f"{own} IS NOT NULL"
    if texts := [*(rows.dataset.missing or ()), *reading.get("missing", ())]:
        listed = ", ".join(map(literal, texts))
        known += f" AND trim(CAST({own} AS VARCHAR)) NOT IN ({listed})"
    return f"{known} AND ({value}) IS NULL"


def _labelled(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    rows: RawRows,
    more: Mapping[str, str],
    folder: Path,
) -> tuple[Path, str]:
    """Write the rows with their target, and whether they count; return where, and why without.

    `more` are further columns of the rows, with their types.
    `COUNTS` is whether a row whose target is known counts. Of others it is NULL, or false where the
    filter alone tells that the row does not count.
    """
    filtered = {name for name in columns_of(dataset.where, "where") if name.casefold() != TARGET}
    there = {name.casefold() for name in rows.columns}
    known, met, *_ = clean_rows.conditions(dataset).values()
    path, types = folder / "labelled.parquet", {**rows.columns, **more}
    raw = RawRows(name=rows.name, scan=rows.scan, columns=types)
    lacking = sorted(
        name
        for name in columns_of(dataset.target, "target") | filtered
        if name.casefold() not in there
    )
    why = f"there is no column {', '.join(map(quoted, lacking))}" if lacking else ""
    together = f"{_together(dataset, rows.columns)} AS {quote(TOGETHER)}"
    if not why:
        table = clean_rows.with_target(dataset, raw, types, together)
        counts = f"CASE WHEN {known} THEN coalesce({met}, false) WHEN NOT {met} THEN false END"
        try:
            _copy(connection, f"SELECT *, {counts} AS {quote(COUNTS)} FROM ({table})", path)
            return path, ""
        except duckdb.Error as error:
            why = scan_errors.reason(error)
    names_target = TARGET in map(str.casefold, columns_of(dataset.where, "where"))
    is_told = not names_target and all(name.casefold() in there for name in filtered)
    counts = f"CASE WHEN NOT {met} THEN false END" if is_told else "CAST(NULL AS BOOLEAN)"
    own = [quote(name) for name in types if name.casefold() != TARGET]
    raw_columns = ", ".join([*own, together, f"{counts} AS {quote(COUNTS)}"])
    _copy(connection, f"SELECT {raw_columns}, NULL AS {TARGET} FROM {rows.scan}", path)
    return path, why


def _together(dataset: Dataset, types: Mapping[str, str]) -> str:
    """Return the SQL of what rows of one cluster have in common; NULL where nothing is known."""
    rule = dataset.split
    if isinstance(rule, ByFiles) or (isinstance(rule, ByHash) and (rule.repeats or not rule.key)):
        return "NULL"
    named = rule.key if isinstance(rule, ByHash) else columns_of(rule.column, "split.column")
    there = {name.casefold() for name in types}
    if not all(name.casefold() in there for name in named):
        return "NULL"
    return clean_rows.position_of(rule, dict(types))


def _window(window: Window, rows: NewRows) -> str:
    """Return the SQL of the beginning of each row's window."""
    own = {name.casefold(): name for name in rows.columns}
    if window.column.casefold() not in own:
        raise unknown("column in window:", window.column, rows.columns)
    trained = {name.casefold(): name for name in rows.spelled}
    name = trained.get(window.column.casefold())
    if name is not None and kind_of(rows.types[name]) == "date":
        return window.begin(rows.value(name, "missing"))
    return window.begin(f"TRY_CAST({quote(own[window.column.casefold()])} AS TIMESTAMP)")


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    connection.execute(f"COPY ({rows}) TO {literal(str(path))} (FORMAT parquet)").fetchall()


def _within(window: str | None) -> list[str]:
    return [] if window is None else [f"{quote(WINDOW)} = {literal(window)}::TIMESTAMP"]
