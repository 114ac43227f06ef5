"""A copy of a whole ledger, of one moment, while collectors run on it; and back again.

SQLite copies itself; PostgreSQL by its own pg_dump and pg_restore. A backup holds what the ledger
holds, keys' hashes and operators' passwords' hashes too: only its owner may read the file.
"""

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo

from collector.errors import ArchiveError
from collector.ledger.database import Database
from collector.ledger.engines import sqlite_file
from collector.ledger.migrate import refuse_unknown, version_of
from collector.settings import LedgerSettings

_SQLITE: Final = b"SQLite format 3\0"
_POSTGRESQL: Final = b"PGDMP"
"""What the files begin with."""

_LOOK_SECONDS: Final = 0.2
_OWNER_ONLY: Final = 0o600

Told = Callable[[int, int], None]
"""Is told of bytes that are there, and of how many there will be, as far as that is known."""


def back_up(settings: LedgerSettings, target: Path, told: Told) -> None:
    """Write a backup. A collector that runs goes on; what it commits meanwhile is not in it.

    Args:
        settings: where the ledger is.
        target: the file; must not be there. It is there once it is whole.
        told: see `Told`.

    Raises:
        ArchiveError: the file is there already, or cannot be written, or the ledger not be read.
    """
    if target.exists():
        raise ArchiveError(f"{target} is there already: name another file")
    file = sqlite_file(settings)
    with _made_whole(target) as unfinished:
        if file is not None:
            _copy_sqlite(file, unfinished, told)
        else:
            _run(settings, told, unfinished, "pg_dump", "--format=custom", f"--file={unfinished}")


def restore(settings: LedgerSettings, source: Path, now: datetime, told: Told) -> Path | None:
    """Make a backup the ledger; return where the one is that was there before, if there was one.

    No collector may run on it. Of PostgreSQL the database has to be empty.

    Args:
        settings: where the ledger shall be.
        source: the backup.
        now: names what was there before.
        told: see `Told`.

    Raises:
        ArchiveError: the file is no backup of this kind of ledger, or damaged; nothing is changed.
        LedgerError: it is of a newer program.
    """
    file = sqlite_file(settings)
    _check_kind(source, _POSTGRESQL if file is None else _SQLITE)
    if file is None:
        _refuse_filled(settings)
        words = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
        _run(settings, told, source, "pg_restore", *words, str(source))
        return None
    _check_sqlite(source)
    with _made_whole(file) as unfinished:
        shutil.copyfile(source, unfinished)
        told(unfinished.stat().st_size, unfinished.stat().st_size)
        return _put_aside(file, now)


# --- Files -----------------------------------------------------------------------------------


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """Yield a file beside the target, for its owner alone; it becomes the target at the end."""
    unfinished = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
        yield unfinished
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.rename(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ArchiveError(f"{target}: cannot be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


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
                closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source,
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
        thread.join(_LOOK_SECONDS)
        told(target.stat().st_size, file.stat().st_size)
    if failed:
        raise ArchiveError(f"{file}: cannot be copied: {failed[0]}")
    _check_sqlite(target)


def _check_sqlite(file: Path) -> None:
    """Raise unless a file is a whole ledger that this program knows."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise ArchiveError(f"{file} is damaged: {found}")
    opened = Database(LedgerSettings(path=file))
    try:
        version = version_of(opened)
    finally:
        opened.close()
    if version is None:
        raise ArchiveError(f"{file} is an SQLite file, but no ledger")
    refuse_unknown(version)


def _put_aside(file: Path, now: datetime) -> Path | None:
    """Give what is in the place of the ledger another name, its log too; return its name."""
    if not file.exists():
        return None
    before = file.with_name(f"{file.name}.before-{now:%Y%m%dT%H%M%SZ}")
    for end in ("", "-wal", "-shm"):
        part = Path(f"{file}{end}")
        if part.exists():
            part.rename(f"{before}{end}")
    return before


# --- PostgreSQL ------------------------------------------------------------------------------


def _refuse_filled(settings: LedgerSettings) -> None:
    database = Database(settings)
    try:
        if version_of(database) is not None:
            raise ArchiveError(
                "the database has a ledger already: restore into an empty one, then name that in "
                "collector.ledger.url"
            )
    finally:
        database.close()


def _run(settings: LedgerSettings, told: Told, file: Path, program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs; the password travels in its environment."""
    database = Database(settings)
    try:
        _, arguments = database.engine.dialect.create_connect_args(database.engine.url)
    finally:
        database.close()
    # What only the driver understands is no word of a connection string.
    given = {name: str(value) for name, value in arguments.items() if isinstance(value, str | int)}
    password = given.pop("password", None)
    environment = os.environ | ({} if password is None else {"PGPASSWORD": password})
    command = [program, "--no-password", f"--dbname={make_conninfo(**given)}", *words]
    try:
        running = subprocess.Popen(  # noqa: S603 - no shell; the words are ours and the operator's
            command, stderr=subprocess.PIPE, text=True, env=environment
        )
    except OSError as error:
        raise ArchiveError(
            f"{program}: {error.strerror}: install postgresql-client, of the server's version or "
            "newer"
        ) from None
    with running:
        try:
            while True:
                try:
                    _, said = running.communicate(timeout=_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    told(file.stat().st_size, 0)
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        raise ArchiveError(f"{program} failed: {said.strip()}")
