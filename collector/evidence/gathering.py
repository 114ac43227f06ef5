"""Reads what evidence is made of out of a ledger. Functions take a connection; nothing is written.

Of each chain with records of the lines all places from the first of them to the last are read, and
on to the next seal: only so can a reader follow the chain and see that nothing is left out. Other
lines' records of the same probe are among them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select

from collector.domain.hours import Hour, HourId
from collector.domain.time_correction import TimeQuality
from collector.evidence.format import Kind, Place, SealEntry
from collector.ledger.fold import folded_places, read_hours
from collector.ledger.month_mark import TASKS
from collector.ledger.schema import chains, gaps, probes, quarantine, records, seals

_ROWS_AT_ONCE: Final = 500
_SEALS_TRIED: Final = 50
"""Behind a record: of both sides of a fork there may be some at the same place."""

Chain = tuple[str, str]
"""A probe and a chain of its."""

Seqs = tuple[int, int]
"""The first and the last of consecutive places."""


class Judged(NamedTuple):
    """What was judged.

    Attributes:
        lines: their ids, each with the highest id of the records that it was judged by.
        span: of the month.
    """

    lines: Mapping[str, int]
    span: tuple[datetime, datetime]

    def came_later(self, line: str, number: int, measured_at: datetime | None) -> bool:
        """Return whether a record of the month was not there when its line was judged."""
        return self.is_of_month(measured_at) and number > self.lines[line]

    def is_of_month(self, measured_at: datetime | None) -> bool:
        """Return whether a moment is of the month."""
        return measured_at is not None and self.span[0] <= measured_at < self.span[1]


class Stored(NamedTuple):
    """A place.

    Attributes:
        place: what is said of it.
        line: the bytes that are there; None: none are.
        hash: of what is there; '': it is missing.
        path: of a record, where it names one.
    """

    place: Place
    line: bytes | None = None
    hash: str = ""
    path: str | None = None


def find_spans(connection: Connection, judged: Judged) -> dict[Chain, list[Seqs]]:
    """Return the places of each chain that are needed for what was judged.

    A record that nobody knows the moment of may claim any: it widens no span, and is one of its own
    where it stands apart.

    Args:
        connection: to the ledger.
        judged: the lines, and their month.
    """
    found: dict[Chain, list[Seqs]] = defaultdict(list)
    place = (records.c.probe_id, records.c.chain)
    timed = records.c.time_quality != TimeQuality.NONE.value
    for line, newest in judged.lines.items():
        ours = (
            records.c.line_id == line,
            records.c.task.in_(TASKS),
            records.c.measured_at >= judged.span[0],
            records.c.measured_at < judged.span[1],
            records.c.id <= newest,
        )
        ends = (func.min(records.c.seq), func.max(records.c.seq))
        for row in connection.execute(select(*place, *ends).where(*ours, timed).group_by(*place)):
            found[row[0], row[1]].append((row[2], row[3]))
        for probe, chain, seq in connection.execute(
            select(*place, records.c.seq).where(*ours, ~timed)
        ):
            found[probe, chain].append((seq, seq))
    return {of: _joined(_to_seals(connection, of, found[of])) for of in found}


def _to_seals(connection: Connection, of: Chain, spans: Iterable[Seqs]) -> Iterator[Seqs]:
    """Yield spans that end with a place over which there is a seal, where there is one."""
    for first, last in _joined(spans):
        yield first, _next_seal(connection, of, last)


def _next_seal(connection: Connection, of: Chain, seq: int) -> int:
    query = (
        select(seals.c.seq, seals.c.hash)
        .where(seals.c.probe_id == of[0], seals.c.chain == of[1], seals.c.seq >= seq)
        .order_by(seals.c.seq)
        .limit(_SEALS_TRIED)
    )
    for row in connection.execute(query).all():
        if _hash_at(connection, of, row.seq) == row.hash:
            return int(row.seq)
    return seq


def _hash_at(connection: Connection, of: Chain, seq: int) -> str | None:
    here = (records.c.probe_id == of[0], records.c.chain == of[1], records.c.seq == seq)
    found: str | None = connection.scalar(select(records.c.hash).where(*here))
    if found is None:
        folded = folded_places(connection, *of, (seq, seq)).get(seq)
        found = folded[0] if folded else None
    if found is None:
        found = connection.scalar(
            select(quarantine.c.hash).where(*_invalid(of), quarantine.c.seq == seq)
        )
    return found


def _joined(spans: Iterable[Seqs]) -> list[Seqs]:
    """Return spans in order, those that touch each other as one."""
    done: list[Seqs] = []
    for first, last in sorted(spans):
        if done and first <= done[-1][1] + 1:
            done[-1] = (done[-1][0], max(last, done[-1][1]))
        else:
            done.append((first, last))
    return done


# --- A chain's places ----------------------------------------------------------------------------


def read_places(connection: Connection, of: Chain, span: Seqs, judged: Judged) -> Iterator[Stored]:
    """Yield all places of a span in their order; what is missing as one place for each run."""
    folded = folded_places(connection, *of, span)
    apart = (
        (seq, Stored(Place(seq, seq, Kind.FOLDED, hash=own), hash=own))
        for seq, (own, _) in sorted(folded.items())
    )
    kept = merge(
        _records(connection, of, span, judged),
        _invalid_links(connection, of, span),
        apart,
        key=lambda one: one[0],
    )
    expected = span[0]
    for seq, stored in kept:
        if seq > expected:
            yield Stored(Place(expected, seq - 1, Kind.MISSING))
        yield stored
        expected = seq + 1
    if expected <= span[1]:
        yield Stored(Place(expected, span[1], Kind.MISSING))


_COLUMNS: Final = (
    records.c.seq,
    records.c.hash,
    records.c.id,
    records.c.tombstone,
    records.c.received_at,
    records.c.line_id,
    records.c.path,
    records.c.measured_at,
    records.c.time_quality,
    records.c.line,
)


def _records(
    connection: Connection, of: Chain, span: Seqs, judged: Judged
) -> Iterator[tuple[int, Stored]]:
    query = select(*_COLUMNS).where(
        records.c.probe_id == of[0],
        records.c.chain == of[1],
        records.c.seq >= span[0],
        records.c.seq <= span[1],
    )
    options = {"yield_per": _ROWS_AT_ONCE}
    with connection.execute(query.order_by(records.c.seq), execution_options=options) as found:
        for row in found:
            line = row.line_id if row.line_id in judged.lines else ""
            kind = Kind.TOMBSTONE if row.tombstone else Kind.RECORD
            if line and judged.came_later(line, row.id, row.measured_at):
                kind = Kind.LATER
            place = Place(
                row.seq,
                row.seq,
                kind,
                received_at=row.received_at,
                line=line,
                measured_at=row.measured_at,
                time_quality=row.time_quality,
            )
            yield row.seq, Stored(place, row.line, row.hash, row.path)


def _invalid(of: Chain) -> tuple[Any, ...]:
    is_invalid = quarantine.c.kind == "invalid"
    return quarantine.c.probe_id == of[0], quarantine.c.chain == of[1], is_invalid


def _invalid_links(connection: Connection, of: Chain, span: Seqs) -> Iterator[tuple[int, Stored]]:
    query = (
        select(quarantine.c.seq, quarantine.c.hash, quarantine.c.line, quarantine.c.received_at)
        .where(*_invalid(of), quarantine.c.seq >= span[0], quarantine.c.seq <= span[1])
        .order_by(quarantine.c.seq)
    )
    for row in connection.execute(query):
        place = Place(row.seq, row.seq, Kind.INVALID, received_at=row.received_at)
        yield row.seq, Stored(place, row.line, row.hash)


def read_seals(connection: Connection, of: Chain, spans: Sequence[Seqs]) -> Iterator[SealEntry]:
    """Yield the seals over places of some spans, in their order."""
    for first, last in spans:
        query = (
            select(
                seals.c.seq,
                seals.c.hash,
                seals.c.signature,
                seals.c.public_key,
                seals.c.received_at,
            )
            .where(
                seals.c.probe_id == of[0],
                seals.c.chain == of[1],
                seals.c.seq >= first,
                seals.c.seq <= last,
            )
            .order_by(seals.c.seq, seals.c.hash)
        )
        for row in connection.execute(query).mappings():
            yield SealEntry(**row)


class AboutChain(NamedTuple):
    """What else the ledger knows of a chain's spans.

    Attributes:
        gaps: places that never came, first and last.
        kept_apart: lines that came and are no part of it.
        forked_at: when the first of them came.
    """

    gaps: Sequence[Seqs]
    kept_apart: int
    forked_at: datetime | None


def about_chain(connection: Connection, of: Chain, spans: Sequence[Seqs]) -> AboutChain:
    """Return what else the ledger knows of a chain's spans."""
    first, last = spans[0][0], spans[-1][1]
    is_open = gaps.c.filled < gaps.c.to_seq - gaps.c.from_seq + 1
    missing = (
        select(gaps.c.from_seq, gaps.c.to_seq)
        .where(gaps.c.probe_id == of[0], gaps.c.chain == of[1], is_open)
        .where(gaps.c.to_seq >= first, gaps.c.from_seq <= last)
        .order_by(gaps.c.from_seq)
    )
    apart = select(func.count()).where(
        quarantine.c.probe_id == of[0],
        quarantine.c.chain == of[1],
        quarantine.c.kind != "invalid",
        quarantine.c.seq >= first,
        quarantine.c.seq <= last,
    )
    forked = select(chains.c.forked_at).where(chains.c.probe_id == of[0], chains.c.chain == of[1])
    return AboutChain(
        [(row.from_seq, row.to_seq) for row in connection.execute(missing)],
        connection.scalar(apart) or 0,
        connection.scalar(forked),
    )


# --- Beside the chains ---------------------------------------------------------------------------


def read_folded(
    connection: Connection, line: str, span: tuple[datetime, datetime]
) -> list[tuple[HourId, Hour]]:
    """Return the hours of a line's month that latency records were folded into, in order."""
    found = [one for one in read_hours(connection, line, *span) if one[0].hour >= span[0]]
    return sorted(found, key=lambda one: (one[0].hour, repr(one[0])))


def read_probes(connection: Connection, names: Iterable[str]) -> list[Any]:
    """Return the rows of some probes, in the order of names."""
    wanted = set(names)
    query = select(
        probes.c.id,
        probes.c.site_id,
        probes.c.model,
        probes.c.public_key,
        probes.c.enrolled_at,
        probes.c.revoked_at,
    )
    found = [row for row in connection.execute(query) if row.id in wanted]
    return sorted(found, key=lambda row: str(row.id))
