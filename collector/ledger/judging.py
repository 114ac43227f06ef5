"""What becomes of a batch's lines, given what the ledger has of their chain."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from collector.domain.placement import Kept, Place, Placed, place
from collector.ingest.columns import Content, Received
from collector.ingest.verify import Batch
from collector.ledger.bookkeeping import End
from collector.ledger.events import Event, EventKind
from collector.ledger.fold import folded_places
from collector.ledger.gone import gone_places
from collector.ledger.schema import quarantine, records

_REASONS = {
    Place.FORK: "the ledger has another record at this place of the chain, or before it",
    Place.LATE: "the ledger has a tombstone here: the probe had given this record up",
}
_INVALID = "invalid"
_PLACE = ("probe_id", "chain", "seq", "hash")


@dataclass(frozen=True, slots=True)
class Apart:
    """A line for the quarantine."""

    received: Received
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch's lines by what becomes of them."""

    stored: tuple[tuple[Received, Content], ...]
    quarantined: tuple[Apart, ...]
    duplicate: int


def place_batch(connection: Connection, batch: Batch, end: End) -> Placed:
    """Return where a batch's lines belong. Its chain, which has this end, is locked."""
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


def sort_lines(connection: Connection, batch: Batch, placed: Placed) -> Sorted:
    """Return what becomes of a batch's lines at their places."""
    apart_before: set[tuple[int, str]] = set()
    if any(where in _REASONS for where in placed.places):
        apart_before = _apart_before(connection, batch)
    stored: list[tuple[Received, Content]] = []
    quarantined: list[Apart] = []
    for one, where in zip(batch.received, placed.places, strict=True):
        if where is Place.DUPLICATE:
            continue
        if where in _REASONS:
            if (one.link.seq, one.link.hash) not in apart_before:
                quarantined.append(Apart(one, where.value, _REASONS[where]))
        elif one.content is None:
            quarantined.append(Apart(one, _INVALID, one.reason or "not a record"))
        else:
            stored.append((one, one.content))
    duplicate = len(batch.received) - len(stored) - len(quarantined)
    return Sorted(tuple(stored), tuple(quarantined), duplicate)


def _apart_before(connection: Connection, batch: Batch) -> set[tuple[int, str]]:
    """Return seq and hash of what the quarantine has of the batch's part of the chain."""
    span = (batch.links[0].seq, batch.links[-1].seq)
    return {(seq, own) for seq, own, _, _ in _rows_between(connection, batch, quarantine, span)}


def keep_apart(connection: Connection, batch: Batch, apart: Sequence[Apart], at: datetime) -> None:
    """Put lines of a batch into the quarantine."""
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
    before = _apart_before(connection, batch)
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


def happened(batch: Batch, placed: Placed, lines: Sorted, at: datetime) -> Iterable[Event]:
    """Yield what is to be told of a batch: forks, lines that are no records, a gap before it."""
    where = f"chain {batch.chain}"
    counts = Counter(one.kind for one in lines.quarantined)
    if forks := counts[Place.FORK.value]:
        detail = f"{where}: {forks} records of the batch from seq {batch.links[0].seq} on"
        yield Event(EventKind.FORK, batch.probe, at, detail, forks)
    if invalid := [one for one in lines.quarantined if one.kind == _INVALID]:
        detail = f"{where} seq {invalid[0].received.link.seq}: {invalid[0].reason}"
        yield Event(EventKind.INVALID_RECORD, batch.probe, at, detail, len(invalid))
    if placed.gap:
        detail = f"{where}: seq {placed.gap.from_seq} to {placed.gap.to_seq} are missing"
        yield Event(EventKind.GAP, batch.probe, at, detail)
