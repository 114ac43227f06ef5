"""Writes a month of a ledger as an archive: whole, on the disk, for its owner alone; or not at all.

What an archive is: `collector.archive.months`.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Float,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    func,
    select,
)

from collector.archive.months import (
    MANIFEST,
    REGISTRY,
    ROWS_AT_ONCE,
    TABLES,
    Archive,
    FileEntry,
    Manifest,
    Told,
    digest_of,
    file_of,
    ledger_id,
    ordered,
    read_manifest,
    within,
)
from collector.disk import to_disk
from collector.errors import ArchiveError
from collector.ledger.engines import take_breaks, take_time
from collector.ledger.gone import month_name
from collector.ledger.migrate import newest_version
from collector.ledger.months import span_of
from collector.ledger.registry_file import Part, export_registry
from collector.ledger.removal_mark import is_half_removed
from collector.ledger.schema import Moment, records, seals


def count_month(connection: Connection, month: datetime) -> int:
    """Return how many rows a month's archive has.

    Raises:
        ArchiveError: nothing came in that month, or a part of it has left.
    """
    _refuse_half(connection, month)
    take_time(connection)
    count = sum(
        connection.execute(
            select(func.count()).select_from(table).where(*within(table, month))
        ).scalar_one()
        for table in TABLES
    )
    if not count:
        raise ArchiveError(
            f"nothing of {month_name(month)} (UTC, by arrival) is in this ledger: it came in "
            "another month, or has left"
        )
    return count


def prepare(folder: Path) -> list[str]:
    """Make the folder that an archive is written into; return what was found there, in sentences.

    Args:
        folder: where the archive is to be. What an export left that was killed is removed; an
            archive of a month that was not over then is replaced once the new one is whole.

    Raises:
        ArchiveError: it is there already, or cannot be made.
    """
    found = []
    try:
        if folder.exists():
            _refuse_whole(folder)
            found.append(f"{folder} was written before the month was over: it is replaced")
        unfinished = _unfinished(folder)
        if unfinished.exists():
            if any(unfinished.iterdir()):
                found.append(f"{unfinished} is of an export that did not end: it is begun anew")
            shutil.rmtree(unfinished)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return found


def export_month(
    connection: Connection, month: datetime, folder: Path, now: datetime, told: Told
) -> Manifest:
    """Write a month into a folder that is made; a folder that is there is whole.

    All of it is on the disk then, for its owner alone.

    Args:
        connection: reads; all of the month is of one moment.
        month: a moment in it.
        folder: where to, see `prepare`.
        now: this moment.
        told: is told of rows.

    Raises:
        ArchiveError: the folder is there already, or cannot be written, or a part of the month has
            left.
    """
    _refuse_half(connection, month)
    take_time(connection)
    # Files of many GB are put onto the disk and hashed meanwhile.
    take_breaks(connection)
    prepare(folder)
    unfinished = _unfinished(folder)
    try:
        manifest = _write(connection, month, unfinished, now, told)
        to_disk(unfinished)
        if folder.exists():
            before = folder.with_name(f".{folder.name}.before")
            shutil.rmtree(before, ignore_errors=True)
            folder.rename(before)
            unfinished.rename(folder)
            shutil.rmtree(before)
        else:
            unfinished.rename(folder)
        to_disk(folder.parent)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise _unwritable(folder, error) from None
    return manifest


def _refuse_half(connection: Connection, month: datetime) -> None:
    if is_half_removed(connection, month):
        raise ArchiveError(
            f"{month_name(month)} is being removed, or was until it was ended: a part of it has "
            "left. Run that again, or put the month back first (linewatch collector import)"
        )


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.part")


def _unwritable(folder: Path, error: OSError) -> ArchiveError:
    return ArchiveError(
        f"{folder} cannot be written: {error.strerror}; name a folder by --out where this user may "
        "write and that has room"
    )


def _refuse_whole(folder: Path) -> None:
    """Raise unless a folder has an archive of a month that was not over when it was written."""
    try:
        manifest = read_manifest(folder)
    except ArchiveError:
        raise ArchiveError(
            f"{folder} is there already and is no archive: name another by --out"
        ) from None
    if manifest.complete:
        raise ArchiveError(f"{folder} is there already, and whole: name another by --out")


def _write(
    connection: Connection, month: datetime, folder: Path, now: datetime, told: Told
) -> Manifest:
    rows = {
        table.name: _write_table(connection, table, month, folder / file_of(table), told)
        for table in TABLES
    }
    registry = export_registry(connection, _named(connection, month))
    with _opened(folder / REGISTRY) as file:
        file.write(registry.model_dump_json(indent=1, by_alias=True).encode())
    files = {
        path.name: FileEntry(rows=rows.get(path.stem), sha256=digest_of(path))
        for path in sorted(folder.iterdir())
    }
    start, end = span_of(month)
    manifest = Manifest(
        month=month_name(start),
        written_at=now,
        complete=end <= now,
        ledger=ledger_id(connection),
        ledger_version=newest_version(),
        files=files,
    )
    with _opened(folder / MANIFEST) as file:
        file.write(manifest.model_dump_json(indent=1, by_alias=True).encode())
    return manifest


def _named(connection: Connection, month: datetime) -> Part:
    """Return what a month's rows name of the registry."""
    names: set[str] = set()
    for table in TABLES:
        query = select(table.c.probe_id).where(*within(table, month)).distinct()
        names |= set(connection.scalars(query))
    lines = select(records.c.line_id).where(*within(records, month), records.c.line_id.is_not(None))
    keys: dict[str, set[str]] = defaultdict(set)
    sealed = select(seals.c.probe_id, seals.c.public_key).where(*within(seals, month))
    for probe, key in connection.execute(sealed.distinct()):
        keys[probe].add(key)
    return Part(names, set(connection.scalars(lines.distinct())), keys)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file for its owner alone; it is on the disk afterwards."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write_table(
    connection: Connection, table: Table, month: datetime, path: Path, told: Told
) -> int:
    schema = _schema(table)
    query = select(table).where(*within(table, month)).order_by(*ordered(connection, table))
    count = 0
    with (
        connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as found,
        _opened(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for part in found.mappings().partitions():
            writer.write_table(pa.Table.from_pylist([dict(row) for row in part], schema=schema))
            count += len(part)
            told(len(part))
    return count


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


# --- Is all of a month in an archive? ------------------------------------------------------------


def refuse_unless_holds(connection: Connection, archive: Archive, month: datetime) -> None:
    """Raise unless an archive has every record, seal and line kept apart that a month has here.

    It may have more: records that were folded since.

    Raises:
        ArchiveError: it is of another month, of one that was not over, or lacks something.
    """
    manifest = archive.manifest
    name = month_name(span_of(month)[0])
    if manifest.month != name:
        raise ArchiveError(f"{archive.folder} is an archive of {manifest.month}, not of {name}")
    if not manifest.complete:
        raise ArchiveError(f"{archive.folder} was written before {name} was over: export it again")
    take_time(connection)
    # What was folded since is read past in the archive.
    take_breaks(connection)
    for table in TABLES:
        lacking = _lacking(connection, archive, table, month)
        if lacking is not None:
            raise ArchiveError(
                f"{archive.folder} lacks what this ledger has of {name}: in '{table.name}' probe "
                f"{lacking[0]} chain {lacking[1]} seq {lacking[2]}. Export it again"
            )


def _lacking(
    connection: Connection, archive: Archive, table: Table, month: datetime
) -> tuple[Any, ...] | None:
    """Return the first place of a table that is not in an archive; both come in one order."""
    names = ("probe_id", "chain", "seq", "hash")
    there = (tuple(row.values()) for row in archive.read(table, names))
    found: tuple[Any, ...] | None = next(there, None)
    query = select(*(table.c[name] for name in names)).where(*within(table, month))
    query = query.order_by(*ordered(connection, table))
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as here:
        for row in here:
            place = tuple(row)
            while found is not None and found < place:
                found = next(there, None)
            if found != place:
                return place
    return None
