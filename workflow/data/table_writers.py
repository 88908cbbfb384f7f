"""Tables written batch by batch: to Parquet, CSV or JSON lines, here or on s3 or gs.

A file appears whole or not at all: it is written under another name, and then renamed or sent.
"""

import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from sql_features.errors import WorkflowError
from workflow import addresses
from workflow.data import sources
from workflow.data.fetch_errors import reason

KINDS = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
METADATA = b"tabular-workflow"  # the key of what a Parquet file says of itself
Write = Callable[[pa.Table], None]


@dataclass(frozen=True)
class Output:
    """Where a table is written to.

    Attributes:
        address: A path, or the URL of an s3 or gs object.
    """

    address: str

    @property
    def kind(self) -> str:
        """How it is written: the end of its name, of `KINDS`."""
        name = addresses.file_name(self.address).casefold()
        return max((one for one in KINDS if name.endswith(one)), key=len)

    def check(self) -> None:
        """Check that a file can be written there, before anything is computed.

        Raises:
            WorkflowError: It is of no kind that is written, or its folder does not exist.
        """
        shown, name = addresses.stripped(self.address), addresses.file_name(self.address)
        if not name.casefold().endswith(KINDS):
            raise WorkflowError(
                f"output='{shown}': give the name of a file that ends in {', '.join(KINDS)}."
            )
        if sources.is_remote(self.address):
            if self.address.startswith("http"):
                raise WorkflowError(
                    f"output='{shown}': nothing is written to a web server: give a local path, or "
                    "s3:// or gs://."
                )
        elif not self.path.parent.is_dir():
            raise WorkflowError(
                f"output='{shown}': there is no folder {self.path.parent}: make it first."
            )
        elif self.path.is_dir():
            raise WorkflowError(f"output='{shown}' is a folder: give the name of a file in it.")

    @property
    def shown(self) -> str:
        """The address, stripped of what is secret."""
        return addresses.stripped(self.address)

    @property
    def path(self) -> Path:
        """The local path."""
        return Path(self.address.removeprefix("file://"))

    def exists(self) -> bool:
        """Tell whether there is a file already.

        Raises:
            WorkflowError: The server cannot be asked.
        """
        if not sources.is_remote(self.address):
            return self.path.exists()
        with _reachable(self.address):
            files, path = fsspec.core.url_to_fs(self.address)
            files.invalidate_cache()
            return bool(files.exists(path))

    def metadata(self) -> dict[str, str]:
        """Return what an existing Parquet file says of itself; nothing of other files."""
        if self.kind != ".parquet":
            return {}
        try:
            with fsspec.open(self.address, "rb") as file:
                found = pq.read_schema(file).metadata or {}
            return dict(json.loads(found.get(METADATA, b"{}")))
        except Exception:
            return {}  # it is no Parquet file, or another tool's

    @contextmanager
    def writer(self, schema: pa.Schema, metadata: dict[str, str]) -> Iterator[Write]:
        """Yield what writes a table; the file is there when the block ends without an error.

        Args:
            schema: Of every table.
            metadata: What a Parquet file says of itself.

        Raises:
            WorkflowError: It cannot be sent.
        """
        if sources.is_remote(self.address):
            with _beside(Path(tempfile.gettempdir(), addresses.file_name(self.address))) as path:
                with _opened(path, self.kind, schema, metadata) as write:
                    yield write
                with _reachable(self.address):
                    files, place = fsspec.core.url_to_fs(self.address)
                    files.put_file(str(path), place)  # an object appears when it is complete
            return
        with _beside(self.path) as path:
            with _opened(path, self.kind, schema, metadata) as write:
                yield write
            path.replace(self.path)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield another name in a path's folder, which is free again in the end."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _reachable(address: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise WorkflowError(
            f"output='{addresses.stripped(address)}' cannot be written ({reason(error)}). Check "
            "the address, the network and the credentials in the environment."
        ) from error


@contextmanager
def _opened(path: Path, kind: str, schema: pa.Schema, metadata: dict[str, str]) -> Iterator[Write]:
    if kind == ".parquet":
        described = schema.with_metadata({METADATA: json.dumps(metadata)})
        with pq.ParquetWriter(path, described, compression="zstd") as parquet:
            yield parquet.write_table
        return
    nested = [field for field in schema if pa.types.is_nested(field.type)]
    if nested and kind.startswith(".csv"):
        raise WorkflowError(
            f"output: a CSV file cannot hold the column '{nested[0].name}' of type "
            f"{nested[0].type}: keep other columns, or write .parquet or .jsonl."
        )
    compression = "gzip" if kind.endswith(".gz") else None
    with pa.output_stream(str(path), compression=compression) as file:
        if kind.startswith(".csv"):
            with pa.csv.CSVWriter(file, schema) as csv:
                yield csv.write_table
        else:
            yield lambda table: _write_json(file, table)


def _write_json(file: Any, table: pa.Table) -> None:
    """Write a record a line; DuckDB writes numbers to the last digit.

    JSON has no number for NaN and infinity: they are null.
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table.column(place)
            finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, field.type))
            table = table.set_column(place, field, finite)
    with duckdb.connect() as connection:
        connection.register("batch", table)
        lines = connection.sql("SELECT CAST(to_json(batch) AS VARCHAR) AS line FROM batch")
        texts = lines.to_arrow_table()["line"].to_pylist()
    file.write("".join(f"{text}\n" for text in texts).encode())
