"""Infer a dataset from a table and the name of its target: the task, the features, what to avoid.

Columns are judged by all rows, those that become the test split too. Only leaks of the target are
looked for in a sample of them.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from sql_features.duckdb_types import kind_of
from sql_features.errors import WorkflowError
from sql_features.expressions import BARE_CLOCKS, TARGET, connect, literal, quote
from workflow.data import file_kinds, readers, scan_errors
from workflow.data.column_reading import Reading
from workflow.data.dataset import RESERVED
from workflow.data.parquet import scan_parquet
from workflow.data.split_key import repeat_by_nature
from workflow.errors import unknown
from workflow.schema import column_roles, dates
from workflow.schema.column_roles import ColumnUse, sql_name
from workflow.schema.column_stats import Column, Table, narrow, profile, typed
from workflow.schema.doubts import doubt_of, doubt_of_last_row, doubt_of_left_out
from workflow.schema.leakage import find_leaks, paired

MEMORY = "1GB"


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """What has been inferred from a table.

    Attributes:
        task: One of `metrics.TASKS`.
        why: The reason for the task, in a phrase.
        target: SQL of the target.
        columns: DuckDB type of each raw column that is used, the target included, or how its
            texts are read; of Parquet, whose files have types, only what is read in some way.
        features: SQL by feature name.
        notes: One line about the values of a feature, by feature name.
        left_out: The reason why a raw column is no feature, by column.
        doubts: What is to be known of how a column is read, a sentence by column.
        time: SQL of the time to split the rows by, or None if they are not split by time.
        repeats: Whether rows that are alike in the features' columns are so by nature.
        rows: Rows of the table.
        rows_without_target: Rows whose target is missing or infinite.
    """

    task: str
    why: str
    target: str
    columns: dict[str, str | Reading]
    features: dict[str, str]
    notes: dict[str, str]
    left_out: dict[str, str]
    doubts: dict[str, str]
    time: str | None
    repeats: bool
    rows: int
    rows_without_target: int


def infer(
    paths: list[Path], *, target: str, task: str = "auto", split_by: str = "auto"
) -> Inferred:
    """Infer the task, the target and the features from a table.

    Args:
        paths: Files of one kind that hold the table.
        target: The name of the target column.
        task: One of `request.TASKS_TO_INFER`.
        split_by: `time:COLUMN` to split the rows by that column; anything else needs no time.

    Raises:
        WorkflowError: The files cannot be read, the target is no column or cannot be learned, the
            column to split by is neither date nor number, or no column is left as a feature.
    """
    absent = readers.absent_columns(paths, [target])
    text = file_kinds.kind(paths) != "parquet"
    scan = readers.scan_text(paths) if text else readers.scan(paths)
    with (
        tempfile.TemporaryDirectory(prefix="tabular-workflow-") as folder,
        connect() as connection,
    ):
        connection.execute(f"SET memory_limit = '{MEMORY}'").fetchall()
        connection.execute("SET parquet_metadata_cache = true").fetchall()  # each column is a query
        connection.execute(f"SET temp_directory = {literal(folder)}").fetchall()
        types = readers.columns(connection, scan)
        target = readers.target_named(target, paths, types)
        try:
            nested = {name: type for name, type in types.items() if kind_of(type) == "nested"}
            if target in nested:
                raise WorkflowError(f"target='{target}': lists or records cannot be learned.")
            plain = {name: type for name, type in types.items() if name not in nested}
            source = _copy(connection, scan, list(plain), Path(folder)) if text else scan
            of_values = readers.typed_columns(paths)
            left_out = readers.unlike_pandas(paths) | {
                name: "lists or records are no feature" for name in nested
            }
            own_uses: dict[str, ColumnUse | str] = {}

            def look(part: Table) -> None:
                """Decide on the use of columns while the copy of their part is there."""
                for name, column in part.columns.items():
                    if name != target and name not in left_out:
                        own_uses[name] = column_roles.column_use(part, column)

            table = profile(connection, source, plain, text=text, typed=of_values, look=look)
            if not table.rows:
                raise WorkflowError(f"{', '.join(path.name for path in paths)}: no rows.")
            found = _infer(table, own_uses, target, task, split_by, left_out)
            return replace(found, doubts=absent | found.doubts)
        except duckdb.Error as error:
            raise scan_errors.failed(scan, error) from error


def _copy(connection: duckdb.DuckDBPyConnection, scan: str, names: list[str], folder: Path) -> str:
    """Copy text files to Parquet, where each column can be read alone; return the copy's SQL."""
    path = folder / "texts.parquet"
    target = literal(str(path))
    some = ", ".join(map(quote, names))
    # DuckDB buffers row groups to keep the rows in order, so small ones take less memory.
    connection.execute(
        f"COPY (SELECT {some} FROM {scan}) TO {target} (FORMAT parquet, ROW_GROUP_SIZE 20000)"
    ).fetchall()
    return scan_parquet([path])


def _infer(
    table: Table,
    own_uses: Mapping[str, ColumnUse | str],
    target: str,
    task: str,
    split_by: str,
    left_out: dict[str, str],
) -> Inferred:
    if target.casefold() in BARE_CLOCKS:
        raise WorkflowError(f"target='{target}': in SQL that name means the clock: rename it.")
    left_out.pop(target, None)
    target_use = column_roles.target_use_of(table, table.columns[target], task)
    uses: dict[str, ColumnUse] = {}
    doubts: dict[str, str] = {}
    for name, use in own_uses.items():
        if name.casefold() in BARE_CLOCKS:
            left_out[name] = f"in SQL the name '{name}' means the clock: rename the column"
        elif name.casefold() == TARGET:
            left_out[name] = f"in SQL the name '{TARGET}' means the target: rename the column"
        elif isinstance(use, str):
            left_out[name] = use
            if doubt := doubt_of_left_out(table.columns[name]):
                doubts[name] = doubt
        else:
            uses[name] = use
    uses = column_roles.with_one_order(uses)
    time, time_type = _time(table, split_by, target, uses)
    types: dict[str, str | Reading] = {target: target_use.type}
    types |= time_type | {name: use.type for name, use in uses.items()}
    left_out |= find_leaks(table, types, target_use, uses, target)
    kinds = {name: use.kind for name, use in uses.items()}
    compared = [name for names in paired(kinds) for name in names]
    features, notes = {}, {}
    varying = _varying_parts(table, types, uses)
    key: set[str] = set()
    taken = set(RESERVED)
    for name, use in uses.items():
        if name in left_out:
            continue
        own = _features(name, use, varying)
        if not own:
            left_out[name] = "the same date in every row"
            continue
        key.add(name)
        note = use.note
        if use.kind in ("date", "time") and name not in compared:
            note += ", not compared with other dates: there are too many to look for leaks in all"
        for wanted, sql in own.items():
            feature = _unique_name(wanted, taken)
            features[feature], notes[feature] = sql, note
    if not features:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise WorkflowError(
            f"no column is left as a feature for target='{target}' ({reasons or 'no other column'})"
            ". A dataset file (docs/datasets.md) can name features by hand."
        )
    used = {target, *time_type, *key}
    return Inferred(
        task=target_use.task,
        why=target_use.why,
        target=target_use.value,
        columns={
            name: types[name]
            for name, column in table.columns.items()
            if name in used and (table.text or types[name] != column.type)
        },
        features=features,
        notes=notes,
        left_out=left_out,
        doubts=doubts
        | {
            name: doubt
            for name in table.columns
            if name in used and (doubt := doubt_of(table, table.columns[name], uses.get(name)))
        }
        | doubt_of_last_row(table),
        time=time,
        repeats=repeat_by_nature(table.connection, table.source, key),
        rows=table.rows,
        rows_without_target=target_use.missing,
    )


def _time(
    table: Table, split_by: str, target: str, uses: Mapping[str, ColumnUse]
) -> tuple[str | None, dict[str, str | Reading]]:
    """Return the SQL of the time to split by, and how its column is read."""
    if not split_by.startswith("time:"):
        return None, {}
    name = split_by.removeprefix("time:").strip()
    if name not in table.columns:
        raise unknown("column in split_by:", name, table.columns)
    others = {one: column for one, column in table.columns.items() if one != target}
    if name in others and (time := _time_of(table, others[name], uses.get(name))):
        value, type = time
        return value, {name: type}
    times = [one for one, column in others.items() if _time_of(table, column, uses.get(one))]
    raise WorkflowError(
        f"split_by='{split_by}': '{name}' holds neither dates nor numbers to split the rows by. "
        f"These columns do: {', '.join(times) or 'none'}."
    )


def _time_of(
    table: Table, column: Column, use: ColumnUse | None
) -> tuple[str, str | Reading] | None:
    """Return the SQL of a column's dates or numbers and how they are read, or None without any."""
    if use:
        return (use.value, use.type) if use.kind in ("date", "number") else None
    if not column.known or column.name.casefold() in BARE_CLOCKS:
        return None
    if reading := column_roles.time_reading_of(table, column):
        is_date = reading.kind == "date"
        return (sql_name(column.name), reading.reading or column.type) if is_date else None
    if not column_roles.is_number(column):
        return None
    return column_roles.number_value(column), column_roles.type_read(column)


def _varying_parts(
    table: Table, types: Mapping[str, str | Reading], uses: Mapping[str, ColumnUse]
) -> dict[str, list[str]]:
    """Return the parts of each date that vary, such as its year, as `dates.PARTS` names them."""
    found: dict[str, list[str]] = {}
    for names in narrow([name for name, use in uses.items() if use.kind == "date"]):
        read = typed(table, {name: types[name] for name in names})
        values = ", ".join(f"{uses[name].value} AS d{n}" for n, name in enumerate(names))
        vary = ", ".join(f"min({part}) < max({part})" for part in dates.PARTS.values())
        asked = ", ".join(f"[{vary.replace('{}', f'd{n}')}]" for n in range(len(names)))
        row = table.ask(f"SELECT {asked} FROM (SELECT {values} FROM {read.source})")
        for name, varies in zip(names, row, strict=True):
            found[name] = [key for key, one in zip(dates.PARTS, varies, strict=True) if one]
    return found


def _features(name: str, use: ColumnUse, varying: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the SQL of a column's features by name; a date has one for each part that varies."""
    if use.kind == "time":
        return {name: dates.HOURS.format(use.value)}
    if use.kind != "date":
        return {name: use.value}
    return {f"{name}_{part}": dates.PARTS[part].format(use.value) for part in varying[name]}


def _unique_name(wanted: str, taken: set[str]) -> str:
    """Return a valid feature name that is not in `taken`, and add it there."""
    base = name = " ".join(wanted.replace(",", " ").split()) or "column"
    suffix = 1
    while name.casefold() in taken:
        suffix += 1
        name = f"{base}_{suffix}"
    taken.add(name.casefold())
    return name
