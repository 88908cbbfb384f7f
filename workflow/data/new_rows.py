"""Rows that come after training, for a model that is there already.

They are read from files of any kind, with the columns and the types that the model knows; other
columns may go along.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa

from sql_features.duckdb_types import is_integer, kind_of
from sql_features.expressions import TARGET, columns_of, connect, literal, quote
from sql_features.text_reading import of_other, of_text
from workflow import addresses
from workflow.data import clean_rows, readers, sources
from workflow.data.clean_rows import RawRows, SplitReport
from workflow.data.dataset import Dataset
from workflow.data.dataset_file import to_yaml
from workflow.data.file_kinds import kind
from workflow.data.split_rules import ByFiles, ByHash, ByTime
from workflow.data.splits import DEFINITION, POSITION, Splits
from workflow.errors import unknown

VECTOR = 2048  # rows that DuckDB hands out at once
PLAIN = ByFiles(train="", validation="", test="")  # of rows that no rule has to place


@dataclass(frozen=True)
class NewRows:
    """A table of new rows, not read yet.

    Attributes:
        name: The file, or how many there are, for messages.
        address: Where they are, stripped of what is secret.
        files: Its files on this machine.
        identities: By path or stripped URL, the digest or version of each file.
        scan: SQL that reads the rows as the files have them; cells of text files are texts.
        columns: DuckDB type by column of `scan`, as the files spell it.
        types: DuckDB type by raw column in training, as it is spelled there.
        dataset: The definition that the model was trained by: it says how texts are read.
    """

    name: str
    address: str
    files: list[Path]
    identities: dict[str, str]
    scan: str
    columns: dict[str, str]
    types: dict[str, str]
    dataset: Dataset

    @cached_property
    def spelled(self) -> dict[str, str]:
        """The files' own name of each column of training that they have."""
        own = {name.casefold(): name for name in self.columns}
        return {name: own[name.casefold()] for name in self.types if name.casefold() in own}

    @property
    def absent(self) -> list[str]:
        """Columns of training that the files have not."""
        return [name for name in self.types if name not in self.spelled]

    @property
    def partly_absent(self) -> dict[str, str]:
        """A sentence for each column of training that some of the files have not.

        Raises:
            WorkflowError: A file is of another table.
        """
        found = readers.absent_columns(self.files)
        known = {name.casefold() for name in self.types}
        return {name: one for name, one in found.items() if name.casefold() in known}

    def count(self) -> int:
        """Return how many rows there are.

        Raises:
            WorkflowError: They cannot be read.
        """
        with connect() as connection, self._readable():
            ((rows,),) = connection.execute(f"SELECT count(*) FROM {self.scan}").fetchall()
        return int(rows)

    def frames(self, columns: Iterable[str], size: int) -> Iterator[pd.DataFrame]:
        """Yield the rows in their order, as frames that a model can be given.

        Args:
            columns: Columns of training, which then have its spelling, or any of the files'. Those
                that the files have not are left out.
            size: About how many rows a frame has; the last may have fewer.

        Raises:
            WorkflowError: They cannot be read.
        """
        with connect() as connection, self._readable():
            connection.execute(self._select(columns))
            while len(frame := connection.fetch_df_chunk(max(1, size // VECTOR))):
                yield frame

    def batches(self, columns: Iterable[str], size: int) -> Iterator[pa.Table]:
        """Yield the rows in their order, exactly as the files have them, as Arrow tables.

        Args:
            columns: As `frames` takes them.
            size: How many rows a table has at most.

        Raises:
            WorkflowError: They cannot be read.
        """
        with connect() as connection, self._readable():
            reader = connection.sql(self._select(columns)).to_arrow_reader(size)
            for batch in reader:
                yield pa.Table.from_batches([batch])

    def as_trained(self, misfits: str = "refuse") -> str:
        """Return the SQL of all columns of training with their types there; absent ones are NULL.

        Args:
            misfits: `refuse`: a value that does not fit is an error when the SQL is run, which
                `clean_rows.in_one_line` explains; `missing`: it is NULL.
        """
        values = [f"{self.value(name, misfits)} AS {quote(name)}" for name in self.types]
        return f"(SELECT {', '.join(values)} FROM {self.scan})"

    def _select(self, columns: Iterable[str]) -> str:
        own = {name: name for name in self.columns} | self.spelled
        wanted = [f"{quote(own[name])} AS {quote(name)}" for name in columns if name in own]
        return f"SELECT {', '.join(wanted or ['NULL'])} FROM {self.scan}"

    def value(self, name: str, misfits: str) -> str:
        """Return the SQL of a column of training, as `as_trained` has it."""
        missing = readers.missing_texts(self.files, self.dataset.missing) or ()
        type = self.types[name]
        if (own := self.spelled.get(name)) is None:
            return f"CAST(NULL AS {type})"
        sql, found = quote(own), self.columns[own]
        readings = {one.casefold(): given for one, given in self.dataset.readings.items()}
        reading = {**readings.get(name.casefold(), {}), "type": type}
        may_fail = misfits == "refuse"
        if kind_of(found) == "text":
            lenient = {} if may_fail else {"invalid": "missing"}
            return of_text(f"CAST({sql} AS VARCHAR)", name, reading | lenient, list(missing))
        if may_fail and not clean_rows.widens(found, type):
            return of_other(sql, name, reading)
        tried = f"TRY_CAST({sql} AS {type})"
        if is_integer(type) and not clean_rows.widens(found, type):
            return f"CASE WHEN TRY_CAST({sql} AS DOUBLE) = {tried} THEN {tried} END"
        return tried

    def _readable(self) -> AbstractContextManager[None]:
        return clean_rows.in_one_line(f"data {self.name}")


def open_rows(data: str, dataset: Dataset, types: Mapping[str, str], folder: Path) -> NewRows:
    """Find the files of new rows, and what columns they have.

    Args:
        data: A file, a folder, a pattern or a URL, as `request.location` returns it.
        dataset: The definition that the model was trained by.
        types: DuckDB type by raw column in training: those that are needed.
        folder: An existing one, for copies of remote files.

    Raises:
        WorkflowError: There is no such file, or it cannot be read.
    """
    identities = sources.identities(data)
    files = sources.gather(data, folder)
    name = files[0].name if len(files) == 1 else f"{len(files)} files"
    # Cells of a CSV file are texts, as the file has them: what they mean the model knows.
    read = readers.scan_text if kind(files) == "csv" else readers.scan
    scan = read(files, missing=dataset.missing)
    with connect() as connection:
        columns = readers.columns(connection, scan)
    return NewRows(
        name=name,
        address=addresses.stripped(data),
        files=files,
        identities=identities,
        scan=scan,
        columns=columns,
        types=dict(types),
        dataset=dataset,
    )


def write_labelled(rows: NewRows, folder: Path) -> tuple[Splits, SplitReport]:
    """Write those new rows that count, with their target, as the test split of the definition.

    Its own `target` and `where` decide, as they did for training. Rows are placed by the rule of
    its split, where they have the columns for it, so that `row_clusters` knows which belong
    together.

    Args:
        rows: With the types of all columns that the definition names.
        folder: An empty one, for the file.

    Returns:
        Splits that have no train and no validation, and how many rows were read and dropped; there
        may be none left.

    Raises:
        WorkflowError: A column is absent that `target` or `where` reads, or a value does not fit.
    """
    dataset = rows.dataset
    _check_labels(rows)
    rule = dataset.split if _has_columns_of(dataset.split, rows) else PLAIN
    dataset = replace(dataset, split=rule)
    raw = RawRows(name=rows.name, scan=rows.as_trained(), columns=rows.types)
    more, order = [], ""
    if not isinstance(rule, ByFiles):
        more = [f"{clean_rows.position_of(rule, rows.types)} AS {quote(POSITION)}"]
    if isinstance(rule, ByTime):
        more.append(f"row_number() OVER () AS {quote(clean_rows.ORDER)}")
        order = f" ORDER BY {quote(POSITION)}, {quote(clean_rows.ORDER)}"
    sql = clean_rows.with_target(dataset, raw, rows.types, *more) + order
    (folder / DEFINITION).write_text(to_yaml(dataset), encoding="utf-8")
    splits = Splits(rows.address, folder)
    with connect() as connection, clean_rows.in_one_line(f"data {rows.name}"):
        connection.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}").fetchall()
        report = clean_rows.write(connection, dataset, sql, splits.path("test"))
    return splits, report


def _check_labels(rows: NewRows) -> None:
    dataset = rows.dataset
    filtered = {name for name in columns_of(dataset.where, "where") if name.casefold() != TARGET}
    named = columns_of(dataset.target, "target") | filtered
    there = {name.casefold() for name in rows.spelled}
    for name in sorted(named):
        if name.casefold() not in there:
            raise unknown(
                f"column in {rows.name}, which `target` or `where` names:", name, rows.columns
            )


def _has_columns_of(rule: ByFiles | ByHash | ByTime, rows: NewRows) -> bool:
    """Tell whether a rule can place the rows."""
    if isinstance(rule, ByFiles):
        return False
    if isinstance(rule, ByHash):
        # Where rows repeat by nature, each is placed by itself: it is a cluster of its own.
        named = set(rule.key) if rule.key and not rule.repeats else None
    else:
        named = set(columns_of(rule.column, "split.column"))
    there = {name.casefold() for name in rows.spelled}
    return named is not None and {name.casefold() for name in named} <= there
