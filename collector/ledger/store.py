"""Put a verified batch into the ledger: one job of the writer, all of it or nothing.

Conservation: each line of a batch is counted as received, and as exactly one of stored, duplicate
and quarantined. A line is quarantined as

- `fork`: the ledger has another record at its place, or before it;
- `late`: the ledger has a tombstone at its place, the record came after all;
- `invalid`: it is a link of the chain, but no valid record; the chain goes on after it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from collector.domain.placement import Kept, Place, Placed, place
from collector.domain.time_correction import TimeQuality
from collector.errors import CollectorError
from collector.ingest.columns import Content, Received
from collector.ingest.verify import Batch
from collector.ledger import bookkeeping
from collector.ledger.bulk import insert_rows
from collector.ledger.dating import anchors_of, correct_waiting, date_new
from collector.ledger.events import Event, EventKind, note_events
from collector.ledger.fold import folded_places
from collector.ledger.gone import gone_places
from collector.ledger.identities import see_probe
from collector.ledger.months import ensure_month
from collector.ledger.schema import probe_paths, quarantine, records
from protocol.messages import IngestAnswer, Quarantined

_EMPTY_ROW: dict[str, Any] = {column.name: None for column in records.columns}
del _EMPTY_ROW["id"]

_REASONS = {
    Place.FORK: "the ledger has another record at this place of the chain, or before it",
    Place.LATE: "the ledger has a tombstone here: the probe had given this record up",
}
_INVALID = "invalid"
_PLACE = ("probe_id", "chain", "seq", "hash")


class GapError(CollectorError):
    """Records are missing before a batch.

    Attributes:
        expected_seq: the first that is missing.
    """

    def __init__(self, expected_seq: int, first_seq: int) -> None:
        super().__init__(f"seq {first_seq} came, but seq {expected_seq} is needed first")
        self.expected_seq = expected_seq


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a batch came.

    Attributes:
        at: when.
        public_key: the probe's key that its seal was checked with, base64.
        gap_acknowledged: the probe says that what is missing is lost.
    """

    at: datetime
    public_key: str
    gap_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class _Apart:
    """A line for the quarantine."""

    received: Received
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A batch's lines by what becomes of them."""

    stored: tuple[tuple[Received, Content], ...]
    quarantined: tuple[_Apart, ...]
    duplicate: int


def store_batch(connection: Connection, batch: Batch, arrival: Arrival) -> IngestAnswer:
    """Store a batch and return what became of its lines.

    Raises:
        GapError: records are missing before it, and the probe did not acknowledge that.
    """
    ensure_month(connection, arrival.at)
    placed = _place(connection, batch, arrival.at)
    if placed.gap and not arrival.gap_acknowledged:
        raise GapError(placed.gap.from_seq, batch.links[0].seq)
    lines = _sort(connection, batch, placed)
    _write_chain(connection, batch, placed, arrival)
    _write_quarantine(connection, batch, lines.quarantined, arrival.at)
    _write_records(connection, batch, lines.stored, arrival.at)
    note_events(connection, _happened(batch, placed, lines, arrival.at))
    answer = IngestAnswer(
        stored=len(lines.stored),
        duplicate=lines.duplicate,
        quarantined=tuple(
            Quarantined(seq=one.received.link.seq, reason=one.reason) for one in lines.quarantined
        ),
        next_seq=placed.next_seq,
        start_new_chain=Place.FORK in placed.places,
    )
    counts = {
        "received": len(batch.received),
        "stored": answer.stored,
        "duplicate": answer.duplicate,
        "quarantined": len(answer.quarantined),
    }
    bookkeeping.count_ingest(connection, batch.probe, counts)
    see_probe(connection, batch.probe, arrival.at)
    return answer


def _place(connection: Connection, batch: Batch, at: datetime) -> Placed:
    end = bookkeeping.lock_chain(connection, batch.probe, batch.chain, at)
    kept: dict[int, Kept] = {}
    if batch.links[0].seq < end.gone_before:
        # They were here, as their months were: the archive has them, and says if they differ.
        kept = gone_places(connection, batch.probe, batch.links, end.gone_before)
    if batch.links[0].seq < end.next_seq:
        kept |= _kept(connection, batch)
    return place(batch.links, kept, end.next_seq, end.last_hash)


def _kept(connection: Connection, batch: Batch) -> dict[int, Kept]:
    """Return what the ledger has of the batch's part of the chain, and one seq around it."""
    span = (batch.links[0].seq - 1, batch.links[-1].seq + 1)
    kept: dict[int, Kept] = {}
    for seq, own, prev, kind in _rows_between(connection, batch, quarantine, span):
        # Invalid records are part of the chain; forks and late ones stand beside it.
        if kind == _INVALID:
            kept[seq] = Kept(own, prev, tombstone=False)
    for seq, own, prev, tombstone in _rows_between(connection, batch, records, span):
        kept[seq] = Kept(own, prev, tombstone=tombstone is not None)
    for seq, (own, prev) in folded_places(connection, batch.probe, batch.chain, span).items():
        kept[seq] = Kept(own, prev, tombstone=False)
    return kept


def _rows_between(
    connection: Connection,
    batch: Batch,
    table: Table,
    span: tuple[int, int],
) -> Sequence[tuple[int, str, str, str | None]]:
    """Return seq, hash, prev, and the kind of quarantine or of tombstone."""
    last = table.c.kind if table is quarantine else table.c.tombstone
    rows = connection.execute(
        select(table.c.seq, table.c.hash, table.c.prev, last).where(
            table.c.probe_id == batch.probe,
            table.c.chain == batch.chain,
            table.c.seq.between(*span),
        )
    )
    return [(seq, own, prev, kind) for seq, own, prev, kind in rows]


def _sort(connection: Connection, batch: Batch, placed: Placed) -> _Sorted:
    apart_before: set[tuple[int, str]] = set()
    if any(where in _REASONS for where in placed.places):
        span = (batch.links[0].seq, batch.links[-1].seq)
        rows = _rows_between(connection, batch, quarantine, span)
        apart_before = {(seq, own) for seq, own, _, _ in rows}
    stored: list[tuple[Received, Content]] = []
    quarantined: list[_Apart] = []
    for one, where in zip(batch.received, placed.places, strict=True):
        if where is Place.DUPLICATE:
            continue
        if where in _REASONS:
            if (one.link.seq, one.link.hash) not in apart_before:
                quarantined.append(_Apart(one, where.value, _REASONS[where]))
        elif one.content is None:
            quarantined.append(_Apart(one, _INVALID, one.reason or "not a record"))
        else:
            stored.append((one, one.content))
    duplicate = len(batch.received) - len(stored) - len(quarantined)
    return _Sorted(tuple(stored), tuple(quarantined), duplicate)


def _happened(batch: Batch, placed: Placed, lines: _Sorted, at: datetime) -> list[Event]:
    found = []
    counts = Counter(one.kind for one in lines.quarantined)
    where = f"chain {batch.chain}"
    if forks := counts[Place.FORK.value]:
        detail = f"{where}: {forks} records of the batch from seq {batch.links[0].seq} on"
        found.append(Event(EventKind.FORK, batch.probe, at, detail, forks))
    if invalid := [one for one in lines.quarantined if one.kind == _INVALID]:
        detail = f"{where} seq {invalid[0].received.link.seq}: {invalid[0].reason}"
        found.append(Event(EventKind.INVALID_RECORD, batch.probe, at, detail, len(invalid)))
    if placed.gap:
        detail = f"{where}: seq {placed.gap.from_seq} to {placed.gap.to_seq} are missing"
        found.append(Event(EventKind.GAP, batch.probe, at, detail))
    return found


def _write_chain(connection: Connection, batch: Batch, placed: Placed, arrival: Arrival) -> None:
    where = (batch.probe, batch.chain)
    end = (placed.next_seq, placed.last_hash)
    bookkeeping.advance_chain(connection, *where, end, arrival.at)
    if Place.FORK in placed.places:
        bookkeeping.mark_forked(connection, *where, arrival.at)
    if placed.gap:
        bookkeeping.open_gap(connection, *where, placed.gap, arrival.at)
    filling = [
        link.seq
        for link, at in zip(batch.links, placed.places, strict=True)
        if at is Place.FILLS_GAP
    ]
    bookkeeping.fill_gaps(connection, *where, filling)
    if batch.seal is not None:
        bookkeeping.keep_seal(connection, batch.seal, arrival.public_key, arrival.at)


def _write_quarantine(
    connection: Connection, batch: Batch, apart: Sequence[_Apart], at: datetime
) -> None:
    if not apart:
        return
    rows = [
        {
            "probe_id": batch.probe,
            "chain": batch.chain,
            "seq": one.received.link.seq,
            "hash": one.received.link.hash,
            "prev": one.received.link.prev,
            "kind": one.kind,
            "reason": one.reason,
            "line": one.received.line,
            "received_at": at,
        }
        for one in apart
    ]
    # A line that was kept as a fork may turn out to be of the chain, and be no valid record.
    span = (batch.links[0].seq, batch.links[-1].seq)
    before = {(seq, own) for seq, own, _, _ in _rows_between(connection, batch, quarantine, span)}
    known = [row for row in rows if (row["seq"], row["hash"]) in before]
    if known:
        connection.execute(
            _JUDGING_ANEW, [{f"of_{name}": row[name] for name in row} for row in known]
        )
    new = [row for row in rows if (row["seq"], row["hash"]) not in before]
    if new:
        connection.execute(insert(quarantine), new)


_JUDGING_ANEW = (
    update(quarantine)
    .where(*(quarantine.c[name] == bindparam(f"of_{name}") for name in _PLACE))
    .values(kind=bindparam("of_kind"), reason=bindparam("of_reason"))
)


_LINES_OF_PATHS = select(probe_paths.c.name, probe_paths.c.line_id).where(
    probe_paths.c.probe_id == bindparam("of_probe")
)


def _write_records(
    connection: Connection,
    batch: Batch,
    stored: Sequence[tuple[Received, Content]],
    at: datetime,
) -> None:
    if not stored:
        return
    found = connection.execute(_LINES_OF_PATHS, {"of_probe": batch.probe})
    lines = {row.name: row.line_id for row in found}
    clocks = [content.clock for _, content in stored]
    slots = [content.columns["slot"] for _, content in stored]
    anchors = anchors_of(clocks, at)
    moments = date_new(connection, batch.probe, clocks, slots, at, anchors)
    rows = [
        {
            **_EMPTY_ROW,
            **content.columns,
            "probe_id": batch.probe,
            "chain": batch.chain,
            "seq": one.link.seq,
            "hash": one.link.hash,
            "prev": one.link.prev,
            "line": one.line,
            "received_at": at,
            "line_id": lines.get(content.columns["path"]),
            "measured_at": dated.measured_at if dated else None,
            "time_quality": dated.quality.value if dated else TimeQuality.NONE.value,
        }
        for (one, content), dated in zip(stored, moments, strict=True)
    ]
    insert_rows(connection, records, rows)
    corrected = correct_waiting(connection, batch.probe, anchors)
    bookkeeping.note_latest(connection, [*rows, *corrected])
    bookkeeping.count_outcomes(connection, batch.probe, rows)
