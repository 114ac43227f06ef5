"""Follows a chain of evidence: each record's hash, place and moment, and the seals over them. Pure.

What comes from the file is never trusted further than it was checked: a record is what its hash
says, the hash is what the next record and the seal say, and the seal is the key's.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from collector.domain.time_correction import (
    Anchor,
    ClockReading,
    TimeQuality,
    anchor_of,
    correct,
    date_record,
    is_trusted,
)
from collector.evidence.faults import Fault, Findings, Note
from collector.evidence.format import (
    ChainEntry,
    Kind,
    Place,
    ProbeEntry,
    SealEntry,
    Span,
)
from collector.ingest.columns import Content, Received
from collector.ingest.verify import Reader
from protocol.chain import ChainError, Link, Seal, check_seal
from protocol.constants import GENESIS_HASH

_DRIFT: Final = 1e-3
_SLACK: Final = timedelta(seconds=5)
"""A moment that was corrected may differ by so much, and by so much of the distance, from what the
file's own records say: the collector went by those that it had then."""


class Checked(NamedTuple):
    """A record that a line's month may be made of, or one that came later, as its chain goes."""

    place: Place
    content: Content


@dataclass(slots=True)
class _Waiting:
    """A record whose moment was put right by others of its boot."""

    place: Place
    reading: ClockReading


@dataclass(slots=True)
class Follower:
    """Follows one chain.

    Attributes:
        entry: what the file says of it.
        probe: and of the probe, with its keys; None: it says nothing.
        seals: in the order of their places.
        findings: takes what is wrong.
    """

    entry: ChainEntry
    probe: ProbeEntry | None
    seals: Sequence[SealEntry]
    findings: Findings
    _number: int = 0
    _before: str | None = None
    _expected: int = -1
    _unsealed: int = 0
    _last: int = -1
    _sealed: dict[int, list[SealEntry]] = field(default_factory=dict)
    _anchors: dict[str, list[Anchor]] = field(default_factory=lambda: defaultdict(list))
    _waiting: list[_Waiting] = field(default_factory=list)

    def follow(self, places: Iterable[Place], lines: Iterator[bytes]) -> Iterator[Checked]:
        """Yield the records of the chain; all that is wrong is found by then.

        Args:
            places: of stored.csv, in its order.
            lines: of records.ndjson.
        """
        by_seq: dict[int, list[SealEntry]] = defaultdict(list)
        for seal in self.seals:
            by_seq[seal.seq].append(seal)
        self._sealed = dict(by_seq)
        spans = iter(self.entry.spans)
        span: Span | None = None
        for place in places:
            if span is None or self._expected > span.to_seq:
                self._end_run()
                self._before = None
                span = next(spans, None)
                self._expected = span.from_seq if span else -1
            if not self._is_next(place, span):
                return
            self._expected = place.to_seq + 1
            checked = self._take(place, lines)
            if span is not None and place.to_seq == span.to_seq:
                self._check_end(span)
            if checked is not None:
                yield checked
        self._end_run()
        if (span is not None and self._expected <= span.to_seq) or next(spans, None) is not None:
            self._fault("places that chains.ndjson names are not there", self._expected)
        self._check_rest(lines)

    def _check_rest(self, lines: Iterator[bytes]) -> None:
        if next(lines, None) is not None:
            self._fault("there are records that stored.csv says nothing of")
        for seq in self._sealed:
            self._fault("a seal is over a place that is not there", seq)
        if self._number != self.entry.records:
            self._fault(f"has {self._number} records, chains.ndjson says {self.entry.records}")
        self._check_corrected()

    def _is_next(self, place: Place, span: Span | None) -> bool:
        fits = place.seq == self._expected and place.to_seq >= place.seq
        single = place.kind is Kind.MISSING or place.to_seq == place.seq
        if span is None or not fits or not single or place.to_seq > span.to_seq:
            self._fault(
                f"stored.csv has seq {place.seq} where {self._expected} follows: a place was "
                "removed or added",
                place.seq,
            )
            return False
        return True

    def _fault(self, what: str, seq: int | None = None) -> None:
        member = f"{self.entry.folder}{'stored.csv' if seq is None else 'records.ndjson'}"
        self.findings.add(
            Fault(what, member=member, probe=self.entry.probe, chain=self.entry.chain, seq=seq)
        )

    # --- Places ----------------------------------------------------------------------------------

    def _take(self, place: Place, lines: Iterator[bytes]) -> Checked | None:
        if place.kind is Kind.MISSING:
            self._end_run()
            self.findings.note(Note.MISSING, place.to_seq - place.seq + 1)
            self._before = None
            return None
        if place.kind is Kind.FOLDED:
            self._end_run(Note.BEFORE_FOLDED)
            self.findings.note(Note.FOLDED)
            self._before = place.hash
            here = (self.entry.probe, self.entry.chain, place.seq)
            self._seal(Link(*here, "", place.hash, tombstone=False))
            return None
        line = next(lines, None)
        if line is None:
            self._fault("the record is missing in records.ndjson", place.seq)
            self._before = None
            return None
        self._number += 1
        received = self._read(place, line)
        if received is None:
            self._before = None
            return None
        self._check_link(place, received.link)
        if received.link.tombstone:
            # Its hash is the lost record's: which one it says is before it, no seal is over.
            self._end_run(Note.BEFORE_TOMBSTONE)
        self._unsealed += 1
        self._last = place.seq
        self._before = received.link.hash
        self._seal(received.link)
        return self._content(place, received)

    def _read(self, place: Place, line: bytes) -> Received | None:
        reader = Reader()
        try:
            return reader.received(line, reader.link(line, self._number))
        except ChainError as error:
            self._fault(f"{error} of records.ndjson", place.seq)
            return None

    def _check_link(self, place: Place, link: Link) -> None:
        here = (self.entry.probe, self.entry.chain, place.seq)
        if (link.probe, link.chain, link.seq) != here:
            self._fault(
                f"the record says that it is probe {link.probe} chain {link.chain} seq {link.seq}",
                place.seq,
            )
        before = GENESIS_HASH if place.seq == 0 else self._before
        if before is not None and link.prev != before:
            self._fault(
                f"the record carries the hash {link.prev[:12]}… of the one before it, which has "
                f"{before[:12]}…: seq {place.seq - 1} was changed, removed or put in, or this one "
                "was",
                place.seq,
            )

    def _content(self, place: Place, received: Received) -> Checked | None:
        content = received.content
        if (content is None) != (place.kind is Kind.INVALID):
            self._fault(f"stored.csv calls it '{place.kind}', and it is not", place.seq)
            return None
        if content is None:
            self.findings.note(Note.INVALID)
            return None
        if received.link.tombstone != (place.kind is Kind.TOMBSTONE) and place.kind in (
            Kind.RECORD,
            Kind.TOMBSTONE,
        ):
            self._fault(f"stored.csv calls it '{place.kind}', and it is not", place.seq)
        if place.kind is Kind.TOMBSTONE:
            self.findings.note(Note.TOMBSTONES)
        self._check_moment(place, content)
        if place.kind is Kind.LATER:
            self.findings.note(Note.LATER)
        return Checked(place, content)

    def _check_end(self, span: Span) -> None:
        if self._before != span.last_hash:
            self._fault("chains.ndjson has another hash of the last place", span.to_seq)

    # --- Seals -----------------------------------------------------------------------------------

    def _seal(self, link: Link) -> None:
        for seal in self._sealed.pop(link.seq, ()):
            if self._holds(seal, link):
                self._unsealed = 0

    def _holds(self, entry: SealEntry, link: Link) -> bool:
        known = {one.public_key: one for one in self.probe.keys} if self.probe else {}
        key = known.get(entry.public_key)
        if key is None or self.probe is None:
            self._fault("the seal is by a key that is not the probe's by keys.json", link.seq)
            return False
        seal = Seal(
            seal="ed25519",
            probe=self.entry.probe,
            chain=self.entry.chain,
            seq=entry.seq,
            hash=entry.hash,
            signature=entry.signature,
        )
        try:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(entry.public_key))
            check_seal(public, seal, link)
        except (ChainError, ValueError) as error:
            self._fault(f"{error}", link.seq)
            return False
        revoked = self.probe.revoked_at
        if key.current and revoked is not None and entry.received_at > revoked:
            self._fault(f"the seal came after its key was revoked at {revoked}", link.seq)
        enrolled = self.probe.enrolled_at
        if key.current and enrolled is not None and entry.received_at < enrolled:
            self.findings.note(Note.BEFORE_ENROLMENT)
        first, last = key.first_seal_at, key.last_seal_at
        if first is None or last is None or not first <= entry.received_at <= last:
            self._fault("the seal came at a time when keys.json has none by its key", link.seq)
        return True

    def _end_run(self, weak: str | None = None) -> None:
        """Tell of records that no seal is over, at the end of those that follow each other.

        Args:
            weak: the kind of note, where what follows hides whether one is; None: nothing follows.
        """
        if not self._unsealed:
            return
        if weak:
            self.findings.note(weak, self._unsealed)
        else:
            self._fault(
                f"no seal covers the last {self._unsealed} records until here: what followed was "
                "cut off, or nobody signed them",
                self._last,
            )
        self._unsealed = 0

    # --- Moments ---------------------------------------------------------------------------------

    def _check_moment(self, place: Place, content: Content) -> None:
        reading, received_at = content.clock, place.received_at
        if received_at is None:
            self._fault("stored.csv does not say when it came", place.seq)
            return
        if reading is None:
            slot = content.columns["slot"]
            expected = (slot and min(slot, received_at), TimeQuality.NONE.value)
        elif place.time_quality == TimeQuality.CORRECTED and not is_trusted(reading, received_at):
            self._waiting.append(_Waiting(place, reading))
            return
        else:
            anchor = anchor_of(reading, received_at)
            if anchor is not None:
                self._anchors[reading.boot_id or ""].append(anchor)
            expected = date_record(reading, received_at)
            expected = (expected.measured_at, expected.quality.value)
        if expected[1] == TimeQuality.NONE:
            self.findings.note(Note.UNTIMED)
        if expected != (place.measured_at, place.time_quality):
            self._moment_fault(place, expected[0])

    def _moment_fault(self, place: Place, expected: datetime | None) -> None:
        self._fault(
            f"stored.csv says that it was measured at {place.measured_at} "
            f"({place.time_quality}), the record says {expected}",
            place.seq,
        )

    def _check_corrected(self) -> None:
        """Hold moments that were put right against those of the same boot in this chain."""
        for place, reading in ((one.place, one.reading) for one in self._waiting):
            anchors = self._anchors.get(reading.boot_id or "", ())
            found = correct(reading.monotonic_seconds, anchors)
            if reading.missed or reading.boot_id is None:
                self._moment_fault(place, None)
            elif found is None:
                self.findings.note(Note.UNANCHORED)
            elif place.measured_at is None or not _is_near(
                place.measured_at, found, reading, anchors
            ):
                self._moment_fault(place, found)


def _is_near(
    said: datetime | None, found: datetime, reading: ClockReading, anchors: Iterable[Anchor]
) -> bool:
    if said is None:
        return False
    distance = min(abs(one.monotonic_seconds - reading.monotonic_seconds) for one in anchors)
    return abs(said - found) <= _SLACK + timedelta(seconds=min(distance, 1e9) * _DRIFT)
