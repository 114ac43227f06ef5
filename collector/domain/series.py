"""A line's results over time, and how many of them become few: buckets and hours of days.

Times are seconds since 1970-01-01 UTC, rates bits per second, durations seconds. What was not
measured is None; a bucket without a value is absent.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

_HOUR_SECONDS = 3600


class SpeedPoint(NamedTuple):
    """What a chart needs of one speed record."""

    at_seconds: float
    outcome: str
    failure_code: str | None
    flags: str
    download_bits_per_second: float | None
    upload_bits_per_second: float | None
    idle_latency_seconds: float | None
    download_latency_seconds: float | None
    upload_latency_seconds: float | None
    ip_version: int | None

    @property
    def fair(self) -> bool:
        """Whether it was measured and carries no flag."""
        return self.outcome == "measured" and not self.flags


class LatencyPoint(NamedTuple):
    """What a chart needs of one latency record."""

    at_seconds: float
    outcome: str
    failure_code: str | None
    round_trip_seconds: float | None
    lost_ratio: float | None


class Bucket(NamedTuple):
    """The values of a short span of time."""

    start_seconds: float
    size: int
    low: float
    median: float
    p95: float


class HourCell(NamedTuple):
    """One hour of one day: the median of its fair tests, or why there is none."""

    median: float | None
    size: int
    failed: int
    flagged: int


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of values in ascending order; there is at least one."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def middle(ordered: Sequence[float]) -> float:
    """Return the median of values in ascending order; there is at least one."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def into_buckets(
    values: Iterable[tuple[float, float]], start_seconds: float, width_seconds: float
) -> list[Bucket]:
    """Return the buckets that have values, in the order of time.

    Args:
        values: pairs of moment and value.
        start_seconds: where the first bucket begins; earlier values are left out.
        width_seconds: of each bucket.
    """
    ordered = sorted(values)
    buckets = []
    first = bisect_left(ordered, (start_seconds,))
    while first < len(ordered):
        index = int((ordered[first][0] - start_seconds) // width_seconds)
        # The search gets nearly all of the bucket at once; rounding may leave one at its edge.
        end = bisect_left(ordered, (start_seconds + (index + 1) * width_seconds,), first + 1)
        while end < len(ordered) and (ordered[end][0] - start_seconds) // width_seconds == index:
            end += 1
        found = sorted([value for _, value in ordered[first:end]])
        buckets.append(
            Bucket(
                start_seconds + index * width_seconds,
                len(found),
                found[0],
                middle(found),
                quantile(found, 0.95),
            )
        )
        first = end
    return buckets


def by_hour(points: Iterable[SpeedPoint], zone: ZoneInfo) -> dict[tuple[date, int], HourCell]:
    """Return the download of each local hour of each local day that had a test.

    Skipped and missed slots make no cell: nothing was tried.
    """
    rates: dict[tuple[date, int], list[float]] = {}
    failed: dict[tuple[date, int], int] = {}
    flagged: dict[tuple[date, int], int] = {}
    # Whole hours share their day and hour: one conversion serves all the tests of an hour. Zones
    # with a half-hour offset are safe too, as their hours begin on a quarter.
    places: dict[int, tuple[date, int]] = {}
    for point in points:
        quarter = int(point.at_seconds // (_HOUR_SECONDS / 4))
        place = places.get(quarter)
        if place is None:
            local = datetime.fromtimestamp(point.at_seconds, UTC).astimezone(zone)
            place = places[quarter] = (local.date(), local.hour)
        rate = point.download_bits_per_second
        if point.outcome == "failed":
            failed[place] = failed.get(place, 0) + 1
        elif point.outcome == "measured" and point.flags:
            flagged[place] = flagged.get(place, 0) + 1
        elif point.outcome == "measured" and rate is not None:
            rates.setdefault(place, []).append(rate)
    return {
        place: HourCell(
            middle(sorted(rates[place])) if place in rates else None,
            len(rates.get(place, ())),
            failed.get(place, 0),
            flagged.get(place, 0),
        )
        for place in rates.keys() | failed.keys() | flagged.keys()
    }
