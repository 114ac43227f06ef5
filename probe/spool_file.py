"""The spool's file: its tables, opening it, and what is saved from one that is damaged."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from protocol.chain import ChainError, hash_line, read_link

SPOOL_NAME: Final = "spool.sqlite"
RESERVE_NAME: Final = "spool.reserve"
VERSION: Final = 1
"""Of the tables, kept in SQLite's ``user_version``."""

KEPT_DAMAGED_FILES: Final = 3
"""Damaged spools that are kept aside. A dying card must not fill itself with copies."""

SALVAGE_FAILURES: Final = 24
"""Unreadable places that salvage skips one after the other, each twice as far as the last: 16
million rows, more than any spool holds."""

RESERVE_BYTES: Final = 1024 * 1024
"""Room kept for removing delivered records on a full disk: more than SQLite's log grows between
two times that it is folded into the file (`_LOG_PAGES`), with a large transaction on top."""

_LOG_PAGES = 100
_CACHE_KIBIBYTES = 512
_BUSY_SECONDS = 5.0

_TABLES = """
CREATE TABLE chain (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    probe TEXT NOT NULL,
    next_seq INTEGER NOT NULL,
    last_hash TEXT NOT NULL
);
CREATE TABLE line (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chain INTEGER NOT NULL REFERENCES chain (id),
    seq INTEGER NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    task TEXT NOT NULL,
    path TEXT NOT NULL,
    slot INTEGER NOT NULL,
    worth INTEGER NOT NULL,
    size INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (chain, seq)
);
CREATE INDEX line_by_worth ON line (worth, id);
CREATE TABLE tombstone (
    chain INTEGER NOT NULL REFERENCES chain (id),
    seq INTEGER NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    task TEXT NOT NULL,
    path TEXT NOT NULL,
    slot INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;
CREATE TABLE done (
    path TEXT NOT NULL,
    task TEXT NOT NULL,
    slot INTEGER NOT NULL,
    trusted INTEGER NOT NULL,
    PRIMARY KEY (path, task, slot)
) WITHOUT ROWID;
CREATE TABLE usage (
    path TEXT NOT NULL,
    month TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    last_bytes INTEGER NOT NULL,
    PRIMARY KEY (path, month)
) WITHOUT ROWID;
"""

log = logging.getLogger(__name__)


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file's content is damaged, not merely that it failed now."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def connect(path: Path) -> sqlite3.Connection:
    """Return the spool's file, opened and checked; made where there is none.

    Raises:
        sqlite3.DatabaseError: damaged (`is_corrupt`), or it cannot be opened now.
    """
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # Before any table: freed pages can then be given back to the file system.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {RESERVE_BYTES}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
            )
        elif version != VERSION:
            raise sqlite3.DatabaseError(
                f"its tables are version {version}, this software knows {VERSION}"
            )
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            damage = sqlite3.DatabaseError(found)
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
    except BaseException:
        connection.close()
        raise
    return connection


def reserve(path: Path) -> None:
    """Take room on the disk that can be given up when it is full; none where it nearly is."""
    if path.exists():
        return
    try:
        space = os.statvfs(path.parent)
        if space.f_bavail * space.f_frsize < 2 * RESERVE_BYTES:
            return
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
    except OSError:
        path.unlink(missing_ok=True)


def set_aside(path: Path, now: datetime) -> Path:
    """Rename a damaged spool with all its parts; return its new name.

    Raises:
        OSError: it cannot be renamed.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    path.rename(aside)
    for part in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    _drop_oldest(path)
    return aside


def salvage(damaged: Path, connection: sqlite3.Connection) -> int:
    """Copy what can still be read of a damaged spool into a new one; return how many lines.

    A line is taken only where its bytes still have their hash. What the new file has no room for
    stays in the damaged one.
    """
    saved = 0
    try:
        old = sqlite3.connect(damaged, timeout=_BUSY_SECONDS, isolation_level=None)
    except sqlite3.Error:
        return 0
    with contextlib.closing(old):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for row in _readable_lines(old):
                saved += _take_line(connection, row)
            for copy in _COPIES:
                _copy_rows(old, connection, *copy)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            log.warning("nothing could be saved from %s: %s", damaged, error)
            return 0
    return saved


def _drop_oldest(path: Path) -> None:
    damaged = [
        found
        for found in path.parent.glob(f"{path.name}.damaged-*")
        if not found.name.endswith(("-wal", "-shm"))
    ]
    damaged.sort(key=lambda found: found.stat().st_mtime)
    for old in damaged[:-KEPT_DAMAGED_FILES]:
        for part in ("", "-wal", "-shm"):
            old.with_name(old.name + part).unlink(missing_ok=True)


def _readable_lines(old: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of ``line`` that can be read, skipping what cannot."""
    last, skip, failures = 0, 1, 0
    while failures < SALVAGE_FAILURES:
        try:
            for row in old.execute(
                "SELECT id, hash, task, path, slot, worth, content FROM line WHERE id > ? "
                "ORDER BY id",
                (last,),
            ):
                last, skip, failures = row[0], 1, 0
                yield row[1:]
        except sqlite3.Error:
            failures += 1
            last += skip
            skip *= 2
        else:
            return


def _take_line(connection: sqlite3.Connection, row: tuple[Any, ...]) -> int:
    digest, task, path, slot, worth, content = row
    if not isinstance(content, bytes) or hash_line(content) != digest:
        return 0
    try:
        link = read_link(content)
    except ChainError:
        return 0
    connection.execute(
        "INSERT OR IGNORE INTO chain (name, probe, next_seq, last_hash) VALUES (?, ?, 0, '')",
        (link.chain, link.probe),
    )
    connection.execute(
        "UPDATE chain SET next_seq = ?, last_hash = ? WHERE name = ? AND next_seq <= ?",
        (link.seq + 1, link.hash, link.chain, link.seq),
    )
    cursor = connection.execute(
        "INSERT OR IGNORE INTO line (chain, seq, prev, hash, task, path, slot, worth, size, "
        "content) SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM chain WHERE name = ?",
        (link.seq, link.prev, digest, task, path, slot, worth, len(content), content, link.chain),
    )
    return cursor.rowcount


_COPIES = (
    (
        "SELECT name, probe, next_seq, last_hash FROM chain ORDER BY id",
        "INSERT OR IGNORE INTO chain (name, probe, next_seq, last_hash) VALUES (?, ?, ?, ?)",
    ),
    (
        (
            "SELECT seq, prev, hash, task, path, slot, reason, name FROM tombstone "
            "JOIN chain ON chain.id = tombstone.chain"
        ),
        (
            "INSERT OR IGNORE INTO tombstone (chain, seq, prev, hash, task, path, slot, reason) "
            "SELECT id, ?, ?, ?, ?, ?, ?, ? FROM chain WHERE name = ?"
        ),
    ),
    (
        "SELECT path, task, slot, trusted FROM done",
        "INSERT OR IGNORE INTO done (path, task, slot, trusted) VALUES (?, ?, ?, ?)",
    ),
    (
        "SELECT path, month, bytes, last_bytes FROM usage",
        "INSERT OR IGNORE INTO usage (path, month, bytes, last_bytes) VALUES (?, ?, ?, ?)",
    ),
)
"""What to read from a damaged spool, and how it goes into the new one."""


def _copy_rows(
    old: sqlite3.Connection, connection: sqlite3.Connection, read: str, write: str
) -> None:
    """Copy rows as far as they can be read."""
    with contextlib.suppress(sqlite3.Error):
        rows = old.execute(read).fetchall()
        connection.executemany(write, rows)
