"""The probe's durable queue of records that the collector has not accepted yet.

One SQLite file (WAL, synchronous=FULL): a record that was appended survives a power cut, and goes
only when the collector has said yes. With each record, in the same transaction, is kept what must
outlive its delivery: the head of the chain, which slots have their record, and how much data each
path has used this month.

When the file reaches its limit, records give way in this order, the oldest of each first:

1. latency records: the most frequent and the largest after speed;
2. reach records;
3. skipped and missed slots of any task, and speed tests of the profile `quick`;
4. speed tests of the profile `full`: what a complaint rests on.

What gives way leaves a tombstone: its place, hash, task, path and slot, so that the chain still
verifies and the gap is seen. A line whose bytes no longer have their hash is set aside in a file
and leaves a tombstone too. A file that SQLite calls damaged is set aside whole, its readable
lines are taken into a new one, and measuring goes on in a new chain.
"""

import logging
import sqlite3
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from probe import spool_file, spool_rows
from probe.errors import SpoolError
from probe.slots import Done
from probe.spool_file import RESERVE_NAME, SPOOL_NAME, is_corrupt
from probe.spool_rows import Batch, Counts, Entry, Fill, Usage, moment
from protocol.chain import Link, hash_line
from protocol.constants import MAX_BATCH_BYTES, MAX_BATCH_RECORDS
from protocol.model import encode
from protocol.records import Task, Tombstone

VICTIMS_AT_ONCE: Final = 64
"""Records that give way before the file's size is looked at again."""

FREE_PAGES_KEPT: Final = 1024
"""Freed pages that stay in the file for the next records; more go back to the file system."""

MAX_SET_ASIDE_LINES: Final = 100
"""Damaged lines whose bytes are kept in files of their own."""

REMOVED_AT_ONCE: Final = 20
"""Delivered lines that one transaction removes when the disk is full: its log then fits into the
reserve."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Spool:
    """The spool of one state directory. Safe to use from several threads.

    Args:
        directory: where the file is.
        probe: the probe's id, named in new chains.
        maximum_bytes: size above which records give way.
        now: the time, for the names of files set aside.
    """

    def __init__(
        self, directory: Path, probe: str, maximum_bytes: int, now: Callable[[], datetime]
    ) -> None:
        self.counts = Counts()
        self._directory = directory
        self._path = directory / SPOOL_NAME
        self._reserve = directory / RESERVE_NAME
        self._probe = probe
        self._maximum_bytes = maximum_bytes
        self._now = now
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def append(self, entries: Sequence[Entry]) -> None:
        """Put records at the end of the chain, all of them or none, on the disk when it returns.

        Raises:
            SpoolError: the disk is full or fails; nothing was appended.
        """

        def work(connection: sqlite3.Connection) -> int:
            chain, name, seq, prev = spool_rows.head(connection)
            for entry in entries:
                line = entry.build(name, seq, prev)
                digest = hash_line(line)
                spool_rows.insert(connection, entry, (chain, seq, prev, digest), line)
                seq, prev = seq + 1, digest
            connection.execute(
                "UPDATE chain SET next_seq = ?, last_hash = ? WHERE id = ?", (seq, prev, chain)
            )
            return self._make_room(connection)

        try:
            try:
                given_way = self._transact(work)
            except SpoolError:
                # There may be room in the file, and none only in its log.
                self._fold_log()
                given_way = self._transact(work)
        except SpoolError:
            self.counts.append_failures += 1
            raise
        self.counts.appended += len(entries)
        self.counts.given_way += given_way

    def batch(
        self,
        without: Collection[str] = (),
        max_records: int = MAX_BATCH_RECORDS,
        max_bytes: int = MAX_BATCH_BYTES,
    ) -> Batch | None:
        """Return the oldest lines of the oldest chain that has any, or None.

        Args:
            without: chains to leave out.
            max_records: the most lines.
            max_bytes: the most bytes, newlines included; one line is given whatever its size.

        Raises:
            SpoolError: the disk fails.
        """

        def work(connection: sqlite3.Connection) -> Batch | None:
            for chain, name, probe in connection.execute(
                "SELECT id, name, probe FROM chain ORDER BY id"
            ).fetchall():
                if name not in without:
                    found = self._read_batch(
                        connection, (chain, name, probe), max_records, max_bytes
                    )
                    if found:
                        return found
            return None

        return self._transact(work)

    def acknowledge(self, chain: str, up_to_seq: int) -> int:
        """Remove a chain's lines before ``up_to_seq``, which the collector has; return how many.

        Raises:
            SpoolError: the disk fails; the lines that stay are delivered again.
        """
        try:
            removed = self._remove(chain, up_to_seq)
        except SpoolError:
            # Also removing needs a little room, in the log and where the log is folded into.
            self._reserve.unlink(missing_ok=True)
            self._fold_log()
            removed = 0
            while part := self._remove(chain, up_to_seq, REMOVED_AT_ONCE):
                removed += part
                self._fold_log()
        self._give_back()
        return removed

    def _remove(self, chain: str, up_to_seq: int, at_most: int = sys.maxsize) -> int:
        def work(connection: sqlite3.Connection) -> int:
            removed = spool_rows.remove(connection, chain, up_to_seq, at_most)
            connection.execute(
                "DELETE FROM chain WHERE id < (SELECT max(id) FROM chain) "
                "AND NOT EXISTS (SELECT 1 FROM line WHERE line.chain = chain.id) "
                "AND NOT EXISTS (SELECT 1 FROM tombstone WHERE tombstone.chain = chain.id)"
            )
            return removed

        removed = self._transact(work)
        self.counts.acknowledged += removed
        return removed

    def start_new_chain(self, instead_of: str) -> None:
        """Begin a new chain, if ``instead_of`` is still the one that records go to.

        Raises:
            SpoolError: the disk fails.
        """

        def work(connection: sqlite3.Connection) -> None:
            if spool_rows.head(connection)[1] == instead_of:
                spool_rows.new_chain(connection, self._probe)

        self._transact(work)

    def chain(self) -> str:
        """Return the name of the chain that records go to.

        Raises:
            SpoolError: the disk fails.
        """
        return self._run(lambda connection: spool_rows.head(connection)[1])

    def has(self, chain: str, seq: int) -> bool:
        """Whether the line ``seq`` of a chain is still here.

        Raises:
            SpoolError: the disk fails.
        """
        return self._run(
            lambda connection: any(
                connection.execute(
                    f"SELECT 1 FROM {table} JOIN chain ON chain.id = {table}.chain "  # noqa: S608 - names are ours
                    "WHERE chain.name = ? AND seq = ?",
                    (chain, seq),
                ).fetchone()
                for table in ("line", "tombstone")
            )
        )

    def fill(self) -> Fill:
        """Return how full the spool is.

        Raises:
            SpoolError: the disk fails.
        """

        def work(connection: sqlite3.Connection) -> Fill:
            count, oldest = connection.execute(
                "SELECT (SELECT count(*) FROM line) + (SELECT count(*) FROM tombstone), "
                "(SELECT slot FROM line ORDER BY id LIMIT 1)"
            ).fetchone()
            return Fill(
                count,
                spool_rows.used_bytes(connection),
                None if oldest is None else moment(oldest),
            )

        return self._run(work)

    def done_since(self, first: datetime, *, trusted_only: bool = False) -> list[Done]:
        """Return the planned slots from ``first`` on that have their record.

        Raises:
            SpoolError: the disk fails.
        """
        rows = self._run(
            lambda connection: connection.execute(
                "SELECT task, path, slot FROM done WHERE slot >= ? AND trusted >= ?",
                (int(first.timestamp()), int(trusted_only)),
            ).fetchall()
        )
        return [Done(Task(task), path, moment(slot)) for task, path, slot in rows]

    def forget_done(self, before: datetime, after: datetime) -> None:
        """Forget served slots outside of a time, but for the newest of each path and task.

        Raises:
            SpoolError: the disk fails.
        """
        self._transact(
            lambda connection: connection.execute(
                "DELETE FROM done WHERE slot > ?1 OR (slot < ?2 AND slot < (SELECT max(slot) FROM "
                "done AS newer WHERE newer.path = done.path AND newer.task = done.task "
                "AND newer.trusted AND newer.slot <= ?1))",
                (int(after.timestamp()), int(before.timestamp())),
            )
        )

    def usage(self, path: str, month: str) -> Usage:
        """Return what a path's tests moved in a month, ``YYYY-MM``.

        Raises:
            SpoolError: the disk fails.
        """
        row = self._run(
            lambda connection: connection.execute(
                "SELECT (SELECT bytes FROM usage WHERE path = ?1 AND month = ?2), "
                "(SELECT last_bytes FROM usage WHERE path = ?1 ORDER BY month DESC LIMIT 1)",
                (path, month),
            ).fetchone()
        )
        return Usage(row[0] or 0, row[1] or 0)

    def close(self) -> None:
        """Close the file. It opens again when it is used again."""
        with self._lock:
            if self._connection:
                self._connection.close()
                self._connection = None

    # --- The file --------------------------------------------------------------------------------

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def within(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

        return self._run(within)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` on the open file; where it turns out damaged, on a new one, once."""
        with self._lock:
            try:
                try:
                    return work(self._open())
                except sqlite3.DatabaseError as error:
                    if not is_corrupt(error):
                        raise
                    self._replace_damaged(error)
                    return work(self._open())
            except (sqlite3.Error, OSError) as error:
                raise SpoolError(
                    f"{self._path}: {error}; free space on the disk or replace the card"
                ) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = spool_file.connect(self._path)
            try:
                self._begin(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            spool_file.reserve(self._reserve)
        return self._connection

    def _begin(self, connection: sqlite3.Connection) -> None:
        """See that there is a chain of this probe to append to, and count what is there."""
        row = connection.execute("SELECT probe FROM chain ORDER BY id DESC LIMIT 1").fetchone()
        if row is None or row[0] != self._probe:
            spool_rows.new_chain(connection, self._probe)
        if not (self.counts.found or self.counts.appended):
            self.counts.found = spool_rows.count(connection)

    def _replace_damaged(self, error: sqlite3.DatabaseError) -> None:
        self.close()
        aside = spool_file.set_aside(self._path, self._now())
        log.error("the spool is damaged (%s), set aside as %s", error, aside)
        connection = spool_file.connect(self._path)
        try:
            saved = spool_file.salvage(aside, connection)
            spool_rows.new_chain(connection, self._probe)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self.counts.damaged_files += 1
        self.counts.salvaged += saved
        # What the damage took is in neither place: the equation starts anew from what is there.
        self.counts.found = (
            spool_rows.count(connection) + self.counts.acknowledged - self.counts.appended
        )
        log.warning("%d records were saved from the damaged spool", saved)

    def _fold_log(self) -> None:
        self._run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"))

    def _make_room(self, connection: sqlite3.Connection) -> int:
        """Let records give way until the file is within its limit; return how many did."""
        given_way = 0
        while spool_rows.used_bytes(connection) > self._maximum_bytes:
            victims = connection.execute(
                "SELECT id FROM line ORDER BY worth, id LIMIT ?", (VICTIMS_AT_ONCE,)
            ).fetchall()
            if not victims:
                raise sqlite3.OperationalError("the spool is full of places of records it dropped")
            excess = spool_rows.used_bytes(connection) - self._maximum_bytes
            for (line,) in victims:
                excess -= spool_rows.bury(connection, line, "spool_full")
                given_way += 1
                if excess <= 0:
                    break
        return given_way

    def _give_back(self) -> None:
        """Return many freed pages to the file system, and take the reserve again.

        It is no harm if that fails.
        """

        def work(connection: sqlite3.Connection) -> None:
            free = connection.execute("PRAGMA freelist_count").fetchone()[0]
            if free > FREE_PAGES_KEPT:
                connection.execute(
                    f"PRAGMA incremental_vacuum({free - FREE_PAGES_KEPT})"
                ).fetchall()

        try:
            self._run(work)
        except SpoolError as error:
            log.info("freed pages stay in the spool: %s", error)
        spool_file.reserve(self._reserve)

    # --- Reading ---------------------------------------------------------------------------------

    def _read_batch(
        self,
        connection: sqlite3.Connection,
        chain: tuple[int, str, str],
        max_records: int,
        max_bytes: int,
    ) -> Batch | None:
        identifier, name, probe = chain
        lines: list[bytes] = []
        size = first_seq = 0
        last: Link | None = None
        for row in spool_rows.rows(connection, identifier, max_records):
            seq, prev, digest = row[:3]
            line = self._checked(connection, row, name, probe)
            if last and (seq != last.seq + 1 or size + len(line) + 1 > max_bytes):
                break
            first_seq = first_seq if last else seq
            lines.append(line)
            size += len(line) + 1
            last = Link(probe, name, seq, prev, digest, row[6] is not None)
        return Batch(tuple(lines), first_seq, last) if last else None

    def _checked(
        self, connection: sqlite3.Connection, row: tuple[Any, ...], chain: str, probe: str
    ) -> bytes:
        """Return a row's line; where its bytes lost their hash, the tombstone in its place."""
        seq, prev, digest, task, path, slot, reason, line_id, content = row
        if reason is None:
            if isinstance(content, bytes) and hash_line(content) == digest:
                return content
            reason = "spool_corrupt"
            self._keep_damaged_line(f"{chain}-{seq}", content)
            spool_rows.bury(connection, line_id, "spool_corrupt")
            self.counts.damaged_lines += 1
        return encode(
            Tombstone(
                tombstone=reason,
                probe=probe,
                chain=chain,
                seq=seq,
                prev=prev,
                hash=digest,
                task=Task(task),
                path=path,
                slot=moment(slot),
            )
        )

    def _keep_damaged_line(self, name: str, content: object) -> None:
        log.error("record %s in the spool is damaged; a tombstone takes its place", name)
        aside = self._directory / f"damaged-record-{name}"
        if len(list(self._directory.glob("damaged-record-*"))) < MAX_SET_ASIDE_LINES:
            try:
                aside.write_bytes(content if isinstance(content, bytes) else repr(content).encode())
            except OSError as error:
                log.warning("%s: cannot be written: %s", aside, error)
