"""Reads a line's month as `collector.domain.month` sorts it. Functions take a connection.

Latency and reachability are thousands of records a month: theirs come out of the index of charts
and series alone. A speed test's place in its chain stands in its row, which is read for it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from heapq import merge
from operator import attrgetter, itemgetter
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, func, select, type_coerce

from collector.domain.hours import Hour, HourId
from collector.domain.line_month import LatencyHour, RecordRef
from collector.domain.line_state import ReachCheck
from collector.domain.month import LOST, Line, SortedMonth, Speeds, sort_month
from collector.domain.month import Row as MonthRow
from collector.domain.outages import Reach, Reached, reach_of
from collector.domain.series import SeriesId
from collector.domain.time_correction import TimeQuality
from collector.ledger.fold import read_hours
from collector.ledger.month_mark import read_mark
from collector.ledger.queries import main_servers
from collector.ledger.schema import SERIES_COLUMNS, lines, records, servers
from collector.ledger.series_queries import VALUES

_MICROSECONDS: Final = 1e6

Span = tuple[datetime, datetime]
"""From a moment until before another, aware."""

_KNOWN: Final = type_coerce(records.c.measured_at, BigInteger)
_PLANNED: Final = type_coerce(records.c.slot, BigInteger)
_COMMON: Final = (
    records.c.time_quality,
    records.c.outcome,
    records.c.failure_code,
    records.c.flags,
    *(records.c[name] for name in SERIES_COLUMNS),
)
"""What speed and latency records are sorted by; the task's own columns follow."""

_REACH: Final = (
    records.c.time_quality,
    records.c.outcome,
    records.c.failure_code,
    records.c.flags,
    records.c.probe_id,
    records.c.path,
    *(records.c[f"{name}_reached"] for name in ("gateway", "dns", "ipv4", "ipv6", "server")),
)
"""What a reachability check says: of thousands, no more than is needed."""

_OWN: Final = 1 + len(_COMMON)
"""Where a row's own columns begin, behind its moment and `_COMMON`."""


def read_lines(connection: Connection, line_ids: Sequence[str] | None = None) -> dict[str, Line]:
    """Return what is known of some lines, or of all, by their ids."""
    networks = {row.id: row.network for row in connection.execute(select(servers))}
    main = main_servers(connection, line_ids)
    query = select(lines.c.id, lines.c.technology).order_by(lines.c.id)
    if line_ids is not None:
        query = query.where(lines.c.id.in_(line_ids))
    return {
        row.id: Line(row.id, row.technology, main.get(row.id), networks)
        for row in connection.execute(query)
    }


def read_ahead(connection: Connection, line_id: str, span: Span, since: datetime) -> None:
    """Have the database bring a line's month into memory, and the speed tests before it.

    A line's records lie all over a disk, and whoever reads them waits for each. Here one statement
    does, while the interpreter computes something else.

    Args:
        connection: to the ledger.
        line_id: of the line.
        span: of the month.
        since: of which moment on its speed tests are read, too.
    """
    read_mark(connection, line_id, span)
    # Of a speed test the row is read, of all others what an index has.
    connection.scalar(
        select(func.max(records.c.seq)).where(
            records.c.line_id == line_id,
            records.c.task == "speed",
            records.c.measured_at >= since,
            records.c.measured_at < span[1],
        )
    )


def read_month(
    connection: Connection,
    line: Line,
    month: str,
    span: Span,
    zone: tzinfo,
    *,
    one_way: bool = False,
) -> SortedMonth:
    """Return a line's month, sorted.

    Args:
        connection: to the ledger.
        line: from `read_lines`.
        month: as 2026-10.
        span: of the month.
        zone: in which people have their days.
        one_way: whether a single way is to stand for all of it, also where a probe was replaced.
    """
    return sort_month(
        line,
        month,
        zone,
        _speed(connection, line.id, span, zone),
        _latency(connection, line.id, span, zone),
        _reach(connection, line.id, span),
        one_way=one_way,
    )


def read_speed_month(
    connection: Connection, line: Line, month: str, span: Span, zone: tzinfo
) -> SortedMonth:
    """Return the speed tests of a line's month, sorted: those that count are `read_month`'s.

    Reachability and latency are not read: a failed test's reason may be another one, and there are
    no outages. Arguments as of `read_month`.
    """
    return sort_month(line, month, zone, _speed(connection, line.id, span, zone), (), ())


def _of(
    connection: Connection,
    task: str,
    line_id: str,
    span: Span,
    columns: Sequence[ColumnElement[Any]],
) -> Iterator[Sequence[Any]]:
    """Yield the records of a time: their moment in microseconds, and some columns.

    Those that have no moment go by their slot. They are asked for by themselves: an index finds
    either kind, and neither both.
    """
    ours = (records.c.line_id == line_id, records.c.task == task)
    start, end = span
    at, slot = records.c.measured_at, records.c.slot
    timed = select(_KNOWN, *columns).where(*ours, at >= start, at < end)
    untimed = select(_PLANNED, *columns).where(*ours, at.is_(None), slot >= start, slot < end)
    known = _plain(connection, timed.order_by(_KNOWN, records.c.id))
    planned = _plain(connection, untimed.order_by(_PLANNED, records.c.id))
    return merge(known, planned, key=itemgetter(0)) if planned else iter(known)


def _plain(connection: Connection, query: Select[Any]) -> Sequence[Sequence[Any]]:
    """Return rows as the driver gives them, in half the time: true may be 1 in them."""
    rows: Sequence[Sequence[Any]] = connection.execute(query).cursor.fetchall()
    return rows


@lru_cache(4096)
def _kind(
    quality: str, outcome: str | None, failure: str | None, flags: str, *series: str | int | None
) -> tuple[bool, str, str, str, SeriesId]:
    """Return what a month's thousands of rows have in common, made once for each that differs."""
    return (
        quality != TimeQuality.NONE.value,
        outcome or LOST,
        failure or "",
        flags,
        SeriesId._make(series),
    )


def _common(row: Sequence[Any], zone: tzinfo) -> tuple[datetime, bool, str, str, str, SeriesId]:
    return datetime.fromtimestamp(row[0] / _MICROSECONDS, zone), *_kind(*row[1:_OWN])


def _speed(
    connection: Connection, line_id: str, span: Span, zone: tzinfo
) -> Iterator[MonthRow[Speeds]]:
    columns = (*_COMMON, *(records.c[name] for name in ("chain", "seq", *VALUES["speed"])))
    for row in _of(connection, "speed", line_id, span, columns):
        common = _common(row, zone)
        chain, seq, *values = row[_OWN:]
        yield MonthRow(*common, Speeds(RecordRef(common[-1].probe, chain, seq), *values))


def _latency(
    connection: Connection, line_id: str, span: Span, zone: tzinfo
) -> Iterator[MonthRow[LatencyHour]]:
    """Yield latency records and the hours that others of them were folded into, mixed by time."""
    columns = (*_COMMON, *(records.c[name] for name in VALUES["latency"]))
    single = (
        _single(_common(row, zone), *row[_OWN:])
        for row in _of(connection, "latency", line_id, span, columns)
    )
    hours = (
        _folded(of, hour, zone)
        for of, hour in read_hours(connection, line_id, *span)
        if of.hour >= span[0]
    )
    return merge(single, hours, key=attrgetter("at"))


def _single(
    common: tuple[datetime, bool, str, str, str, SeriesId],
    trip: float | None,
    variation: float | None,
    lost: float | None,
) -> MonthRow[LatencyHour]:
    trips = () if trip is None else (trip,)
    variations = () if variation is None else (variation,)
    return MonthRow(*common, LatencyHour(common[0], trips, variations, lost))


def _folded(of: HourId, hour: Hour, zone: tzinfo) -> MonthRow[LatencyHour]:
    at = of.hour.astimezone(zone)
    lost = 1 - hour.received / hour.sent if hour.sent else None
    # Only records whose moment is known are folded.
    found = LatencyHour(at, hour.round_trips, hour.delay_variations, lost, hour.records)
    return MonthRow(at, True, of.outcome, of.failure_code, of.flags, of.series, found)


def _reach(connection: Connection, line_id: str, span: Span) -> Iterator[Reached]:
    for at, *row in _of(connection, "reach", line_id, span, _REACH):
        yield at / _MICROSECONDS, _says(*row)


@lru_cache(4096)
def _says(
    quality: str,
    outcome: str | None,
    failure: str | None,
    flags: str,
    probe: str,
    path: str,
    *answered: bool | int | None,
) -> Reach:
    """Return what a reach record says, made once for each kind that differs."""
    gateway, resolver, *far_ends, server = (None if one is None else bool(one) for one in answered)
    found = ReachCheck(gateway, resolver, tuple(far_ends), server)
    timed = quality != TimeQuality.NONE.value
    return reach_of((probe, path), timed, outcome or LOST, failure or "", flags, found)
