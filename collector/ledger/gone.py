"""Months that leave the ledger: their records, seals and what was kept apart, all at once.

What the ledger goes by stays: totals, the chains' ends, gaps, the keys of seals, and of each chain
how many places left, how many of them without an outcome, and a digest of them all: that is what an
archive has to have before its records are put back. The records themselves are in an archive then,
or nowhere. How they leave: `collector.ledger.removing`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    case,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)

from collector.domain.placement import Kept
from collector.ledger.schema import chains, gaps, gone, quarantine, records
from protocol.chain import Link, hash_line

MONTH_LEFT: Final = "month_left"
"""The fact that is another whenever a month has left."""

_PLACES_AT_ONCE: Final = 5000
"""Held in memory at a time."""

PlaceRow = tuple[str, str, int, str, bytes | None, int]
"""Probe, chain, seq, hash, a tombstone's line, and whether it is a record."""


class Places:
    """Counts the places of a part of a chain, in their order, and makes their digest.

    The digest is the SHA-256 of a line "SEQ HASH" for each place, in decimal and lower-case
    hexadecimal, and for a tombstone the SHA-256 of its own bytes behind, as its hash is not theirs.

    Attributes:
        count: how many there are.
        from_seq: the first; -1: there is none.
        to_seq: the last; -1: there is none.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.count = 0
        self.from_seq = self.to_seq = -1

    def add(self, seq: int, own: str, tombstone: bytes | None) -> None:
        """Add a place: its record's hash, and the line of a tombstone."""
        words = "" if tombstone is None else f" {hash_line(tombstone)}"
        self._digest.update(f"{seq} {own}{words}\n".encode())
        self.from_seq = self.from_seq if self.count else seq
        self.to_seq = seq
        self.count += 1

    @property
    def digest(self) -> str:
        """The digest so far, in lower-case hexadecimal."""
        return self._digest.hexdigest()


def gone_places(
    connection: Connection, probe: str, links: Sequence[Link], before: int
) -> dict[int, Kept]:
    """Return the links that were here before their months left: all but those that never came.

    Args:
        connection: to the ledger.
        probe: whose chain.
        links: of a batch, in order.
        before: the chain's `gone_before`.
    """
    chain, first = links[0].chain, links[0].seq
    query = select(gaps.c.from_seq, gaps.c.to_seq).where(
        gaps.c.probe_id == probe,
        gaps.c.chain == chain,
        gaps.c.to_seq >= first,
        gaps.c.from_seq < before,
        # All of one that was filled since came, and left with the rest.
        gaps.c.filled < gaps.c.to_seq - gaps.c.from_seq + 1,
    )
    missing = [range(row.from_seq, row.to_seq + 1) for row in connection.execute(query)]
    return {
        link.seq: Kept(link.hash, link.prev, tombstone=link.tombstone)
        for link in links
        if link.seq < before and not any(link.seq in span for span in missing)
    }


def within(table: Any, start: datetime, end: datetime) -> tuple[Any, Any]:  # noqa: ANN401 - Table, or a part
    """Return the conditions of what came in a month."""
    return table.c.received_at >= start, table.c.received_at < end


def count_places(
    connection: Connection, start: datetime, end: datetime
) -> tuple[int, list[dict[str, Any]]]:
    """Return how many records a month has, and of each chain what is to be known of its places."""
    return summed(_places(connection, start, end), start)


def summed(places: Iterable[PlaceRow], start: datetime) -> tuple[int, list[dict[str, Any]]]:
    """Return how many of some places are records, and the rows of `gone` that tell of them all.

    Args:
        places: in their order.
        start: of the month that they leave with.
    """
    rows: list[dict[str, Any]] = []
    count = 0
    for (probe, chain), members in groupby(places, itemgetter(0, 1)):
        found, invalid, tombstones = Places(), 0, 0
        for _, _, seq, own, line, is_record in members:
            found.add(seq, own, line)
            invalid += not is_record
            tombstones += line is not None
        count += found.count - invalid
        rows.append(
            {
                "probe_id": probe,
                "chain": chain,
                "month": month_name(start),
                "from_seq": found.from_seq,
                "to_seq": found.to_seq,
                "places": found.count,
                "without_outcome": invalid + tombstones,
                "digest": found.digest,
            }
        )
    return count, rows


def keep_gone(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what `summed` tells of places, and up to where their chains left."""
    if rows:
        connection.execute(gone.insert(), rows)
        connection.execute(
            _KEEPING_ENDS, [{f"of_{name}": row[name] for name in row} for row in rows]
        )


_KEEPING_ENDS = (
    update(chains)
    .where(
        chains.c.probe_id == bindparam("of_probe_id"),
        chains.c.chain == bindparam("of_chain"),
        or_(chains.c.gone_before.is_(None), chains.c.gone_before <= bindparam("of_to_seq")),
    )
    .values(gone_before=bindparam("of_to_seq") + 1)
)


def _places(connection: Connection, start: datetime, end: datetime) -> Iterator[PlaceRow]:
    links = union_all(*place_queries(start, end)).subquery()
    query = select(links).order_by(links.c.probe_id, links.c.chain, links.c.seq)
    found: Any = connection.execute(query, execution_options={"yield_per": _PLACES_AT_ONCE})
    with found:
        yield from found


def place_queries(start: datetime, end: datetime) -> tuple[Select[Any], Select[Any]]:
    """Return what asks for a month's places: the records, and the lines that are none."""
    tombstone = case((records.c.tombstone.is_not(None), records.c.line), else_=null())
    names = ("probe_id", "chain", "seq", "hash")
    # An invalid line is a link of its chain as well.
    return (
        select(*(records.c[name] for name in names), tombstone.label("line"), literal(1)).where(
            *within(records, start, end)
        ),
        select(*(quarantine.c[name] for name in names), null(), literal(0)).where(
            *within(quarantine, start, end), quarantine.c.kind == "invalid"
        ),
    )


def months_left(connection: Connection, start: datetime, end: datetime) -> list[str]:
    """Return the months, as 2026-10, that left the ledger and are not back, of those in a span.

    Args:
        connection: to the ledger.
        start: aware.
        end: aware, behind the span.
    """
    last = month_name(end - timedelta(microseconds=1))
    query = select(gone.c.month).where(gone.c.month.between(month_name(start), last)).distinct()
    return sorted(connection.scalars(query))


def month_name(start: datetime) -> str:
    """Return how a month is called in `gone` and in archives: 2026-01."""
    return start.astimezone(UTC).strftime("%Y-%m")
