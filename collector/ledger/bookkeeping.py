"""What the ledger keeps beside the records: chains, gaps, seals, totals, the newest of each line.

Every function is a part of one job of the writer; the caller commits.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, case, insert, select, update

from collector.domain.placement import Gap
from collector.domain.series import SeriesId
from collector.ledger.bulk import find_at
from collector.ledger.schema import (
    SERIES_COLUMNS,
    chains,
    gaps,
    ingest_totals,
    latest,
    outcome_totals,
    records,
    seals,
)
from collector.ledger.upsert import Insert, add_counts, insert_new, insert_or
from protocol.chain import Seal
from protocol.constants import GENESIS_HASH


@dataclass(frozen=True, slots=True)
class End:
    """How far the ledger has a chain.

    Attributes:
        next_seq: the first that is not here.
        last_hash: of the record before it.
        gone_before: records before this seq left with their months; 0: none did.
    """

    next_seq: int
    last_hash: str
    gone_before: int


_OF_CHAIN = (
    chains.c.probe_id == bindparam("of_probe"),
    chains.c.chain == bindparam("of_chain"),
)
_LOCKING = (
    select(chains.c.next_seq, chains.c.last_hash, chains.c.gone_before)
    .where(*_OF_CHAIN)
    .with_for_update()
)
_ADVANCING = (
    update(chains)
    .where(*_OF_CHAIN)
    .values(
        {name: bindparam(f"to_{name}") for name in ("next_seq", "last_hash", "last_received_at")}
    )
)


def lock_chain(
    connection: Connection, probe: str, chain: str, at: datetime, *, new: bool = True
) -> End:
    """Return how far a chain is here, and hold it until the commit.

    Whoever puts anything of a chain into the ledger holds this lock: it is what keeps two
    collectors from storing the same record twice. A chain that is new is made first, so that there
    is a row to lock; of two that make it at once, the second waits for the first's commit. One
    chain by a statement: a distributed PostgreSQL locks no rows of several machines by one.

    Args:
        connection: of the writer.
        probe: whose chain.
        chain: its name.
        at: when something of it came.
        new: whether it is made where it is not here; if not, it is told to be empty.
    """
    where = {"of_probe": probe, "of_chain": chain}
    found = connection.execute(_LOCKING, where).one_or_none()
    if found is None and not new:
        return End(0, GENESIS_HASH, 0)
    if found is None:
        row = {
            "probe_id": probe,
            "chain": chain,
            "next_seq": 0,
            "last_hash": GENESIS_HASH,
            "first_received_at": at,
            "last_received_at": at,
        }
        insert_new(connection, chains, [row])
        found = connection.execute(_LOCKING, where).one()
    return End(found.next_seq, found.last_hash, found.gone_before or 0)


def advance_chains(
    connection: Connection, ends: Sequence[tuple[str, str, int, str, datetime]]
) -> None:
    """Set chains' ends.

    Args:
        connection: of the writer; it holds the chains.
        ends: of each probe and chain its next seq, the hash of the record before that, and when
            that came.
    """
    connection.execute(_ADVANCING, [dict(zip(_OF_END, end, strict=True)) for end in ends])


_OF_END = ("of_probe", "of_chain", "to_next_seq", "to_last_hash", "to_last_received_at")


def mark_forked(connection: Connection, probe: str, chain: str, at: datetime) -> None:
    """Remember when records at odds with a chain came first."""
    connection.execute(
        update(chains)
        .where(chains.c.probe_id == probe, chains.c.chain == chain, chains.c.forked_at.is_(None))
        .values(forked_at=at)
    )


def open_gap(connection: Connection, probe: str, chain: str, gap: Gap, at: datetime) -> None:
    """Remember that records are missing."""
    connection.execute(
        insert(gaps).values(
            probe_id=probe,
            chain=chain,
            from_seq=gap.from_seq,
            to_seq=gap.to_seq,
            filled=0,
            noticed_at=at,
        )
    )


def fill_gaps(connection: Connection, probe: str, chain: str, seqs: Iterable[int]) -> None:
    """Count records that came after all in the gaps that they were missing from."""
    for seq in seqs:
        connection.execute(
            update(gaps)
            .where(
                gaps.c.probe_id == probe,
                gaps.c.chain == chain,
                gaps.c.from_seq <= seq,
                gaps.c.to_seq >= seq,
            )
            .values(filled=gaps.c.filled + 1)
        )


class Sealed(NamedTuple):
    """A seal, the key that it was checked with, and when it came."""

    seal: Seal
    public_key: str
    at: datetime


def keep_seals(connection: Connection, sealed: Iterable[Sealed]) -> None:
    """Keep seals, each once. Their chains are locked."""
    rows = {
        (one.seal.probe, one.seal.chain, one.seal.seq, one.seal.hash): {
            "probe_id": one.seal.probe,
            "chain": one.seal.chain,
            "seq": one.seal.seq,
            "hash": one.seal.hash,
            "signature": one.seal.signature,
            "public_key": one.public_key,
            "received_at": one.at,
        }
        for one in sealed
    }
    if not rows:
        return
    for known in find_at(connection, _OF_SEAL, _OF_SEAL, list(rows)):
        rows.pop(tuple(known), None)
    if rows:
        connection.execute(_KEEPING_SEALS, list(rows.values()))


_OF_SEAL = (seals.c.probe_id, seals.c.chain, seals.c.seq, seals.c.hash)
_KEEPING_SEALS = insert(seals)


def count_ingest(connection: Connection, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Add received, stored, duplicate and quarantined lines of batches to their probes' totals."""
    rows = [{"probe_id": probe, **of_batch} for probe, of_batch in sorted(counts.items())]
    add_counts(connection, ingest_totals, rows, _OF_BATCH)


_OF_BATCH = ("received", "stored", "duplicate", "quarantined")


def count_outcomes(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add stored records to their probe's totals of path, task and outcome; not tombstones."""
    counts = Counter(_OF_TOTAL(row) for row in rows if row["outcome"] is not None)
    totals = [
        dict(zip(_TOTAL, place, strict=True)) | {"records": count}
        for place, count in sorted(counts.items())
    ]
    add_counts(connection, outcome_totals, totals, ["records"])


_TOTAL = ("probe_id", "path", "task", "outcome")
_OF_TOTAL = itemgetter(*_TOTAL)


def series_of(row: Mapping[Any, Any]) -> SeriesId:
    """Return the series of a record's row."""
    return SeriesId._make(row[name] for name in SERIES_COLUMNS)


def note_latest(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep the newest record of each line, task and series, and stamp those that have news.

    Args:
        connection: of the writer; the records are stored already.
        rows: records that are new, or that have a new moment (these with their id).
    """
    rows = list(rows)
    rows = [
        row
        for row in rows
        if row["line_id"] is not None
        and row["outcome"] is not None
        and row["measured_at"] is not None
    ]
    moved = [row for row in rows if "id" in row]
    if moved:
        connection.execute(
            update(latest)
            .where(
                latest.c.line_id == bindparam("line"),
                latest.c.task == bindparam("of_task"),
                latest.c.series == bindparam("of_series"),
                latest.c.probe_id == bindparam("probe"),
                latest.c.record_id == bindparam("record"),
            )
            .values(measured_at=bindparam("moment")),
            [
                {
                    "line": row["line_id"],
                    "of_task": row["task"],
                    "of_series": series_of(row).key,
                    "probe": row["probe_id"],
                    "record": row["id"],
                    "moment": row["measured_at"],
                }
                for row in moved
            ],
        )
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = _OF_SERIES(row)
        if key not in newest or newest[key]["measured_at"] <= row["measured_at"]:
            newest[key] = row
    if newest:
        _write_latest(connection, list(newest.values()))


_OF_SERIES = itemgetter("line_id", "task", *SERIES_COLUMNS)


def _write_latest(connection: Connection, newest: Sequence[Mapping[str, Any]]) -> None:
    ids = _find_ids(connection, [row for row in newest if "id" not in row])
    noted = [
        {
            "line_id": row["line_id"],
            "task": row["task"],
            "series": series_of(row).key,
            "probe_id": row["probe_id"],
            "record_id": row["id"] if "id" in row else ids[_PLACE(row)],
            "received_at": row["received_at"],
            "measured_at": row["measured_at"],
        }
        for row in newest
    ]
    # All who write them lock them in one order.
    noted.sort(key=itemgetter("line_id", "task", "series"))
    connection.execute(_noting_latest(connection.dialect.name), noted)


_OF_THE_RECORD = ("record_id", "received_at", "measured_at")


@cache
def _noting_latest(dialect: str) -> Insert:
    statement = insert_or(dialect, latest)
    new = statement.excluded
    is_newer = new.measured_at >= latest.c.measured_at
    newest = {name: case((is_newer, new[name]), else_=latest.c[name]) for name in _OF_THE_RECORD}
    # A record that is older than the newest is news, too: it may be one of the last few.
    return statement.on_conflict_do_update(
        index_elements=list(latest.primary_key.columns), set_=newest | {"stamp": new.stamp}
    )


_OF_RECORD = (records.c.probe_id, records.c.chain, records.c.seq, records.c.received_at)
_PLACE = itemgetter(*(column.name for column in _OF_RECORD))


def _find_ids(
    connection: Connection, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[Any, ...], int]:
    """Return the numbers of stored records by their places."""
    if not rows:
        return {}
    found = find_at(connection, (*_OF_RECORD, records.c.id), _OF_RECORD, [*map(_PLACE, rows)])
    return {tuple(row[:-1]): row[-1] for row in found}
