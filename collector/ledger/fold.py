"""Rows of latency records that were folded into hours, and of their places in the chains.

An hour's row holds all that its records' readers tell apart (`collector.domain.hours`), and the
place of every folded record in its chain stays with its hash: the chain is followed across it, and
a record that is sent again is known. Who folds: `collector.ledger.folding`.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby, zip_longest
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, RowMapping, select

from collector.domain.hours import HOUR, Hour, HourId, hour_of, pack, unpack
from collector.domain.series import LatencyPoint, SeriesId
from collector.ledger.bookkeeping import series_of
from collector.ledger.schema import folded, latency_hours, to_microseconds, to_moment
from collector.ledger.upsert import insert_new, replace

_HASH_BYTES: Final = 32

_HOURS_AT_ONCE: Final = 100
_MOST_RECORDS: Final = 1_000_000
"""Of an hour, in one row: their ids are told apart by that."""

_LARGEST: Final = 2**62


# --- Hours -----------------------------------------------------------------------------------


def put_into_hours(connection: Connection, rows: Iterable[tuple[RowMapping, Hour]]) -> None:
    """Put records, each with what it measured, into the rows of their hours."""
    hours: dict[HourId, Hour] = {}
    for row, measured in rows:
        of = HourId(
            row["line_id"] or "",
            series_of(row),
            row["outcome"],
            row["failure_code"] or "",
            row["flags"],
            hour_of(row["measured_at"]),
        )
        hours[of] = hours.get(of, Hour()).with_record(measured)
    for of, hour in hours.items():
        key = _key_of(of)
        found = (
            connection.execute(
                select(latency_hours).where(
                    *(latency_hours.c[name] == value for name, value in key.items())
                )
            )
            .mappings()
            .one_or_none()
        )
        together = hour if found is None else hour.with_record(_hour_of_row(found))
        replace(connection, latency_hours, key | _row_of(together), tuple(_row_of(together)))


def _key_of(of: HourId) -> dict[str, Any]:
    return {
        "probe_id": of.series.probe,
        "line_id": of.line,
        "series": json.dumps(of.series, ensure_ascii=False),
        "outcome": of.outcome,
        "failure_code": of.failure_code,
        "flags": of.flags,
        "hour": of.hour,
    }


def _row_of(hour: Hour) -> dict[str, Any]:
    return {
        "records": hour.records,
        "sent": hour.sent,
        "received": hour.received,
        "minimum_seconds": hour.minimum_seconds,
        "round_trips": pack(hour.round_trips),
        "delay_variations": pack(hour.delay_variations),
    }


def _hour_of_row(row: RowMapping) -> Hour:
    return Hour(
        row["records"],
        row["sent"],
        row["received"],
        row["minimum_seconds"],
        unpack(row["round_trips"]),
        unpack(row["delay_variations"]),
    )


def read_hours(
    connection: Connection, line_id: str, start: datetime, end: datetime
) -> Iterator[tuple[HourId, Hour]]:
    """Yield a line's folded hours that touch the time from ``start`` until before ``end``."""
    query = (
        select(latency_hours)
        .where(
            latency_hours.c.line_id == line_id,
            latency_hours.c.hour > start - HOUR,
            latency_hours.c.hour < end,
        )
        .order_by(latency_hours.c.hour)
    )
    for row in connection.execute(query).mappings():
        series = SeriesId._make(json.loads(row["series"]))
        told = (row["outcome"], row["failure_code"], row["flags"], row["hour"])
        yield HourId(line_id, series, *told), _hour_of_row(row)


def folded_points(
    connection: Connection, line_id: str, start: datetime, end: datetime
) -> list[LatencyPoint]:
    """Return a line's folded records whose hours begin from ``start`` until before ``end``."""
    hours = read_hours(connection, line_id, start, end)
    points = [point for of, hour in hours for point in hour.points(of)]
    return [p for p in points if start.timestamp() <= p.at_seconds < end.timestamp()]


class FoldedResult(NamedTuple):
    """One of the records of a folded hour, as `collector.ledger.series_queries` has results.

    Its own moment and clock are not known any more. Round trips and delay variations are those of
    the hour's records, each in order, and not paired; the loss is that of all of them together.

    Attributes:
        id: below 0; with the moment it is another for each result of a line, and always the same.
        hour: the beginning of the hour that it is of.
    """

    id: int
    measured_at: datetime
    slot: None
    time_quality: None
    outcome: str
    failure_code: str | None
    flags: str
    probe_id: str
    path: str | None
    method_name: str | None
    method_version: int | None
    profile: str | None
    ip_version: int | None
    server: str | None
    round_trip_seconds: float | None
    delay_variation_seconds: float | None
    lost_ratio: float | None
    hour: datetime


def folded_results(
    connection: Connection,
    line_id: str,
    span: tuple[datetime, datetime],
    after: tuple[int, int] | None,
    limit: int,
    is_of: Callable[[SeriesId, str], bool],
) -> list[FoldedResult]:
    """Return a line's folded latency records in the order of moment and id.

    Args:
        connection: to the ledger.
        line_id: of the line.
        span: from the first moment until before the second.
        after: microseconds and id of the last result of the page before.
        limit: how many at most; no more hours are read than they are of.
        is_of: tells of a series and an outcome whether they are asked for.
    """
    first = (to_microseconds(span[0]), -_LARGEST)
    behind = max(after or first, first)
    if behind[0] >= to_microseconds(span[1]):
        return []
    query = (
        select(latency_hours)
        .where(
            latency_hours.c.line_id == line_id,
            latency_hours.c.hour >= hour_of(to_moment(behind[0])),
            latency_hours.c.hour < span[1],
        )
        .order_by(
            latency_hours.c.hour,
            *(latency_hours.c[name] for name in ("probe_id", "series", "outcome")),
            *(latency_hours.c[name] for name in ("failure_code", "flags")),
        )
    )
    results: list[FoldedResult] = []
    with connection.execute(query, execution_options={"yield_per": _HOURS_AT_ONCE}) as found:
        for hour, rows in groupby(found.mappings(), key=lambda row: row["hour"]):
            of_hour = (
                one
                for rank, row in enumerate(rows)
                for one in _results_of(row, hour, rank)
                if is_of(SeriesId._make(one[7:14]), one.outcome)
                and span[0] <= one.measured_at < span[1]
                and (to_microseconds(one.measured_at), one.id) > behind
            )
            results += sorted(of_hour, key=lambda one: (one.measured_at, one.id))
            if len(results) >= limit:
                break
    return results[:limit]


def _results_of(row: RowMapping, hour: datetime, rank: int) -> Iterator[FoldedResult]:
    whole = _hour_of_row(row)
    about = (None, None, row["outcome"], row["failure_code"] or None, row["flags"])
    values = zip_longest(whole.moments(hour), whole.round_trips, whole.delay_variations)
    for number, (at, round_trip, variation) in enumerate(values):
        own = number - (rank + 1) * _MOST_RECORDS
        of_hour = (round_trip, variation, whole.lost_ratio, hour)
        yield FoldedResult._make((own, at, *about, *json.loads(row["series"]), *of_hour))


# --- Places in the chain ---------------------------------------------------------------------


def keep_places(connection: Connection, rows: Iterable[RowMapping], now: datetime) -> None:
    """Keep the places of folded records: a row for each run of them."""
    ordered = sorted(rows, key=lambda row: (row["probe_id"], row["chain"], row["seq"]))
    numbered = enumerate(ordered)
    runs = groupby(
        numbered, key=lambda one: (one[1]["probe_id"], one[1]["chain"], one[1]["seq"] - one[0])
    )
    for (probe, chain, _), members in runs:
        run = [row for _, row in members]
        values = {
            "probe_id": probe,
            "chain": chain,
            "from_seq": run[0]["seq"],
            "to_seq": run[-1]["seq"],
            "prev": run[0]["prev"],
            "hashes": b"".join(bytes.fromhex(row["hash"]) for row in run),
            "folded_at": now,
        }
        insert_new(connection, folded, [values])


def folded_places(
    connection: Connection, probe: str, chain: str, span: tuple[int, int]
) -> dict[int, tuple[str, str]]:
    """Return hash and prev of the folded records of a part of a chain, both ends included."""
    query = select(folded).where(
        folded.c.probe_id == probe,
        folded.c.chain == chain,
        folded.c.from_seq <= span[1],
        folded.c.to_seq >= span[0],
    )
    places: dict[int, tuple[str, str]] = {}
    for row in connection.execute(query).mappings():
        prev = row["prev"]
        for number in range(row["to_seq"] - row["from_seq"] + 1):
            own = row["hashes"][number * _HASH_BYTES : (number + 1) * _HASH_BYTES].hex()
            if span[0] <= row["from_seq"] + number <= span[1]:
                places[row["from_seq"] + number] = (own, prev)
            prev = own
    return places
