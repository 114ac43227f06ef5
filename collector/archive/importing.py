"""Puts an archived month into a ledger: back where it left, or into one that never had it.

Nothing is believed that can be checked: what a record says is read from its line anew, and a line
is taken only with a seal by its probe's key over it or behind it, or where the ledger knows its
hash: by the record behind it, or by the digest of what left with the month. Where the month had
left this ledger its rows are put back, all of a probe's at once. Elsewhere they go the way of any
batch: they are judged, dated and counted anew, so that the ledger's laws hold for them; months have
to come in their order then.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from typing import Final, TypeVar

from sqlalchemy import Connection, RowMapping, select

from collector.archive.knowing import forget, had_left, is_at, is_known, keys_of, settle
from collector.archive.months import Archive, Told, ledger_id
from collector.archive.returning import rows_of, store_back
from collector.archive.segments import Segment, Trust, beside, chained, checked
from collector.domain.placement import Place
from collector.errors import ArchiveError
from collector.ledger import bookkeeping
from collector.ledger.database import Database
from collector.ledger.gone import Places
from collector.ledger.judging import place_batch
from collector.ledger.months import ensure_month, span_of
from collector.ledger.registry_file import import_registry
from collector.ledger.removal_mark import disturb, settle_removal
from collector.ledger.schema import gone, probes, quarantine, records
from collector.ledger.store import Arrival, store_batch

_SEGMENTS_AT_ONCE: Final = 20
"""In one transaction, where nothing is put back."""

T = TypeVar("T")


@dataclass(slots=True)
class Imported:
    """What became of an archive's rows.

    Attributes:
        put_back: records that had left this ledger.
        stored: records that it never had.
        known: records that it has, or has folded.
        unsealed: of all of them, rows without a seal over them or behind them.
        own_word: probes that this ledger did not know: their keys are the archive's word.
    """

    put_back: int = 0
    stored: int = 0
    known: int = 0
    unsealed: int = 0
    own_word: int = 0

    def add(self, other: "Imported") -> None:
        """Add another's numbers."""
        for name in Imported.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def import_month(
    database: Database, archive: Archive, now: datetime, told: Told, *, unsealed: bool = False
) -> Imported:
    """Store an archive; what is there already stays as it is, so it can be done again.

    Args:
        database: of the ledger.
        archive: its files are checked.
        now: this moment.
        told: is told of rows.
        unsealed: whether lines that nothing vouches for are taken.

    Raises:
        ArchiveError: a line is not what was hashed, does not fit its neighbours here, nothing
            vouches for it, or it is not what left. Nothing of its probe is put back then; what was
            stored before it stays.
        LedgerError: the ledger cannot be written.
    """
    with database.write() as connection:
        before = set(connection.scalars(select(probes.c.id)))
        registry = archive.registry()
        import_registry(connection, registry, now)
    run = _Import(database, archive, told, unsealed=unsealed)
    run.done.own_word = sum(probe.id not in before for probe in registry.probes)
    for probe, segments in chained(archive):
        run.take_probe(probe, segments)
    for probe, segments in beside(archive):
        run.take_apart(probe, segments)
    with database.write() as connection:
        settle_removal(connection, run.month)
    return run.done


class _Import:
    """One archive on its way into a ledger."""

    def __init__(self, database: Database, archive: Archive, told: Told, *, unsealed: bool) -> None:
        self.done = Imported()
        self._database = database
        self._month = archive.manifest.month
        self._span = span_of(datetime.strptime(self._month, "%Y-%m").replace(tzinfo=UTC))
        self.month = self._span[0]
        self._told = told
        self._unsealed = unsealed
        self._same_ledger = database.read_now(ledger_id) == archive.manifest.ledger

    def _trust(self, probe: str) -> Trust:
        keys = self._database.read_now(lambda c: keys_of(c, probe))
        return Trust(*self._span, keys, self._unsealed)

    # --- Records, and links that are none --------------------------------------------------------

    def take_probe(self, probe: str, segments: Iterable[Segment]) -> None:
        """Store a probe's segments: where something of it left, all in one transaction."""
        good = checked(segments, self._trust(probe))
        of_month = gone.c.probe_id == probe, gone.c.month == self._month
        left = self._database.read_now(
            lambda c: c.execute(select(gone).where(*of_month)).mappings().all()
        )
        if left:
            self._in_transaction(partial(self._return, good, left))
            return
        for part in _parts(good, _SEGMENTS_AT_ONCE):
            self._in_transaction(partial(self._each, part, ()))

    def _in_transaction(self, work: Callable[[Connection, Imported], int]) -> None:
        now = Imported()
        with self._database.write() as connection:
            size = work(connection, now)
            disturb(connection, [self.month])
        self.done.add(now)
        self._told(size)

    def _return(
        self,
        segments: Iterable[Segment],
        left: Sequence[RowMapping],
        connection: Connection,
        now: Imported,
    ) -> int:
        size = 0
        for chain, of_chain in groupby(segments, key=lambda segment: segment.place[1]):
            parts = [(row, Places()) for row in left if row["chain"] == chain]
            size += self._each(of_chain, parts, connection, now)
            for row, places in parts:
                settle(connection, row, places)
        if now.put_back and not any(row["places"] for row in left):
            # It left before chains were told apart.
            forget(connection, left[0])
        return size

    def _each(
        self,
        segments: Iterable[Segment],
        left: Sequence[tuple[RowMapping, Places]],
        connection: Connection,
        now: Imported,
    ) -> int:
        size = 0
        for segment in segments:
            size += segment.size
            ensure_month(connection, segment.received_at)
            if segment.sealed is not None:
                probe, chain, *_ = segment.place
                bookkeeping.lock_chain(connection, probe, chain, segment.received_at, new=False)
                bookkeeping.keep_seals(connection, [segment.sealed])
            if not segment.rows:
                continue
            if not segment.proved:
                now.unsealed += len(segment.rows)
            if had_left(connection, segment, left):
                self._put_back(connection, segment, left, now)
            else:
                self._take(connection, segment, now)
        return size

    def _put_back(
        self,
        connection: Connection,
        segment: Segment,
        left: Sequence[tuple[RowMapping, Places]],
        now: Imported,
    ) -> None:
        """Put back what of a segment is not here; all of its neighbours have to fit."""
        batch = segment.checked_batch
        probe, chain, *_ = segment.place
        end = bookkeeping.lock_chain(connection, probe, chain, segment.received_at, new=False)
        # Only what is here counts: where its months left, any line would fit.
        placed = place_batch(connection, batch, replace(end, gone_before=0))
        last = batch.links[-1]
        at_odds = last.seq == end.next_seq - 1 and last.hash != end.last_hash
        if at_odds or {Place.FORK, Place.NEXT} & set(placed.places):
            raise ArchiveError(f"{segment.where}: this ledger's chain has other records beside it")
        back = [at for at, place in enumerate(placed.places) if place is Place.FILLS_GAP]
        if back and not left:
            self._refuse_unproved(connection, segment)
        for at in back:
            link = batch.links[at]
            for row, places in left:
                if row["from_seq"] <= link.seq <= row["to_seq"]:
                    line = segment.rows[at]["line"] if link.tombstone else None
                    places.add(link.seq, link.hash, line)
        rows = rows_of(segment.where, [(segment.rows[at], batch.received[at]) for at in back])
        store_back(connection, rows, keep_ids=self._same_ledger)
        now.put_back += len(rows.records)
        now.known += sum("kind" not in row for row in segment.rows) - len(rows.records)

    def _take(self, connection: Connection, segment: Segment, now: Imported) -> None:
        """Take a segment as a batch that comes now, dated when it came first."""
        batch = segment.checked_batch
        self._refuse_unproved(connection, segment)
        key = segment.seal["public_key"] if segment.seal else ""
        arrival = Arrival(segment.received_at, key, gap_acknowledged=True)
        answer = store_batch(connection, batch, arrival)
        now.stored += answer.stored
        now.known += answer.duplicate

    def _refuse_unproved(self, connection: Connection, segment: Segment) -> None:
        """Raise unless something vouches for a segment, all of it is here, or it need not be."""
        if segment.proved or self._unsealed or is_known(connection, segment):
            return
        raise ArchiveError(
            f"{segment.where}: {len(segment.rows)} records have no seal over them or behind them, "
            "so nothing shows that the probe wrote them; '--unsealed' takes them all the same"
        )

    # --- What was kept apart ----------------------------------------------------------------------

    def take_apart(self, probe: str, segments: Iterable[Segment]) -> None:
        """Store what was kept apart, but for what is there."""
        good = (one for one in checked(segments, self._trust(probe)) if one.rows)
        for part in _parts(good, _SEGMENTS_AT_ONCE):
            self._in_transaction(partial(self._keep_apart, part))

    def _keep_apart(
        self, segments: Sequence[Segment], connection: Connection, now: Imported
    ) -> int:
        size = 0
        for segment in segments:
            size += segment.size
            ensure_month(connection, segment.received_at)
            if not segment.proved:
                now.unsealed += len(segment.rows)
            new = [row for row in segment.rows if not is_at(connection, quarantine, row)]
            # One that came late is the record whose hash a tombstone has.
            if not all(is_at(connection, records, row) for row in new):
                self._refuse_unproved(connection, segment)
            rows = rows_of(
                segment.where,
                [
                    (row, one)
                    for row, one in zip(segment.rows, segment.checked_batch.received, strict=True)
                    if row in new
                ],
            )
            store_back(connection, rows, keep_ids=False)
        return size


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    whole = iter(items)
    while part := list(islice(whole, size)):
        yield part
