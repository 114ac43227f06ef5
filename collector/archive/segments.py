"""An archive's rows as segments: consecutive lines of a chain that came together, each checked.

A segment holds in itself where its lines are what was hashed, follow each other, and came in the
archive's month. It is proved where a seal by a key of the probe's is over its last line, or over a
line to which the chain leads from there. What is checked against a ledger: `importing`.
"""

import base64
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from collector.archive.months import Archive
from collector.errors import ArchiveError
from collector.ingest.verify import Batch, Reader
from collector.ledger.bookkeeping import Sealed
from collector.ledger.schema import quarantine, records, seals
from protocol.chain import ChainError, Link, Seal, check_seal, follow

_ROWS: Final = 500
"""The most rows without a seal that are one segment."""

Row = Mapping[str, Any]


@dataclass(slots=True)
class Segment:
    """Consecutive rows of a chain that came together, and the seal over the last, if there is.

    Attributes:
        rows: as the archive has them; none: a seal over a record that was folded before.
        seal: its row.
        batch: the lines, once they are checked; None where there are none.
        proved: whether a seal vouches for them.
    """

    rows: list[Row] = field(default_factory=list)
    seal: Row | None = None
    batch: Batch | None = None
    proved: bool = False

    @property
    def place(self) -> tuple[str, str, int, str]:
        """Probe, chain, seq and hash of what it begins with."""
        return _place(self.rows[0] if self.rows else self.seal or {})

    @property
    def where(self) -> str:
        """Its place for a sentence."""
        probe, chain, seq, _ = self.place
        return f"probe {probe} chain {chain} from seq {seq}"

    @property
    def checked_batch(self) -> Batch:
        """Its lines, as they were read; it has some, and is checked."""
        if self.batch is None:
            raise ValueError(f"{self.where}: not checked")
        return self.batch

    @property
    def size(self) -> int:
        """How many rows of the archive it is."""
        return len(self.rows) + (self.seal is not None)

    @property
    def received_at(self) -> datetime:
        """When it came."""
        at: datetime = (self.rows[0] if self.rows else self.seal or {})["received_at"]
        return at

    @property
    def sealed(self) -> Sealed | None:
        """Its seal, as the ledger keeps it."""
        if self.seal is None:
            return None
        return Sealed(_read_seal(self.seal), self.seal["public_key"], self.seal["received_at"])

    def takes(self, row: Row) -> bool:
        """Tell whether a row goes on with it."""
        if not self.rows:
            return True
        last = self.rows[-1]
        return (
            self.seal is None
            and len(self.rows) < _ROWS
            and row["seq"] == last["seq"] + 1
            and row["prev"] == last["hash"]
            and row["received_at"] == last["received_at"]
        )

    def leads_to(self, other: "Segment") -> bool:
        """Tell whether the chain goes on with another."""
        last, first = self.rows[-1], other.rows[0]
        return bool(first["seq"] == last["seq"] + 1 and first["prev"] == last["hash"])


class Trust(NamedTuple):
    """What an archive's rows are measured by.

    Attributes:
        start: of the archive's month.
        end: of it.
        keys: that the probe has or had.
        unsealed: seals by other keys are as none, instead of an error.
    """

    start: datetime
    end: datetime
    keys: Collection[str]
    unsealed: bool


def chained(archive: Archive) -> Iterator[tuple[str, Iterator[Segment]]]:
    """Yield each probe and its segments, chain by chain, of records and links that are none."""
    invalid = (row for row in archive.read(quarantine) if row["kind"] == "invalid")
    return _segments(archive, heapq.merge(archive.read(records), invalid, key=_place))


def beside(archive: Archive) -> Iterator[tuple[str, Iterator[Segment]]]:
    """Yield the same of what was kept apart, and is no link of its chain."""
    return _segments(archive, (r for r in archive.read(quarantine) if r["kind"] != "invalid"))


def checked(segments: Iterable[Segment], trust: Trust) -> Iterator[Segment]:
    """Yield a probe's segments once they hold, and it is known whether they are proved.

    Raises:
        ArchiveError: one does not hold, or has a seal by a key that is not the probe's.
    """
    waiting: list[Segment] = []
    for segment in segments:
        _check(segment, trust)
        if not segment.rows:
            if segment.seal is not None:
                yield segment
            continue
        if waiting and not waiting[-1].leads_to(segment):
            yield from waiting
            waiting = []
        waiting.append(segment)
        if segment.seal is not None:
            for one in waiting:
                one.proved = True
            yield from waiting
            waiting = []
    yield from waiting


def _place(row: Row) -> tuple[str, str, int, str]:
    return row["probe_id"], row["chain"], row["seq"], row["hash"]


def _segments(archive: Archive, rows: Iterable[Row]) -> Iterator[tuple[str, Iterator[Segment]]]:
    merged = heapq.merge(
        ((_place(row), 0, row) for row in rows),
        ((_place(row), 1, row) for row in archive.read(seals)),
        key=lambda one: one[:2],
    )
    for probe, of_probe in groupby(merged, key=lambda one: one[0][0]):
        yield probe, _cut(of_probe)


def _cut(of_probe: Iterable[tuple[Any, int, Row]]) -> Iterator[Segment]:
    segment = Segment()
    for place, is_seal, row in of_probe:
        if is_seal:
            if segment.rows and _place(segment.rows[-1]) == place:
                segment.seal = row
            else:
                yield Segment(seal=row)
        elif segment.takes(row) and (not segment.rows or segment.place[:2] == place[:2]):
            segment.rows.append(row)
        else:
            yield segment
            segment = Segment([row])
    if segment.rows:
        yield segment


# --- Checks ----------------------------------------------------------------------------------


def _check(segment: Segment, trust: Trust) -> None:
    try:
        for row in (*segment.rows, *filter(None, [segment.seal])):
            if not trust.start <= row["received_at"] < trust.end:
                raise ArchiveError(
                    f"{segment.where}: seq {row['seq']} came at {row['received_at']}, which is not "
                    "in the archive's month"
                )
        reader = Reader()
        links = _links(segment, reader)
        if segment.seal is not None and not _is_probes_own(segment, links, trust):
            segment.seal = None
    except (ChainError, ValidationError, ValueError) as error:
        raise ArchiveError(f"{segment.where}: {error}") from None
    if links:
        lines = (row["line"] for row in segment.rows)
        received = tuple(map(reader.received, lines, links))
        seal = None if segment.seal is None else _read_seal(segment.seal)
        size = sum(len(row["line"]) for row in segment.rows)
        segment.batch = Batch(links[0].probe, links[0].chain, received, seal, size)


def _links(segment: Segment, reader: Reader) -> list[Link]:
    if not segment.rows:
        return []
    links = follow([row["line"] for row in segment.rows], reader.link)
    for row, link in zip(segment.rows, links, strict=True):
        said = (*_place(row), row["prev"])
        if said != (link.probe, link.chain, link.seq, link.hash, link.prev):
            raise ArchiveError(f"{segment.where}: seq {row['seq']} is not the line that was hashed")
    return links


def _is_probes_own(segment: Segment, links: list[Link], trust: Trust) -> bool:
    """Return whether a segment's seal is by a key of its probe's.

    Raises:
        ChainError: it is no signature of what it stands over.
        ArchiveError: it is by another key.
    """
    row = segment.seal or {}
    seal = _read_seal(row)
    over = Link(seal.probe, seal.chain, seal.seq, "", seal.hash, tombstone=False)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(row["public_key"], validate=True))
    check_seal(key, seal, links[-1] if links else over)
    if row["public_key"] in trust.keys:
        return True
    if trust.unsealed:
        return False
    raise ArchiveError(
        f"{segment.where}: the seal over seq {seal.seq} is by a key that this probe never had "
        "here; '--unsealed' takes such records as if they had no seal"
    )


def _read_seal(row: Row) -> Seal:
    return Seal(
        seal="ed25519",
        probe=row["probe_id"],
        chain=row["chain"],
        seq=row["seq"],
        hash=row["hash"],
        signature=row["signature"],
    )
