"""Give records their moment by the rule of `collector.domain.time_correction`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from collector.domain.time_correction import (
    Anchor,
    ClockReading,
    Dated,
    TimeQuality,
    anchor_of,
    date_record,
    is_trusted,
)
from collector.ledger.bulk import find_at
from collector.ledger.schema import SERIES_COLUMNS, corrections, records
from protocol.records import Outcome

_NEWEST_FIRST = records.c.monotonic_seconds.desc()
_OLDEST_FIRST = records.c.monotonic_seconds.asc()

_ANCHORS_BETWEEN = 100
"""Anchors among a batch's own span: any of them is near enough."""

Anchors = Mapping[str, Sequence[Anchor]]
"""Anchors by boot id."""


def date_new(
    connection: Connection,
    probe: str,
    clocks: Sequence[ClockReading | None],
    slots: Sequence[datetime | None],
    received_at: datetime,
    own: Anchors,
) -> list[Dated | None]:
    """Return the moments of records that are about to be stored; None where none is known.

    Args:
        connection: to find records of the same boots.
        probe: whose records.
        clocks: what each says of its moment; None for a tombstone.
        slots: their planned moments.
        received_at: when they came.
        own: what `anchors_of` finds among them.
    """
    stored = _stored_anchors(connection, probe, clocks, received_at)
    found: list[Dated | None] = []
    for clock, slot in zip(clocks, slots, strict=True):
        if clock is not None:
            boot = clock.boot_id or ""
            # Looked at for a record only whose own clock was not good.
            anchors = chain(stored.get(boot, ()), own.get(boot, ()))
            found.append(date_record(clock, received_at, anchors))
        elif slot is not None:
            found.append(Dated(min(slot, received_at), TimeQuality.NONE))
        else:
            found.append(None)
    return found


def anchors_of(clocks: Sequence[ClockReading | None], received_at: datetime) -> Anchors:
    """Return the anchors that records which came at a moment are for others of their boots."""
    anchors: dict[str, list[Anchor]] = defaultdict(list)
    for clock in clocks:
        anchor = anchor_of(clock, received_at) if clock else None
        if clock and clock.boot_id and anchor:
            anchors[clock.boot_id].append(anchor)
    return anchors


def _stored_anchors(
    connection: Connection,
    probe: str,
    clocks: Sequence[ClockReading | None],
    received_at: datetime,
) -> Anchors:
    """Return the nearest anchors in the ledger, below and above, for boots that need one."""
    waiting: dict[str, list[float]] = defaultdict(list)
    for clock in clocks:
        if clock and clock.boot_id and not is_trusted(clock, received_at):
            waiting[clock.boot_id].append(clock.monotonic_seconds)
    return {
        boot: _nearest_anchors(connection, probe, boot, min(moments), max(moments))
        for boot, moments in waiting.items()
    }


def _nearest_anchors(
    connection: Connection, probe: str, boot: str, lowest: float, highest: float
) -> list[Anchor]:
    monotonic = records.c.monotonic_seconds
    found: list[Anchor] = []
    for quality in (TimeQuality.KERNEL, TimeQuality.COLLECTOR):
        trusted = select(records.c.started_at, monotonic).where(
            records.c.probe_id == probe,
            records.c.boot_id == boot,
            records.c.time_quality == quality.value,
            records.c.started_at.is_not(None),
        )
        for query in (
            trusted.where(monotonic <= lowest).order_by(_NEWEST_FIRST).limit(1),
            trusted.where(monotonic >= highest).order_by(_OLDEST_FIRST).limit(1),
            trusted.where(monotonic > lowest, monotonic < highest).limit(_ANCHORS_BETWEEN),
        ):
            found += [Anchor(moment, at) for moment, at in connection.execute(query)]
    return found


def correct_waiting(connection: Connection, anchors: Mapping[str, Anchors]) -> list[dict[str, Any]]:
    """Date the stored records that waited for one of these; return them as they are now.

    Args:
        connection: of the writer; the new records are stored already.
        anchors: that the records just stored are, by their probes.
    """
    boots = [
        (probe, boot, TimeQuality.NONE.value) for probe, known in anchors.items() for boot in known
    ]
    waiting: dict[tuple[str, str], list[RowMapping]] = defaultdict(list)
    if boots:
        for row in find_at(connection, _WAITING, _OF_BOOT, boots).mappings():
            waiting[row["probe_id"], row["boot_id"]].append(row)
    corrected: list[dict[str, Any]] = []
    for (probe, boot), rows in waiting.items():
        corrected += _correct_boot(connection, probe, rows, anchors[probe][boot])
    return corrected


_OF_BOOT = (records.c.probe_id, records.c.boot_id, records.c.time_quality)
_WAITING = (
    records.c.id,
    records.c.boot_id,
    records.c.line_id,
    records.c.task,
    *(records.c[name] for name in SERIES_COLUMNS),
    records.c.slot,
    records.c.started_at,
    records.c.outcome,
    records.c.monotonic_seconds,
    records.c.received_at,
)


def _correct_boot(
    connection: Connection, probe: str, waiting: Iterable[RowMapping], anchors: Sequence[Anchor]
) -> list[dict[str, Any]]:
    corrected: list[dict[str, Any]] = []
    for row in waiting:
        reading = ClockReading(
            source=TimeQuality.NONE.value,
            claimed=row["started_at"] or row["slot"],
            started=row["started_at"] is not None,
            missed=row["outcome"] == Outcome.MISSED.value,
            boot_id=row["boot_id"],
            monotonic_seconds=row["monotonic_seconds"],
        )
        dated = date_record(reading, row["received_at"], anchors)
        if dated.quality is TimeQuality.CORRECTED:
            corrected.append(
                dict(row) | {"measured_at": dated.measured_at, "time_quality": dated.quality.value}
            )
    if corrected:
        connection.execute(
            update(records)
            .where(
                records.c.id == bindparam("row"),
                records.c.probe_id == probe,
                records.c.received_at == bindparam("came"),
            )
            .values(measured_at=bindparam("moment"), time_quality=bindparam("quality")),
            [
                {
                    "row": row["id"],
                    "came": row["received_at"],
                    "moment": row["measured_at"],
                    "quality": row["time_quality"],
                }
                for row in corrected
            ],
        )
        _queue_for_sinks(connection, probe, corrected)
    return corrected


def _queue_for_sinks(
    connection: Connection, probe: str, corrected: Sequence[Mapping[str, Any]]
) -> None:
    """Give sinks, which may have passed these records, a second look at them.

    Their turn comes behind the newest record: no sink has come so far, as it was stored in this
    very transaction.
    """
    newest = connection.execute(select(func.max(records.c.id))).scalar_one()
    connection.execute(
        insert(corrections),
        [
            {
                "probe_id": probe,
                "record_id": row["id"],
                "received_at": row["received_at"],
                "after_id": newest,
            }
            for row in corrected
        ],
    )
