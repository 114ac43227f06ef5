"""What the ledger keeps beside the records: chains, gaps, seals, totals, the newest of each line.

Every function is a part of one job of the writer; the caller commits.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, case, insert, select, update

from collector.domain.placement import Gap
from collector.domain.series import SeriesId
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


def lock_chain(connection: Connection, probe: str, chain: str, at: datetime) -> End:
    """Return how far a chain is here, and hold it until the commit.

    Whoever puts anything of a chain into the ledger holds this lock: it is what keeps two
    collectors from storing the same record twice. A chain that is new is made first, so that there
    is a row to lock; of two that make it at once, the second waits for the first's commit.
    """
    where = {"of_probe": probe, "of_chain": chain}
    found = connection.execute(_LOCKING, where).one_or_none()
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


def advance_chain(
    connection: Connection, probe: str, chain: str, end: tuple[int, str], at: datetime
) -> None:
    """Set a chain's end: its next seq, and the hash of the record before that."""
    connection.execute(
        _ADVANCING,
        {
            "of_probe": probe,
            "of_chain": chain,
            "to_next_seq": end[0],
            "to_last_hash": end[1],
            "to_last_received_at": at,
        },
    )


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


def keep_seal(connection: Connection, seal: Seal, public_key: str, at: datetime) -> None:
    """Keep a seal with the key that it was checked with, once. Its chain is locked."""
    key = {f"of_{name}": getattr(seal, name) for name in ("probe", "chain", "seq", "hash")}
    if connection.execute(_SEAL, key).first() is not None:
        return
    row = {
        "probe_id": seal.probe,
        "chain": seal.chain,
        "seq": seal.seq,
        "hash": seal.hash,
        "signature": seal.signature,
        "public_key": public_key,
        "received_at": at,
    }
    connection.execute(_KEEPING_SEAL, row)


_SEAL = (
    select(seals.c.seq)
    .where(
        seals.c.probe_id == bindparam("of_probe"),
        seals.c.chain == bindparam("of_chain"),
        seals.c.seq == bindparam("of_seq"),
        seals.c.hash == bindparam("of_hash"),
    )
    .limit(1)
)
_KEEPING_SEAL = insert(seals)


def count_ingest(connection: Connection, probe: str, counts: Mapping[str, int]) -> None:
    """Add a batch's received, stored, duplicate and quarantined lines to the probe's totals."""
    add_counts(connection, ingest_totals, [{"probe_id": probe, **counts}], list(counts))


def count_outcomes(connection: Connection, probe: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add stored records to the totals of their path, task and outcome; not tombstones."""
    counts = Counter(
        (row["path"], row["task"], row["outcome"]) for row in rows if row["outcome"] is not None
    )
    add_counts(
        connection,
        outcome_totals,
        [
            {"probe_id": probe, "path": path, "task": task, "outcome": outcome, "records": count}
            for (path, task, outcome), count in sorted(counts.items())
        ],
        ["records"],
    )


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


_PLACE = itemgetter("probe_id", "chain", "received_at", "seq")
_AT_PLACES = select(records.c.seq, records.c.id).where(
    records.c.probe_id == bindparam("of_probe"),
    records.c.chain == bindparam("of_chain"),
    records.c.received_at == bindparam("came"),
    records.c.seq.in_(bindparam("seqs", expanding=True)),
)


def _find_ids(
    connection: Connection, rows: Iterable[Mapping[str, Any]]
) -> dict[tuple[Any, ...], int]:
    """Return the numbers of stored records by their places."""
    seqs: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in rows:
        *arrival, seq = _PLACE(row)
        seqs[tuple(arrival)].append(seq)
    found: dict[tuple[Any, ...], int] = {}
    for arrival, some in seqs.items():
        values = dict(zip(("of_probe", "of_chain", "came"), arrival, strict=True))
        for seq, number in connection.execute(_AT_PLACES, values | {"seqs": some}):
            found[*arrival, seq] = number
    return found
