"""Folds latency records that are older than a configured time into hours, for ever.

An hour's row holds all that its records' readers tell apart (`collector.domain.hours`), and the
place of every folded record in its chain stays with its hash: the chain is followed across it, and
a record that is sent again is known. A step is one transaction: whatever ends it, each record is
either still there or in its hour, once. What is folded is gone from the records, so folding again
finds nothing.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, select, update

from collector.domain.hours import HOUR, Hour, HourId, hour_of, pack, unpack
from collector.domain.series import LatencyPoint, SeriesId
from collector.domain.time_correction import TimeQuality
from collector.ledger.bookkeeping import series_of
from collector.ledger.schema import (
    SERIES_COLUMNS,
    draw_stamp,
    facts,
    folded,
    latency_hours,
    latest,
    records,
    sinks,
)
from collector.ledger.upsert import insert_new, replace
from protocol.records import RECORD, LatencyRecord

STEP_RECORDS: Final = 500
"""In one transaction: what comes in meanwhile waits for it."""

_DONE_TO: Final = "latency_folded_to"
"""The fact that says up to which moment everything was folded: where the next step begins."""

_HASH_BYTES: Final = 32


def fold_step(connection: Connection, before: datetime, now: datetime) -> int:
    """Fold the oldest latency records that are older than ``before``; return how many: 0 is done.

    Left as they are: records of an unsure moment, as it may be put right; those that a sink has not
    taken yet; and those that come when their hour was folded long ago.

    Args:
        connection: of the writer.
        before: its hour's beginning is taken.
        now: this moment.
    """
    insert_new(connection, facts, [{"name": _DONE_TO, "value": ""}])
    # Who folds at the same time waits here, and then finds it done.
    done = connection.scalar(
        select(facts.c.value).where(facts.c.name == _DONE_TO).with_for_update()
    )
    began = datetime.fromisoformat(done) if done else None
    before = _taken_by_sinks(connection, began, hour_of(before))
    rows = _oldest(connection, began, before)
    _put_into_hours(connection, rows)
    _keep_places(connection, rows, now)
    _remove(connection, rows)
    done_to = hour_of(rows[-1]["measured_at"]) if len(rows) == STEP_RECORDS else before
    if began is None or done_to > began:
        values = {"value": done_to.isoformat()}
        connection.execute(update(facts).where(facts.c.name == _DONE_TO).values(values))
    return len(rows)


def _taken_by_sinks(connection: Connection, began: datetime | None, before: datetime) -> datetime:
    """Return the moment up to which every latency record is on the disk of every sink."""
    settled = connection.scalar(select(func.min(sinks.c.settled)))
    if settled is None:
        return before
    oldest: datetime | None = connection.scalar(
        select(func.min(records.c.measured_at)).where(
            *_foldable(began, before), records.c.id > settled
        )
    )
    return before if oldest is None else hour_of(oldest)


def left_to_fold(connection: Connection, before: datetime) -> int:
    """Return how many records there are to fold, for the progress of it."""
    done = connection.scalar(select(facts.c.value).where(facts.c.name == _DONE_TO))
    began = datetime.fromisoformat(done) if done else None
    query = select(func.count()).select_from(records).where(*_foldable(began, hour_of(before)))
    return connection.execute(query).scalar_one()


def _foldable(began: datetime | None, before: datetime) -> list[Any]:
    conditions = [
        records.c.task == "latency",
        records.c.measured_at < before,
        records.c.outcome.is_not(None),
        records.c.time_quality != TimeQuality.NONE.value,
    ]
    return conditions if began is None else [*conditions, records.c.measured_at >= began]


def _oldest(
    connection: Connection, began: datetime | None, before: datetime
) -> Sequence[RowMapping]:
    names = [
        "id",
        "probe_id",
        "chain",
        "seq",
        "hash",
        "prev",
        "received_at",
        "line_id",
        "outcome",
        "failure_code",
        "flags",
    ]
    query = (
        select(
            *(records.c[name] for name in names),
            *(records.c[name] for name in SERIES_COLUMNS if name not in names),
            records.c.measured_at,
            records.c.line,
        )
        .where(*_foldable(began, before))
        .order_by(records.c.measured_at)
        .limit(STEP_RECORDS)
    )
    return connection.execute(query).mappings().all()


# --- Hours -----------------------------------------------------------------------------------


def _put_into_hours(connection: Connection, rows: Iterable[RowMapping]) -> None:
    hours: dict[HourId, Hour] = {}
    for row in rows:
        of = HourId(
            row["line_id"] or "",
            series_of(row),
            row["outcome"],
            row["failure_code"] or "",
            row["flags"],
            hour_of(row["measured_at"]),
        )
        hours[of] = hours.get(of, Hour()).with_record(_measured(row["line"]))
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


def _measured(line: bytes) -> Hour:
    """Return what one record measured."""
    record = RECORD.validate_json(line)
    latency = record.latency if isinstance(record, LatencyRecord) else None
    if latency is None:
        return Hour(records=1)
    trip = latency.round_trip
    variation = latency.delay_variation_p95_seconds
    return Hour(
        records=1,
        sent=trip.sent,
        received=trip.received,
        minimum_seconds=trip.minimum_seconds,
        round_trips=() if trip.median_seconds is None else (trip.median_seconds,),
        delay_variations=() if variation is None else (variation,),
    )


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


def folded_points(
    connection: Connection, line_id: str, start: datetime, end: datetime
) -> list[LatencyPoint]:
    """Return a line's folded records whose hours begin from ``start`` until before ``end``."""
    query = (
        select(latency_hours)
        .where(
            latency_hours.c.line_id == line_id,
            latency_hours.c.hour > start - HOUR,
            latency_hours.c.hour < end,
        )
        .order_by(latency_hours.c.hour)
    )
    points: list[LatencyPoint] = []
    for row in connection.execute(query).mappings():
        of = HourId(
            line_id,
            SeriesId._make(json.loads(row["series"])),
            row["outcome"],
            row["failure_code"],
            row["flags"],
            row["hour"],
        )
        points += _hour_of_row(row).points(of)
    return [p for p in points if start.timestamp() <= p.at_seconds < end.timestamp()]


# --- Places in the chain ---------------------------------------------------------------------


def _keep_places(connection: Connection, rows: Iterable[RowMapping], now: datetime) -> None:
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


def _remove(connection: Connection, rows: Sequence[RowMapping]) -> None:
    own = ("id", "probe_id", "received_at")
    gone = [{f"own_{name}": row[name] for name in own} for row in rows]
    if gone:
        of_row = (records.c[name] == bindparam(f"own_{name}") for name in own)
        connection.execute(delete(records).where(*of_row), gone)
        # A line that is silent for so long loses its newest one, too.
        last = max(row["measured_at"] for row in rows)
        silent = latest.c.task == "latency", latest.c.measured_at <= last
        connection.execute(update(latest).where(*silent).values(stamp=draw_stamp()))
