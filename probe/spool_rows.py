"""The rows of the spool's file: what a record becomes there, and the statements that move it."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Literal

from protocol.chain import Link
from protocol.constants import GENESIS_HASH
from protocol.records import Task

Reason = Literal["spool_full", "spool_corrupt"]


class Worth(IntEnum):
    """What gives way first when the spool is full: the lowest."""

    LATENCY = 0
    REACH = 1
    LESSER = 2
    EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on its way into the spool.

    Attributes:
        build: given (chain, seq, prev), returns the record's line.
        task, path, slot: of the record.
        worth: when it gives way.
        planned: whether its slot was part of a plan, and is now served.
        trusted: whether somebody vouched for the clock.
        moved_bytes: what its measurement counts against the path's data budget.
        month: the budget's month that they belong to, ``YYYY-MM``.
    """

    build: Callable[[str, int, str], bytes]
    task: Task
    path: str
    slot: datetime
    worth: Worth
    planned: bool
    trusted: bool
    moved_bytes: int = 0
    month: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive lines of one chain, the oldest that the spool has of it."""

    lines: tuple[bytes, ...]
    first_seq: int
    last: Link


@dataclass(frozen=True, slots=True)
class Usage:
    """What a path's tests have moved in a month, and the last of them alone."""

    month_bytes: int
    last_bytes: int


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the spool is.

    Attributes:
        records: lines and tombstones that wait.
        used_bytes: of the file, freed pages not counted.
        oldest_slot: the slot of the line that waits longest; None where nothing waits.
    """

    records: int
    used_bytes: int
    oldest_slot: datetime | None


@dataclass(slots=True)
class Counts:
    """What happened in this process. found + appended = acknowledged + what is in the spool.

    Attributes:
        found: records that were there when the spool was first opened.
        salvaged: of them, taken from a damaged file; lost ones are in neither.
    """

    found: int = 0
    appended: int = 0
    acknowledged: int = 0
    given_way: int = 0
    damaged_lines: int = 0
    damaged_files: int = 0
    salvaged: int = 0
    append_failures: int = 0


def rows(connection: sqlite3.Connection, chain: int, max_records: int) -> Iterator[tuple[Any, ...]]:
    """Yield (seq, prev, hash, task, path, slot, reason, line id, content) by seq.

    A line has no reason, a tombstone no line id and no content. The lines' content is read one by
    one: a batch of a thousand must not be in memory before it is known to fit.
    """
    places = connection.execute(
        "SELECT seq, prev, hash, task, path, slot, NULL, id FROM line WHERE chain = ?1 UNION ALL "
        "SELECT seq, prev, hash, task, path, slot, reason, NULL FROM tombstone WHERE chain = ?1 "
        "ORDER BY 1 LIMIT ?2",
        (chain, max_records),
    ).fetchall()
    for place in places:
        content = None
        if place[7] is not None:
            content = connection.execute(
                "SELECT content FROM line WHERE id = ?", (place[7],)
            ).fetchone()[0]
        yield (*place, content)


def insert(
    connection: sqlite3.Connection, entry: Entry, place: tuple[int, int, str, str], line: bytes
) -> None:
    """Insert a record's line, note its slot as served and its bytes as used."""
    slot = int(entry.slot.timestamp())
    connection.execute(
        "INSERT INTO line (chain, seq, prev, hash, task, path, slot, worth, size, content) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, entry.task, entry.path, slot, entry.worth, len(line), line),
    )
    if entry.planned:
        connection.execute(
            "INSERT OR REPLACE INTO done (path, task, slot, trusted) VALUES (?, ?, ?, ?)",
            (entry.path, entry.task, slot, entry.trusted),
        )
    if entry.moved_bytes:
        connection.execute(
            "INSERT INTO usage (path, month, bytes, last_bytes) VALUES (?1, ?2, ?3, ?3) "
            "ON CONFLICT DO UPDATE SET bytes = bytes + ?3, last_bytes = ?3",
            (entry.path, entry.month, entry.moved_bytes),
        )


def remove(connection: sqlite3.Connection, chain: str, up_to_seq: int, at_most: int) -> int:
    """Remove a chain's first lines and tombstones, but for those from ``up_to_seq`` on."""
    first = connection.execute(
        "SELECT chain.id, min("
        "ifnull((SELECT min(seq) FROM line WHERE line.chain = chain.id), ?2), "
        "ifnull((SELECT min(seq) FROM tombstone WHERE tombstone.chain = chain.id), ?2)) "
        "FROM chain WHERE name = ?1",
        (chain, up_to_seq),
    ).fetchone()
    if first is None:
        return 0
    end = min(up_to_seq - first[1], at_most) + first[1]
    removed = 0
    for table in ("line", "tombstone"):
        removed += connection.execute(
            f"DELETE FROM {table} WHERE chain = ? AND seq < ?",  # noqa: S608 - names are ours
            (first[0], end),
        ).rowcount
    return removed


def bury(connection: sqlite3.Connection, line_id: int, reason: Reason) -> int:
    """Put a tombstone in a line's place; return the line's size."""
    connection.execute(
        "INSERT INTO tombstone (chain, seq, prev, hash, task, path, slot, reason) "
        "SELECT chain, seq, prev, hash, task, path, slot, ? FROM line WHERE id = ?",
        (reason, line_id),
    )
    row = connection.execute("DELETE FROM line WHERE id = ? RETURNING size", (line_id,)).fetchone()
    return int(row[0])


def head(connection: sqlite3.Connection) -> tuple[int, str, int, str]:
    """Return (id, name, next seq, last hash) of the chain that records go to."""
    row: tuple[int, str, int, str] = connection.execute(
        "SELECT id, name, next_seq, last_hash FROM chain ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return row


def new_chain(connection: sqlite3.Connection, probe: str) -> None:
    """Begin a new chain."""
    connection.execute(
        "INSERT INTO chain (name, probe, next_seq, last_hash) VALUES (?, ?, 0, ?)",
        (secrets.token_hex(8), probe, GENESIS_HASH),
    )


def count(connection: sqlite3.Connection) -> int:
    """Return how many lines and tombstones there are."""
    return int(
        connection.execute(
            "SELECT (SELECT count(*) FROM line) + (SELECT count(*) FROM tombstone)"
        ).fetchone()[0]
    )


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the size of the file without its freed pages."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def moment(seconds: int) -> datetime:
    """Return seconds since the epoch as a time, UTC."""
    return datetime.fromtimestamp(seconds, UTC)
