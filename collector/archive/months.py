"""A month of a ledger as a folder of Parquet files that anybody can read and check.

    records.parquet      the month's records with the exact bytes that were hashed
    quarantine.parquet   what was kept apart
    seals.parquet        the probes' signatures
    registry.json        sites, carriers, lines and probes that they name
    manifest.json        the month, how many rows, and the SHA-256 of each file

A month is of UTC, by the moment of arrival, as the ledger is divided. The columns are those of
`collector.ledger.schema`; moments are timestamps in UTC.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Float,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    func,
    select,
)

from collector.errors import ArchiveError
from collector.ledger.engines import take_time
from collector.ledger.months import span_of
from collector.ledger.registry_file import RegistryFile, export_registry
from collector.ledger.schema import Moment, quarantine, records, seals
from protocol.model import Count, Model, Text

TABLES: Final = (records, quarantine, seals)
MANIFEST: Final = "manifest.json"
REGISTRY: Final = "registry.json"

_ROWS_AT_ONCE: Final = 2000
"""Held in memory at a time: 30 MB where all are speed records."""

_HASHED_BYTES: Final = 1024 * 1024

Told = Callable[[int], None]
"""Is told of rows that were written or read, as they are."""


class FileEntry(Model):
    """A file of an archive."""

    rows: Count | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Model):
    """What an archive says of itself."""

    schema_: Literal[1] = Field(1, alias="schema")
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    ledger_version: Text
    files: dict[Text, FileEntry]


def count_month(connection: Connection, month: datetime) -> int:
    """Return how many rows a month's archive has."""
    take_time(connection)
    return sum(
        connection.execute(
            select(func.count()).select_from(table).where(*_within(table, month))
        ).scalar_one()
        for table in TABLES
    )


def export_month(
    connection: Connection, month: datetime, folder: Path, version: str, told: Told
) -> Manifest:
    """Write a month into a folder that is made; a folder that is there is whole.

    Args:
        connection: reads; all of the month is of one moment.
        month: a moment in it.
        folder: where to; must not be there.
        version: of the ledger's tables.
        told: is told of rows.

    Raises:
        ArchiveError: the folder is there already, or cannot be written.
    """
    take_time(connection)
    unfinished = folder.with_name(f".{folder.name}.part")
    try:
        if folder.exists():
            raise ArchiveError(f"{folder} is there already: name another folder")
        unfinished.mkdir(parents=True)
        manifest = _write(connection, month, unfinished, version, told)
        unfinished.rename(folder)
    except OSError as error:
        raise ArchiveError(f"{folder}: cannot be written: {error.strerror}") from None
    return manifest


def _write(
    connection: Connection, month: datetime, folder: Path, version: str, told: Told
) -> Manifest:
    rows = {
        table.name: _write_table(connection, table, month, folder / _file_of(table), told)
        for table in TABLES
    }
    probes = set(
        connection.scalars(select(records.c.probe_id).where(*_within(records, month)).distinct())
    )
    registry = export_registry(connection, probes)
    (folder / REGISTRY).write_bytes(registry.model_dump_json(indent=1, by_alias=True).encode())
    files = {
        path.name: FileEntry(rows=rows.get(path.stem), sha256=_digest(path))
        for path in sorted(folder.iterdir())
    }
    start, _ = span_of(month)
    manifest = Manifest(month=f"{start:%Y-%m}", ledger_version=version, files=files)
    with (folder / MANIFEST).open("wb") as file:
        file.write(manifest.model_dump_json(indent=1, by_alias=True).encode())
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _file_of(table: Table) -> str:
    return f"{table.name}.parquet"


def _within(table: Table, month: datetime) -> tuple[Any, Any]:
    start, end = span_of(month)
    return table.c.received_at >= start, table.c.received_at < end


def _write_table(
    connection: Connection, table: Table, month: datetime, path: Path, told: Told
) -> int:
    schema = _schema(table)
    query = select(table).where(*_within(table, month)).order_by(*_order(connection, table))
    count = 0
    with (
        connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query) as found,
        pq.ParquetWriter(path, schema, compression="zstd") as writer,
    ):
        for part in found.mappings().partitions():
            writer.write_table(pa.Table.from_pylist([dict(row) for row in part], schema=schema))
            count += len(part)
            told(len(part))
    return count


def _order(connection: Connection, table: Table) -> tuple[Any, ...]:
    """Chain by chain: so alike lines stand together, and can be followed while they are read."""
    names: tuple[ColumnElement[str], ...] = (table.c.probe_id, table.c.chain)
    if connection.dialect.name == "postgresql":
        # By the letters' numbers, as readers compare them, and not as a language sorts them.
        names = tuple(name.collate("C") for name in names)
    return *names, table.c.seq, table.c.hash


def _schema(table: Table) -> pa.Schema:
    return pa.schema([(column.name, _kind_of(column.type)) for column in table.columns])


_KINDS: Final = (
    (Moment, pa.timestamp("us", tz="UTC")),
    (Boolean, pa.bool_()),
    (Float, pa.float64()),
    (SmallInteger, pa.int16()),
    (BigInteger, pa.int64()),
    (LargeBinary, pa.binary()),
    (String, pa.string()),
)
"""Of columns, in Parquet; texts are strings to both."""


def _kind_of(column: object) -> pa.DataType:
    return next(kind for of, kind in _KINDS if isinstance(column, of))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_HASHED_BYTES):
            digest.update(part)
    return digest.hexdigest()


# --- Reading ---------------------------------------------------------------------------------


class Archive:
    """An archive whose files are what its manifest says.

    Args:
        folder: the archive.

    Attributes:
        manifest: what it says of itself.

    Raises:
        ArchiveError: a file is missing or is another one than was written, or it is no archive.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self.manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except OSError as error:
            raise ArchiveError(f"{folder / MANIFEST}: {error.strerror}: is this one?") from None
        except ValidationError as error:
            raise ArchiveError(f"{folder / MANIFEST}: {error.errors()[0]['msg']}") from None
        for name in (*map(_file_of, TABLES), REGISTRY):
            self._check(name)

    @property
    def rows(self) -> int:
        """How many rows it has in all."""
        return sum(entry.rows or 0 for entry in self.manifest.files.values())

    def registry(self) -> RegistryFile:
        """Return the part of the registry that its records name."""
        return RegistryFile.model_validate_json((self._folder / REGISTRY).read_bytes())

    def read(self, table: Table) -> Iterator[Mapping[str, Any]]:
        """Yield a table's rows, chain by chain, in the order of their places."""
        with pq.ParquetFile(self._folder / _file_of(table)) as file:
            for part in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield from part.to_pylist()

    def _check(self, name: str) -> None:
        entry = self.manifest.files.get(name)
        if entry is None:
            raise ArchiveError(f"{self._folder / MANIFEST} does not name {name}")
        try:
            if _digest(self._folder / name) != entry.sha256:
                raise ArchiveError(f"{self._folder / name} is not the file that was written")
        except OSError as error:
            raise ArchiveError(f"{self._folder / name}: {error.strerror}") from None
