"""Check a batch by itself: its lines, its chain, its seal. Pure; runs in a worker thread."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from collector.errors import CollectorError
from collector.ingest.columns import Received, read_at_once, read_record
from protocol.chain import (
    ChainError,
    ChainFault,
    Link,
    Seal,
    check_seal,
    follow,
    read_link,
    split_batch,
)
from protocol.constants import MAX_BATCH_RECORDS, MAX_RECORD_BYTES

_LAST_SEQ = 2**63 - 1
"""The largest number that the ledger holds; a chain keeps room for its next seq."""


class TooLargeError(CollectorError):
    """A request is larger than the collector takes.

    Attributes:
        line: the line that is too long, counted from 1; None where it is not one line.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that holds in itself: consecutive links, sealed by the probe's key.

    Attributes:
        probe: whose it is.
        chain: of all its lines.
        received: its lines, in order.
        seal: over the last of them; None only of archived ones that were never sealed.
        size_bytes: of all lines.
    """

    probe: str
    chain: str
    received: tuple[Received, ...]
    seal: Seal | None
    size_bytes: int

    @property
    def links(self) -> tuple[Link, ...]:
        """The places of its lines."""
        return tuple(one.link for one in self.received)


def verify(body: bytes, probe: str, key: Ed25519PublicKey) -> Batch:
    """Return a batch's content.

    Args:
        body: the batch, decompressed.
        probe: who sent it, by its token.
        key: that probe's.

    Raises:
        ChainError: the lines are no chain of this probe, or the seal is not good.
        TooLargeError: too many lines, or one that is too long.
    """
    if body.count(b"\n") > MAX_BATCH_RECORDS + 1:
        raise TooLargeError(f"more than {MAX_BATCH_RECORDS} records in a batch; send fewer")
    lines, seal = split_batch(body)
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_RECORD_BYTES:
            raise TooLargeError(
                f"line {number} is longer than {MAX_RECORD_BYTES} bytes", line=number
            )
    reader = Reader()
    links = follow(lines, reader.link)
    if links[0].probe != probe:
        raise ChainError(
            ChainFault.OTHER_PROBE,
            1,
            f"belongs to probe {links[0].probe}, the token to probe {probe}",
        )
    if links[-1].seq >= _LAST_SEQ:
        raise ChainError(ChainFault.WRONG_SEQ, len(links), "no record can follow this seq")
    check_seal(key, seal, links[-1])
    received = tuple(map(reader.received, lines, links))
    return Batch(probe, links[0].chain, received, seal, len(body))


class Reader:
    """Reads a batch's lines: most of them once, for their place and their content alike."""

    def __init__(self) -> None:
        self._read: dict[int, Received] = {}

    def link(self, line: bytes, number: int) -> Link:
        """Return a line's place.

        Raises:
            ChainError: it has none.
        """
        one = read_at_once(line)
        if one is None:
            return read_link(line, number)
        self._read[id(one.link)] = one
        return one.link

    def received(self, line: bytes, link: Link) -> Received:
        """Return a line whose place `link` returned."""
        return self._read.get(id(link)) or read_record(line, link)
