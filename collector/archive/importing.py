"""Puts an archived month into a ledger: back where it left, or into one that never had it.

Before a line is stored its hash, its place behind the line before it and the probe's signature are
checked, as when it first came. Where the month had left this ledger its rows are put back as they
were. Elsewhere they go the way of any batch: they are judged, dated and counted anew, so that the
ledger's laws hold for them; months have to come in their order then.
"""

import base64
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from collector.archive.months import Archive, Told
from collector.errors import ArchiveError
from collector.ingest.columns import read_record
from collector.ingest.verify import Batch
from collector.ledger import bookkeeping
from collector.ledger.database import Database
from collector.ledger.months import ensure_month
from collector.ledger.registry_file import import_registry
from collector.ledger.schema import chains, gone, probes, quarantine, records, seals
from collector.ledger.store import Arrival, store_batch
from collector.ledger.upsert import insert_new
from protocol.chain import ChainError, Link, Seal, check_seal, follow

_SEGMENT_ROWS: Final = 500
"""The most rows without a seal that are stored together."""

_SEGMENTS_AT_ONCE: Final = 20
"""In one transaction."""

Row = Mapping[str, Any]
Chain = tuple[str, str]


@dataclass(slots=True)
class Imported:
    """What became of an archive's rows.

    Attributes:
        put_back: records that had left this ledger.
        stored: records that it never had.
        known: records that it has.
        unsealed: of all of them, records behind the last seal of their chain in this month.
        other_keys: seals by a key that is not the one which the registry has of their probe.
    """

    put_back: int = 0
    stored: int = 0
    known: int = 0
    unsealed: int = 0
    other_keys: int = 0


@dataclass(slots=True)
class _Segment:
    """Consecutive rows of a chain that came together, and the seal over the last, if there is."""

    rows: list[Row] = field(default_factory=list)
    seal: Row | None = None

    def takes(self, row: Row) -> bool:
        """Tell whether a row goes on with it."""
        if not self.rows:
            return True
        last = self.rows[-1]
        return (
            self.seal is None
            and len(self.rows) < _SEGMENT_ROWS
            and row["seq"] == last["seq"] + 1
            and row["prev"] == last["hash"]
            and row["received_at"] == last["received_at"]
        )


def import_month(database: Database, archive: Archive, now: datetime, told: Told) -> Imported:
    """Store an archive; what is there already stays as it is, so it can be done again.

    Args:
        database: of the ledger.
        archive: its files are checked.
        now: this moment.
        told: is told of rows.

    Raises:
        ArchiveError: a line is not what was hashed, does not follow the one before it, or a
            signature does not hold. What was stored before it stays.
        LedgerError: the ledger cannot be written.
    """
    done = Imported()
    with database.write() as connection:
        import_registry(connection, archive.registry(), now)
    waiting: list[_Segment] = []
    for segment in _segments(archive):
        waiting.append(segment)
        if len(waiting) >= _SEGMENTS_AT_ONCE:
            _store(database, waiting, done, told)
            waiting = []
    _store(database, waiting, done, told)
    _store_apart(database, archive, told)
    with database.write() as connection:
        _forget_gone(connection, archive)
    return done


# --- Segments --------------------------------------------------------------------------------


def _place(row: Row) -> tuple[str, str, int, str]:
    return row["probe_id"], row["chain"], row["seq"], row["hash"]


def _segments(archive: Archive) -> Iterator[_Segment]:
    """Yield the archive's records, and links that are none, as they came."""
    links = heapq.merge(
        archive.read(records),
        (row for row in archive.read(quarantine) if row["kind"] == "invalid"),
        key=_place,
    )
    merged = heapq.merge(
        ((_place(row), 0, row) for row in links),
        ((_place(row), 1, row) for row in archive.read(seals)),
        key=lambda one: one[:2],
    )
    for _, of_chain in groupby(merged, key=lambda one: one[0][:2]):
        yield from _cut(of_chain)


def _cut(of_chain: Iterable[tuple[Any, int, Row]]) -> Iterator[_Segment]:
    segment = _Segment()
    for place, is_seal, row in of_chain:
        if is_seal:
            # A seal over something that was kept apart is no segment's.
            if segment.rows and _place(segment.rows[-1]) == place:
                segment.seal = row
        elif segment.takes(row):
            segment.rows.append(row)
        else:
            yield segment
            segment = _Segment([row])
    if segment.rows:
        yield segment


def _checked(segment: _Segment) -> tuple[list[Link], Seal | None]:
    """Return the places of a segment's lines, and its seal, once all of it holds.

    Raises:
        ArchiveError: it does not.
    """
    first = segment.rows[0]
    where = f"probe {first['probe_id']} chain {first['chain']} from seq {first['seq']}"
    try:
        links = follow([row["line"] for row in segment.rows])
        for row, link in zip(segment.rows, links, strict=True):
            said = (*_place(row), row["prev"])
            if said != (link.probe, link.chain, link.seq, link.hash, link.prev):
                raise ArchiveError(f"{where}: seq {row['seq']} is not the line that was hashed")
        return links, _checked_seal(segment.seal, links[-1])
    except (ChainError, ValidationError, ValueError) as error:
        raise ArchiveError(f"{where}: {error}") from None


def _checked_seal(row: Row | None, last: Link) -> Seal | None:
    if row is None:
        return None
    seal = Seal(
        seal="ed25519",
        probe=row["probe_id"],
        chain=row["chain"],
        seq=row["seq"],
        hash=row["hash"],
        signature=row["signature"],
    )
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(row["public_key"], validate=True))
    check_seal(key, seal, last)
    return seal


# --- Storing ---------------------------------------------------------------------------------


def _store(database: Database, segments: list[_Segment], done: Imported, told: Told) -> None:
    """Store segments in one transaction, and count them once it is committed."""
    checked = [(segment, *_checked(segment)) for segment in segments]
    now = Imported()
    with database.write() as connection:
        keys = _keys(connection, {segment.rows[0]["probe_id"] for segment in segments})
        for segment, links, seal in checked:
            if segment.seal is None:
                now.unsealed += len(segment.rows)
            elif keys.get(segment.rows[0]["probe_id"]) != segment.seal["public_key"]:
                now.other_keys += 1
            if _had_left(connection, links):
                _put_back(connection, segment, now)
            else:
                _take(connection, segment, links, seal, now)
    for name in Imported.__slots__:
        setattr(done, name, getattr(done, name) + getattr(now, name))
    told(sum(len(segment.rows) + (segment.seal is not None) for segment in segments))


def _keys(connection: Connection, names: set[str]) -> dict[str, str | None]:
    query = select(probes.c.id, probes.c.public_key).where(probes.c.id.in_(names))
    return {row.id: row.public_key for row in connection.execute(query)}


def _had_left(connection: Connection, links: list[Link]) -> bool:
    """Tell whether a part of a chain left this ledger with its month."""
    gone_before = connection.scalar(
        select(chains.c.gone_before).where(
            chains.c.probe_id == links[0].probe, chains.c.chain == links[0].chain
        )
    )
    return gone_before is not None and links[-1].seq < gone_before


def _put_back(connection: Connection, segment: _Segment, now: Imported) -> None:
    """Put rows back as they were, but for those that are here."""
    first, last = segment.rows[0], segment.rows[-1]
    ensure_month(connection, first["received_at"])
    there = set(
        connection.scalars(
            select(records.c.seq).where(
                records.c.probe_id == first["probe_id"],
                records.c.chain == first["chain"],
                records.c.seq.between(first["seq"], last["seq"]),
            )
        )
    )
    rows = [dict(row) for row in segment.rows if "kind" not in row and row["seq"] not in there]
    if rows:
        connection.execute(insert(records), rows)
        bookkeeping.note_latest(connection, rows)
    if segment.seal is not None:
        insert_new(connection, seals, [segment.seal])
    now.put_back += len(rows)
    now.known += sum("kind" not in row for row in segment.rows) - len(rows)


def _take(
    connection: Connection,
    segment: _Segment,
    links: list[Link],
    seal: Seal | None,
    now: Imported,
) -> None:
    """Take a segment as a batch that comes now, dated when it came first."""
    received = tuple(
        read_record(row["line"], link) for row, link in zip(segment.rows, links, strict=True)
    )
    size = sum(len(row["line"]) for row in segment.rows)
    batch = Batch(links[0].probe, links[0].chain, received, seal, size)
    at = segment.rows[0]["received_at"]
    key = segment.seal["public_key"] if segment.seal else ""
    answer = store_batch(connection, batch, Arrival(at, key, gap_acknowledged=True))
    now.stored += answer.stored
    now.known += answer.duplicate


def _store_apart(database: Database, archive: Archive, told: Told) -> None:
    """Store what was kept apart, as it was, but for what is there."""
    for _, of_probe in groupby(archive.read(quarantine), key=lambda row: row["probe_id"]):
        rows = list(of_probe)
        with database.write() as connection:
            there = {
                tuple(row)
                for row in connection.execute(
                    select(
                        quarantine.c.probe_id,
                        quarantine.c.chain,
                        quarantine.c.seq,
                        quarantine.c.hash,
                    ).where(quarantine.c.probe_id == rows[0]["probe_id"])
                )
            }
            new = [row for row in rows if _place(row) not in there]
            for row in new:
                ensure_month(connection, row["received_at"])
            if new:
                without_id = [{k: v for k, v in row.items() if k != "id"} for row in new]
                connection.execute(insert(quarantine), without_id)
        told(len(rows))


def _forget_gone(connection: Connection, archive: Archive) -> None:
    """Let the month's own rows be counted again, instead of what it left behind."""
    connection.execute(delete(gone).where(gone.c.month == archive.manifest.month))
