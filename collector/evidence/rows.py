"""Rows of a line's month, as `collector.domain.month` sorts them, from what records say. Pure.

`collector.ledger.month_rows` makes the same rows of the ledger's columns.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from collector.domain.hours import Hour, HourId
from collector.domain.line_month import LatencyHour, RecordRef
from collector.domain.line_state import ReachCheck
from collector.domain.month import LOST, AnyRow, Row, Speeds
from collector.domain.outages import Reached, reach_of
from collector.domain.series import SeriesId
from collector.domain.time_correction import TimeQuality
from collector.evidence.following import Checked

_SERIES: Final = ("path", "method_name", "method_version", "profile", "ip_version", "server")


def row_of(checked: Checked, probe: str, chain: str, zone: tzinfo) -> AnyRow | Reached | None:
    """Return a record as a row of its line; None: it has no moment, or no task is known."""
    place, columns = checked.place, checked.content.columns
    if place.measured_at is None:
        return None
    at = place.measured_at.astimezone(zone)
    stands = (
        place.time_quality != TimeQuality.NONE.value,
        columns.get("outcome") or LOST,
        columns.get("failure_code") or "",
        columns["flags"],
    )
    if columns["task"] == "reach":
        says = reach_of((probe, columns["path"]), *stands, _check(columns))
        return at.timestamp(), says
    common = (at, *stands, SeriesId._make((probe, *(columns.get(name) for name in _SERIES))))
    match columns["task"]:
        case "speed":
            return Row(*common, _speeds(columns, RecordRef(probe, chain, place.seq)))
        case "latency":
            return Row(*common, _single(columns, at))
    return None


def _speeds(columns: Mapping[str, Any], record: RecordRef) -> Speeds:
    return Speeds(
        record,
        download_bits_per_second=columns.get("download_bits_per_second"),
        upload_bits_per_second=columns.get("upload_bits_per_second"),
        idle_latency_seconds=columns.get("idle_latency_seconds"),
        download_latency_seconds=columns.get("download_latency_seconds"),
        upload_latency_seconds=columns.get("upload_latency_seconds"),
    )


def _single(columns: Mapping[str, Any], at: datetime) -> LatencyHour:
    trip, variation = columns.get("round_trip_seconds"), columns.get("delay_variation_seconds")
    return LatencyHour(
        at,
        () if trip is None else (trip,),
        () if variation is None else (variation,),
        columns.get("lost_ratio"),
    )


def _check(columns: Mapping[str, Any]) -> ReachCheck:
    def answered(name: str) -> bool | None:
        found: bool | None = columns.get(f"{name}_reached")
        return found

    far_ends = (answered("ipv4"), answered("ipv6"))
    return ReachCheck(answered("gateway"), answered("dns"), far_ends, answered("server"))


def row_of_hour(of: HourId, hour: Hour, zone: tzinfo) -> Row[LatencyHour]:
    """Return an hour of folded latency records as a row; all their moments were known."""
    at = of.hour.astimezone(zone)
    found = LatencyHour(at, hour.round_trips, hour.delay_variations, hour.lost_ratio, hour.records)
    return Row(at, True, of.outcome, of.failure_code, of.flags, of.series, found)
