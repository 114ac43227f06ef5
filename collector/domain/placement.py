"""Where do a batch's records belong, given what the ledger has of their chain? Pure.

The batch holds in itself already (`protocol.chain.follow`). Against the ledger each record is new,
a duplicate, late (it fills a gap), or at odds: a fork, after which everything in the batch is a
fork too, as each record carries the hash of the one before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from protocol.chain import Link
from protocol.constants import GENESIS_HASH


class Place(StrEnum):
    """Where a record belongs."""

    NEXT = "next"
    FILLS_GAP = "fills_gap"
    DUPLICATE = "duplicate"
    FORK = "fork"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the ledger has at a seq."""

    hash: str
    prev: str
    tombstone: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Seqs that are missing, both ends included."""

    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer: a place for each link, in their order, and the chain's end after them.

    Attributes:
        places: of each link.
        gap: what is missing before the first link, or None.
        next_seq: the first seq that is not there after the links that are NEXT.
        last_hash: the hash of the record before ``next_seq``.
    """

    places: tuple[Place, ...]
    gap: Gap | None
    next_seq: int
    last_hash: str


def place(
    links: Sequence[Link],
    kept: Mapping[int, Kept],
    next_seq: int = 0,
    last_hash: str = GENESIS_HASH,
) -> Placed:
    """Return where each of a batch's links belongs.

    Args:
        links: consecutive links of one chain.
        kept: what the ledger has, at least from one seq before the first link to one after the
            last.
        next_seq: the first seq of the chain that the ledger has not reached.
        last_hash: the hash of the record before it.
    """
    places: list[Place] = []
    gap: Gap | None = None
    forked = False
    for link in links:
        found = kept.get(link.seq)
        if found is not None and found.hash == link.hash:
            # A tombstone's hash is what the probe remembered; the record itself is worth keeping.
            late = found.tombstone and not link.tombstone
            places.append(Place.LATE if late else Place.DUPLICATE)
            continue
        if forked or not _fits(link, found, kept, next_seq, last_hash):
            if not forked:
                _unfill(places)
            forked = True
            places.append(Place.FORK)
        elif link.seq < next_seq:
            places.append(Place.FILLS_GAP)
        else:
            if link.seq > next_seq:
                gap = Gap(next_seq, link.seq - 1)
            places.append(Place.NEXT)
            next_seq, last_hash = link.seq + 1, link.hash
    return Placed(tuple(places), gap, next_seq, last_hash)


def _fits(
    link: Link, found: Kept | None, kept: Mapping[int, Kept], next_seq: int, last_hash: str
) -> bool:
    """Return whether a link that the ledger does not have agrees with its neighbours there."""
    if found is not None:
        return False
    if link.seq == next_seq:
        return link.prev == last_hash
    before, after = kept.get(link.seq - 1), kept.get(link.seq + 1)
    return (before is None or before.hash == link.prev) and (
        after is None or after.prev == link.hash
    )


def _unfill(places: list[Place]) -> None:
    """Take back what filled a gap right before a fork: the fork's past, so perhaps a fork too."""
    for at in range(len(places) - 1, -1, -1):
        if places[at] is not Place.FILLS_GAP:
            return
        places[at] = Place.FORK
