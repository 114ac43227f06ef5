"""A month of a ledger as a folder of Parquet files that anybody can read and check.

    records.parquet      the month's records with the exact bytes that were hashed
    quarantine.parquet   what was kept apart
    seals.parquet        the probes' signatures
    registry.json        sites, carriers, lines and probes that they name, with the probes' keys
    manifest.json        the month, whether it was over, how many rows, and each file's SHA-256

A month is of UTC, by the moment of arrival, as the ledger is divided. The columns are those of
`collector.ledger.schema`; moments are timestamps in UTC.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pyarrow.parquet as pq
from pydantic import Field, ValidationError
from sqlalchemy import ColumnElement, Connection, Table, select

from collector.errors import ArchiveError
from collector.ledger.months import span_of
from collector.ledger.registry_file import RegistryFile
from collector.ledger.schema import facts, quarantine, records, seals
from protocol.model import Count, Model, Text

TABLES: Final = (records, quarantine, seals)
MANIFEST: Final = "manifest.json"
REGISTRY: Final = "registry.json"

ROWS_AT_ONCE: Final = 2000
"""Held in memory at a time: 30 MB where all are speed records."""

_HASHED_BYTES: Final = 1024 * 1024

Told = Callable[[int], None]
"""Is told of rows that were written or read, as they are."""


class FileEntry(Model):
    """A file of an archive."""

    rows: Count | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Model):
    """What an archive says of itself.

    Attributes:
        month: YYYY-MM, UTC.
        written_at: when.
        complete: whether the month was over then.
        ledger: the id of the ledger that wrote it.
        ledger_version: of its tables.
        files: by their names.
    """

    schema_: Literal[1] = Field(1, alias="schema")
    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    written_at: datetime
    complete: bool
    ledger: Text
    ledger_version: Text
    files: dict[Text, FileEntry]


def ledger_id(connection: Connection) -> str:
    """Return what no other ledger is called, but for copies of this one."""
    query = select(facts.c.value).where(facts.c.name == "ledger_id")
    found: str = connection.execute(query).scalar_one()
    return found


def file_of(table: Table) -> str:
    """Return the name of a table's file."""
    return f"{table.name}.parquet"


def within(table: Table, month: datetime) -> tuple[Any, Any]:
    """Return the conditions of what came in a month."""
    start, end = span_of(month)
    return table.c.received_at >= start, table.c.received_at < end


def ordered(connection: Connection, table: Table) -> tuple[Any, ...]:
    """Chain by chain: so alike lines stand together, and can be followed while they are read."""
    names: tuple[ColumnElement[str], ...] = (table.c.probe_id, table.c.chain)
    if connection.dialect.name == "postgresql":
        # By the letters' numbers, as readers compare them, and not as a language sorts them.
        names = tuple(name.collate("C") for name in names)
    return *names, table.c.seq, table.c.hash


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_HASHED_BYTES):
            digest.update(part)
    return digest.hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return what a folder's archive says of itself.

    Raises:
        ArchiveError: it has none.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArchiveError(
            f"{folder} is no archive of a month: {path} cannot be read ({error.strerror}); name a "
            "folder that 'linewatch collector export' wrote, such as linewatch-2026-10"
        ) from None
    except ValidationError as error:
        raise ArchiveError(
            f"{path} is not as an export writes it: {error.errors()[0]['msg']}"
        ) from None


class Archive:
    """An archive whose files are what its manifest says.

    Args:
        folder: the archive.

    Attributes:
        folder: the archive.
        manifest: what it says of itself.

    Raises:
        ArchiveError: a file is missing or is another one than was written, or it is no archive.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        for name in (*map(file_of, TABLES), REGISTRY):
            self._check(name)

    @property
    def rows(self) -> int:
        """How many rows it has in all."""
        return sum(entry.rows or 0 for entry in self.manifest.files.values())

    def registry(self) -> RegistryFile:
        """Return the part of the registry that its records name."""
        return RegistryFile.model_validate_json((self.folder / REGISTRY).read_bytes())

    def read(
        self, table: Table, columns: Sequence[str] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield a table's rows, or some columns, chain by chain, in the order of their places."""
        with pq.ParquetFile(self.folder / file_of(table)) as file:
            for part in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns):
                yield from part.to_pylist()

    def _check(self, name: str) -> None:
        entry = self.manifest.files.get(name)
        if entry is None:
            raise ArchiveError(f"{self.folder / MANIFEST} does not name {name}")
        try:
            if digest_of(self.folder / name) != entry.sha256:
                raise ArchiveError(f"{self.folder / name} is not the file that was written")
        except OSError as error:
            raise ArchiveError(f"{self.folder / name}: {error.strerror}") from None
