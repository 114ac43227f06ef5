"""What pages and API read of a line's results over time. Functions take a connection."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Select,
    and_,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from collector.domain.pairs import PairPoint
from collector.domain.series import LatencyPoint, SeriesId, SpeedPoint
from collector.ledger.bookkeeping import series_of
from collector.ledger.elsewhere import on_the_line, went_elsewhere
from collector.ledger.fold import FoldedResult, folded_points, folded_results
from collector.ledger.newest import newest_records
from collector.ledger.schema import (
    SERIES_COLUMNS,
    latest,
    probe_paths,
    records,
    to_microseconds,
)

_AT = type_coerce(records.c.measured_at, BigInteger)
"""A record's moment as whole microseconds: much cheaper than a datetime where there are many."""

_AT_SECONDS = _AT / literal(1e6)
_SLOT = type_coerce(records.c.slot, BigInteger)
_SERIES = [records.c[name] for name in SERIES_COLUMNS]


def speed_points(
    connection: Connection,
    line_id: str,
    start: datetime,
    end: datetime,
) -> list[SpeedPoint]:
    """Return a line's speed records from ``start`` until before ``end``, the oldest first.

    They are of every series of the line: see `collector.domain.series.of_series`.

    Args:
        connection: to the ledger.
        line_id: of the line.
        start: aware.
        end: aware.
    """
    query = _between(
        select(
            _AT_SECONDS,
            records.c.outcome,
            records.c.failure_code,
            records.c.flags,
            records.c.download_bits_per_second,
            records.c.upload_bits_per_second,
            records.c.idle_latency_seconds,
            records.c.download_latency_seconds,
            records.c.upload_latency_seconds,
            *_SERIES,
        ),
        line_id,
        "speed",
        (start, end),
    )
    return [SpeedPoint._make(row) for row in connection.execute(query).all()]


def latency_points(
    connection: Connection,
    line_id: str,
    start: datetime,
    end: datetime,
) -> list[LatencyPoint]:
    """Return a line's latency records, but for those that went elsewhere. As `speed_points`.

    Those that were folded into hours long ago are among them, spread over their hours.
    """
    query = _between(
        select(
            _AT_SECONDS,
            records.c.outcome,
            records.c.failure_code,
            records.c.flags,
            records.c.round_trip_seconds,
            records.c.lost_ratio,
            *_SERIES,
        ),
        line_id,
        "latency",
        (start, end),
    ).where(on_the_line())
    points = [LatencyPoint._make(row) for row in connection.execute(query).all()]
    old = [p for p in folded_points(connection, line_id, start, end) if not went_elsewhere(p.flags)]
    return sorted(old + points, key=lambda point: point.at_seconds) if old else points


def _between(
    query: Select[Any],
    line_id: str,
    task: str,
    span: tuple[datetime, datetime],
) -> Select[Any]:
    return query.where(
        records.c.line_id == line_id,
        records.c.task == task,
        records.c.measured_at >= span[0],
        records.c.measured_at < span[1],
        # A tombstone has a place in the chain, but no outcome.
        records.c.outcome.is_not(None),
    ).order_by(records.c.measured_at)


def paired_points(
    connection: Connection, line_id: str, start: datetime, end: datetime
) -> list[PairPoint]:
    """Return the speed tests that ended as measured of paths that are measured beside each other.

    Of every path of the line that is beside another one, and of those; in the order of probes.
    """
    beside = probe_paths.alias("beside")
    names = (
        select(beside.c.probe_id, beside.c.name, beside.c.beside)
        .where(beside.c.line_id == line_id, beside.c.beside.is_not(None))
        .order_by(beside.c.probe_id, beside.c.name)
    )
    found: list[PairPoint] = []
    for probe, over, wired in connection.execute(names).all():
        query = select(
            _SLOT / literal(1e6),
            records.c.flags,
            records.c.download_bits_per_second,
            records.c.upload_bits_per_second,
            records.c.idle_latency_seconds,
            *_SERIES,
        ).where(
            records.c.line_id == line_id,
            records.c.task == "speed",
            records.c.probe_id == probe,
            records.c.path.in_((over, wired)),
            records.c.outcome == "measured",
            records.c.measured_at >= start,
            records.c.measured_at < end,
        )
        found += [_pair_point(over, wired, row) for row in connection.execute(query).all()]
    return found


def _pair_point(over: str, wired: str, row: Row[Any]) -> PairPoint:
    # A slice of a row is a plain tuple to the type checker, of a length that it cannot know.
    series = SeriesId._make(row[5:])
    return PairPoint._make((over, series.path == wired, *row[:5], series))


VALUES: Final = {
    "speed": (
        "download_bits_per_second",
        "upload_bits_per_second",
        "idle_latency_seconds",
        "download_latency_seconds",
        "upload_latency_seconds",
    ),
    "latency": ("round_trip_seconds", "delay_variation_seconds", "lost_ratio"),
    "reach": (
        "gateway_reached",
        "dns_reached",
        "ipv4_reached",
        "ipv6_reached",
        "server_reached",
        "ipv6_state",
    ),
}
"""The values that a result of each task has."""

_OF_A_RESULT: Final = (
    records.c.id,
    records.c.measured_at,
    records.c.slot,
    records.c.time_quality,
    records.c.outcome,
    records.c.failure_code,
    records.c.flags,
    *_SERIES,
)

RESULT_COLUMNS = (
    records.c.id,
    records.c.probe_id,
    records.c.chain,
    records.c.seq,
    records.c.hash,
    records.c.line_id,
    records.c.path,
    records.c.task,
    records.c.slot,
    records.c.started_at,
    records.c.measured_at,
    records.c.received_at,
    records.c.time_quality,
    records.c.outcome,
    records.c.tombstone,
    records.c.failure_code,
    records.c.flags,
    records.c.method_name,
    records.c.method_version,
    records.c.profile,
    records.c.ip_version,
    records.c.server,
    records.c.download_bits_per_second,
    records.c.upload_bits_per_second,
    records.c.idle_latency_seconds,
    records.c.download_latency_seconds,
    records.c.upload_latency_seconds,
    records.c.round_trip_seconds,
    records.c.delay_variation_seconds,
    records.c.lost_ratio,
    records.c.gateway_reached,
    records.c.dns_reached,
    records.c.ipv4_reached,
    records.c.ipv6_reached,
    records.c.server_reached,
    records.c.ipv6_state,
)
"""Everything that is shown of a record besides its exact bytes."""


def newest_tests(
    connection: Connection, line_id: str, start: datetime, end: datetime, limit: int
) -> list[RowMapping]:
    """Return a line's newest speed records of a time, the newest first, as `RESULT_COLUMNS`."""
    query = (
        select(*RESULT_COLUMNS)
        .where(
            records.c.line_id == line_id,
            records.c.task == "speed",
            records.c.measured_at >= start,
            records.c.measured_at < end,
        )
        .order_by(records.c.measured_at.desc())
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def results_page(
    connection: Connection,
    line_id: str,
    task: str,
    span: tuple[datetime, datetime],
    after: tuple[int, int] | None,
    limit: int,
    series: SeriesId | None = None,
) -> Sequence[Row[Any] | FoldedResult]:
    """Return a line's results, the oldest first; folded latency among them, as `FoldedResult`.

    Each is its id, measured_at, slot, time_quality, outcome, failure_code, flags, the seven columns
    of its series, and the task's `VALUES`: what an index has, so that no row is read.

    Args:
        connection: to the ledger.
        line_id: of the line.
        task: speed, latency or reach.
        span: from the first moment until before the second.
        after: microseconds and record id of the last result of the page before.
        limit: how many.
        series: of which they are, or may be where they gave no result; None: of all.
    """
    query = (
        select(*_OF_A_RESULT, *(records.c[name] for name in VALUES[task]))
        .where(
            records.c.line_id == line_id,
            records.c.task == task,
            records.c.measured_at >= span[0],
            records.c.measured_at < span[1],
            records.c.outcome.is_not(None),
            *([_is_of(series)] if series else []),
        )
        .order_by(records.c.measured_at, records.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(_AT, records.c.id) > after)
    found = connection.execute(query).all()
    if task != "latency":
        return found
    old = folded_results(connection, line_id, span, after, limit, partial(_may_be_of, series))
    together: list[Row[Any] | FoldedResult] = [*old, *found]
    return sorted(together, key=place_of)[:limit] if old else found


def _may_be_of(series: SeriesId | None, own: SeriesId, outcome: str) -> bool:
    """Tell what `_is_of` asks for."""
    parts = zip(own, series or own, strict=True)
    may_be = outcome != "measured" and all(mine in (None, asked) for mine, asked in parts)
    return series is None or own == series or may_be


def _is_of(series: SeriesId) -> ColumnElement[bool]:
    """Return what `collector.domain.series.of_series` keeps, as a condition."""
    parts = list(zip(_SERIES, series, strict=True))
    same = and_(*(column.is_not_distinct_from(part) for column, part in parts))
    may_be = and_(
        *(or_(column.is_(None), column == part) for column, part in parts if part is not None)
    )
    return or_(same, and_(records.c.outcome != "measured", may_be))


def find_series(connection: Connection, line_id: str, task: str, key: str) -> SeriesId | None:
    """Return the series of a line that has this key; None where it has none."""
    query = newest_records(connection, SERIES_COLUMNS).where(
        latest.c.line_id == line_id, latest.c.task == task, latest.c.series == key
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else series_of(row)


def place_of(row: Row[Any] | FoldedResult) -> tuple[int, int]:
    """Return what `results_page` takes as ``after`` to go on behind this row."""
    return to_microseconds(row.measured_at), row.id
