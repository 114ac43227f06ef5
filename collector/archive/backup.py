"""A copy of a whole ledger, of one moment, while collectors run on it; and back again.

What its cases rest on and is too large for it is copied into a folder beside the backup, each file
once for all backups of the same place: before the backup has its name, and back before the ledger.

SQLite copies itself; PostgreSQL by its own pg_dump and pg_restore. A backup holds what the ledger
holds, keys' hashes and operators' passwords' hashes too: only its owner may read the file.
"""

import glob
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from collector.archive import dump
from collector.archive.dump import LOOK_SECONDS, Told
from collector.disk import to_disk
from collector.errors import ArchiveError
from collector.ledger.engines import sqlite_file
from collector.ledger.large_files import LargeFiles, beside
from collector.ledger.migrate import refuse_unknown
from collector.settings import LedgerSettings

_SQLITE: Final = b"SQLite format 3\0"
_POSTGRESQL: Final = b"PGDMP"
"""What the files begin with."""

_OWNER_ONLY: Final = 0o600

_BEFORE: Final = ".before-"
_LOGS: Final = ("-wal", "-shm")


def back_up(settings: LedgerSettings, large: LargeFiles, target: Path, told: Told) -> None:
    """Write a backup. A collector that runs goes on; what it commits meanwhile is not in it.

    Args:
        settings: where the ledger is.
        large: the cases' large files.
        target: the file; must not be there. It is there once it is whole.
        told: see `Told`.

    Raises:
        ArchiveError: the file is there already, or cannot be written, or there is no ledger.
        CaseError: a large file is damaged, or there is no room for it.
        LedgerError: the ledger cannot be read, or is of a newer program.
    """
    if target.exists():
        raise ArchiveError(f"{target} is there already: name another file")
    file = sqlite_file(settings)
    with _made_whole(target) as unfinished:
        if file is not None:
            _copy_sqlite(file, unfinished, told)
        else:
            dump.write(settings, unfinished, told)
        # Behind it: a case that was opened meanwhile has its files there, too.
        large.copy_to(beside(target))


def restore(
    settings: LedgerSettings, large: LargeFiles, source: Path, now: datetime, told: Told
) -> Path | None:
    """Make a backup the ledger; return where the one is that was there before, if there was one.

    No collector may run on it. Of PostgreSQL the database has to be empty.

    Args:
        settings: where the ledger shall be.
        large: where the cases' large files shall be; those that are there stay.
        source: the backup.
        now: names what was there before.
        told: see `Told`.

    Raises:
        ArchiveError: the file is no backup of this kind of ledger, or damaged; nothing is changed.
        LedgerError: it is of a newer program.
        CaseError: a large file beside it is damaged, or there is no room for it.
    """
    file = sqlite_file(settings)
    _check_kind(source, _POSTGRESQL if file is None else _SQLITE)
    if file is not None:
        _check_sqlite(source)
    beside(source).copy_to(large)
    if file is None:
        dump.restore(settings, source, told)
        return None
    before = file.with_name(f"{file.name}{_BEFORE}{now:%Y%m%dT%H%M%SZ}")
    there = any(path.exists() for path in _parts(file))
    with _made_whole(file, aside=before) as unfinished:
        shutil.copyfile(source, unfinished)
        told(unfinished.stat().st_size, unfinished.stat().st_size)
    return before if there else None


def refuse_half_restored(settings: LedgerSettings) -> None:
    """Raise `ArchiveError` where a ledger was put aside and no other took its place.

    Whoever makes a new, empty one then takes its place for good.
    """
    file = sqlite_file(settings)
    if file is None or file.exists() or not file.parent.is_dir():
        return
    aside = sorted(
        path
        for path in file.parent.glob(f"{glob.escape(file.name)}{_BEFORE}*")
        if not path.name.endswith(_LOGS)
    )
    if aside:
        raise ArchiveError(
            f"there is no ledger at {file.absolute()}, but one that a restore put aside and did "
            f"not replace: {aside[-1]}. Restore again, or give it its name back, and to the files "
            "beside it that end in -wal and -shm too"
        )


# --- Files -----------------------------------------------------------------------------------


@contextmanager
def _made_whole(target: Path, aside: Path | None = None) -> Iterator[Path]:
    """Yield a file beside the target, for its owner alone; it becomes the target at the end.

    It is on the disk before anything else is touched; whatever fails, what was there is there.

    Args:
        target: the file.
        aside: the name that a ledger gets which is in its place, its log too; None: none is.
    """
    unfinished = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
        yield unfinished
        to_disk(unfinished)
        _take_place(unfinished, target, aside)
        to_disk(target.parent)
    except OSError as error:
        raise ArchiveError(f"{target}: cannot be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _take_place(unfinished: Path, target: Path, aside: Path | None) -> None:
    """Rename what is in the target's place, the file first, then the new one to it; or nothing."""
    moved: list[tuple[Path, Path]] = []
    try:
        if aside is not None:
            for path, other in zip(_parts(target), _parts(aside), strict=True):
                if other.exists():
                    raise ArchiveError(f"{other} is there already: try again in a second")
                if path.exists():
                    path.rename(other)
                    moved.append((path, other))
        unfinished.rename(target)
    except (OSError, ArchiveError) as error:
        try:
            for path, other in reversed(moved):
                other.rename(path)
        except OSError:
            raise ArchiveError(f"{target}: {error}; what was there is {aside}") from None
        raise


def _parts(file: Path) -> list[Path]:
    """Return the files of a ledger in SQLite: itself, and its log's."""
    return [file, *(Path(f"{file}{end}") for end in _LOGS)]


def _check_kind(source: Path, begins: bytes) -> None:
    try:
        with source.open("rb") as file:
            found = file.read(len(begins))
    except OSError as error:
        raise ArchiveError(f"{source}: {error.strerror}") from None
    if found != begins:
        kind = "PostgreSQL" if begins == _POSTGRESQL else "SQLite"
        raise ArchiveError(f"{source} is no backup of a ledger in {kind}, as collector.ledger is")


# --- SQLite ----------------------------------------------------------------------------------


def _copy_sqlite(file: Path, target: Path, told: Told) -> None:
    """Copy in one step: in several, each commit meanwhile would begin it anew."""
    failed: list[sqlite3.Error] = []

    def copy() -> None:
        try:
            with (
                closing(_opened(file, "mode=ro")) as source,
                closing(sqlite3.connect(target)) as copied,
            ):
                source.backup(copied)
                # One file, without a log of its own beside it.
                copied.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            failed.append(error)

    if not file.exists():
        raise ArchiveError(f"there is no ledger at {file.absolute()}")
    thread = threading.Thread(target=copy, name="backup")
    thread.start()
    while thread.is_alive():
        thread.join(LOOK_SECONDS)
        told(target.stat().st_size, file.stat().st_size)
    if failed:
        raise ArchiveError(f"{file}: cannot be copied: {failed[0]}")
    _check_sqlite(target, of=file)


def _check_sqlite(file: Path, of: Path | None = None) -> None:
    """Raise unless a file, a copy of another perhaps, is a whole ledger that this program knows.

    It is only read, without a log beside it: it may be on a disk that nobody writes to.
    """
    version: str | None = None
    try:
        with closing(_opened(file, "mode=ro&immutable=1")) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            version = _version_in(database)
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise ArchiveError(f"{of or file} is damaged: {found}")
    if version is None:
        raise ArchiveError(f"{of or file} is an SQLite file, but no ledger")
    refuse_unknown(version)


def _version_in(database: sqlite3.Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    there = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
    if there.fetchone() is None:
        return None
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _opened(file: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True)
