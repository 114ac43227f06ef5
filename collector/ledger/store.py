"""Put verified batches into the ledger: one job of the writer, all of it or nothing.

Batches that wait together are stored together: a statement costs far more than a row more of it,
and most batches of a fleet are a record or two.

Conservation: each line of a batch is counted as received, and as exactly one of stored, duplicate
and quarantined. A line is quarantined as

- `fork`: the ledger has another record at its place, or before it;
- `late`: the ledger has a tombstone at its place, the record came after all;
- `invalid`: it is a link of the chain, but no valid record; the chain goes on after it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from collector.domain.placement import Place, Placed
from collector.domain.time_correction import TimeQuality
from collector.errors import CollectorError
from collector.ingest.verify import Batch
from collector.ledger import bookkeeping
from collector.ledger.bulk import insert_rows
from collector.ledger.dating import Anchors, anchors_of, correct_waiting, date_new
from collector.ledger.events import note_events
from collector.ledger.identities import see_probes
from collector.ledger.judging import Sorted, happened, keep_apart, place_batch, sort_lines
from collector.ledger.months import ensure_month
from collector.ledger.schema import probe_paths, records
from protocol.messages import IngestAnswer, Quarantined

_EMPTY_ROW: dict[str, Any] = {column.name: None for column in records.columns}
del _EMPTY_ROW["id"]


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


class Delivery(NamedTuple):
    """A batch, and how it came."""

    batch: Batch
    arrival: Arrival


class _Taken(NamedTuple):
    """A batch that the ledger takes: its lines' places, and what becomes of them."""

    batch: Batch
    arrival: Arrival
    placed: Placed
    lines: Sorted


def store_batch(connection: Connection, batch: Batch, arrival: Arrival) -> IngestAnswer:
    """Store one batch and return what became of its lines.

    Raises:
        GapError: records are missing before it, and the probe did not acknowledge that.
    """
    (answer,) = store_batches(connection, [Delivery(batch, arrival)])
    if isinstance(answer, GapError):
        raise answer
    return answer


def store_batches(
    connection: Connection, deliveries: Sequence[Delivery]
) -> list[IngestAnswer | GapError]:
    """Store batches and return what became of each.

    A batch is not stored where records are missing before it and its probe did not acknowledge
    that: it gets a `GapError`.

    Args:
        connection: of the writer.
        deliveries: each of another probe, in the probes' order.
    """
    answers: list[IngestAnswer | GapError] = []
    taken: list[_Taken] = []
    for batch, arrival in deliveries:
        ensure_month(connection, arrival.at)
        starts = batch.links[0].seq == 0 or arrival.gap_acknowledged
        end = bookkeeping.lock_chain(connection, batch.probe, batch.chain, arrival.at, new=starts)
        placed = place_batch(connection, batch, end)
        if placed.gap and not arrival.gap_acknowledged:
            answers.append(GapError(placed.gap.from_seq, batch.links[0].seq))
            continue
        one = _Taken(batch, arrival, placed, sort_lines(connection, batch, placed))
        taken.append(one)
        answers.append(_answer(one))
    if taken:
        _write(connection, taken)
    return answers


def _answer(one: _Taken) -> IngestAnswer:
    return IngestAnswer(
        stored=len(one.lines.stored),
        duplicate=one.lines.duplicate,
        quarantined=tuple(
            Quarantined(seq=apart.received.link.seq, reason=apart.reason)
            for apart in one.lines.quarantined
        ),
        next_seq=one.placed.next_seq,
        start_new_chain=Place.FORK in one.placed.places,
    )


def _write(connection: Connection, taken: Sequence[_Taken]) -> None:
    _write_chains(connection, taken)
    for batch, arrival, _, lines in taken:
        keep_apart(connection, batch, lines.quarantined, arrival.at)
    _write_records(connection, taken)
    note_events(
        connection,
        [
            event
            for batch, arrival, placed, lines in taken
            for event in happened(batch, placed, lines, arrival.at)
        ],
    )
    counts = {
        batch.probe: {
            "received": len(batch.received),
            "stored": len(lines.stored),
            "duplicate": lines.duplicate,
            "quarantined": len(lines.quarantined),
        }
        for batch, _, _, lines in taken
    }
    bookkeeping.count_ingest(connection, counts)
    see_probes(connection, {batch.probe: arrival.at for batch, arrival, _, _ in taken})


def _write_chains(connection: Connection, taken: Sequence[_Taken]) -> None:
    ends = []
    sealed = []
    for batch, arrival, placed, _ in taken:
        where = (batch.probe, batch.chain)
        ends.append((*where, placed.next_seq, placed.last_hash, arrival.at))
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
            sealed.append(bookkeeping.Sealed(batch.seal, arrival.public_key, arrival.at))
    bookkeeping.advance_chains(connection, ends)
    bookkeeping.keep_seals(connection, sealed)


def _write_records(connection: Connection, taken: Sequence[_Taken]) -> None:
    storing = [one for one in taken if one.lines.stored]
    if not storing:
        return
    paths = _lines_of_paths(connection, [one.batch.probe for one in storing])
    anchors: dict[str, Anchors] = {}
    rows: list[dict[str, Any]] = []
    for one in storing:
        probe = one.batch.probe
        clocks = [content.clock for _, content in one.lines.stored]
        anchors[probe] = anchors_of(clocks, one.arrival.at)
        rows += _rows(connection, one, paths[probe], anchors[probe])
    insert_rows(connection, records, rows)
    corrected = correct_waiting(connection, anchors)
    bookkeeping.note_latest(connection, [*rows, *corrected])
    bookkeeping.count_outcomes(connection, rows)


_LINES_OF_PATHS = select(probe_paths.c.probe_id, probe_paths.c.name, probe_paths.c.line_id).where(
    probe_paths.c.probe_id.in_(bindparam("probes", expanding=True))
)


def _lines_of_paths(connection: Connection, probes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return each probe's lines by the paths that they are reached over."""
    lines: dict[str, dict[str, str]] = defaultdict(dict)
    for probe, path, line in connection.execute(_LINES_OF_PATHS, {"probes": list(probes)}):
        lines[probe][path] = line
    return lines


def _rows(
    connection: Connection, one: _Taken, lines: dict[str, str], anchors: Anchors
) -> list[dict[str, Any]]:
    batch, at = one.batch, one.arrival.at
    clocks = [content.clock for _, content in one.lines.stored]
    slots = [content.columns["slot"] for _, content in one.lines.stored]
    moments = date_new(connection, batch.probe, clocks, slots, at, anchors)
    return [
        {
            **_EMPTY_ROW,
            **content.columns,
            "probe_id": batch.probe,
            "chain": batch.chain,
            "seq": received.link.seq,
            "hash": received.link.hash,
            "prev": received.link.prev,
            "line": received.line,
            "received_at": at,
            "line_id": lines.get(content.columns["path"]),
            "measured_at": dated.measured_at if dated else None,
            "time_quality": dated.quality.value if dated else TimeQuality.NONE.value,
        }
        for (received, content), dated in zip(one.lines.stored, moments, strict=True)
    ]
