"""A line's results over time, and how many of them become few: series, buckets, hours of days.

Only results of one series belong together: the same probe and its way, method, version, profile,
family and server. Nothing here puts two of them into one median.

Times are seconds since 1970-01-01 UTC, rates bits per second, durations seconds. What was not
measured is None; a bucket without a value is absent.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from math import ceil
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from collector.domain.standing import Median, Standing, median_of, middle, standing
from protocol.flags import Flag

_HOUR_SECONDS = 3600
_IPV4 = 4


class SeriesId(NamedTuple):
    """What results have in common that can be compared. None: the record does not know.

    A path is one of a probe: two probes on a line have two, however they are called.

    Attributes:
        probe: its id, which is not for everybody.
        path: the probe's way out.
        method, version, profile: how it was measured.
        ip_version: 4 or 6.
        server: the far end, as the registry calls it.
    """

    probe: str
    path: str
    method: str
    version: str
    profile: str | None
    ip_version: int | None
    server: str | None

    @property
    def key(self) -> str:
        """The series in one word, for everybody: with a tag in the place of the probe.

        No part but the last can hold the sign between them.
        """
        return "~".join("" if part is None else str(part) for part in (self.tag, *self[1:]))

    @property
    def tag(self) -> str:
        """What everybody sees of the probe: tells a line's probes apart, and not which they are."""
        return _tag(self.probe)

    def fits(self, other: "SeriesId") -> bool:
        """Return whether both may be of one series: what both know is the same."""
        return all(a == b or a is None or b is None for a, b in zip(self, other, strict=True))


@lru_cache(4096)
def _tag(probe: str) -> str:
    # Who guesses an id can check the guess: it is kept out of sight, and no secret.
    return sha256(f"linewatch-probe-tag:{probe}".encode()).hexdigest()[:8]


class Seen(NamedTuple):
    """A result, as far as the choice of a line's main series looks at it."""

    series: SeriesId
    outcome: str
    flags: str

    @property
    def tier(self) -> int:
        """0: evidence, or its lower bound; 1: not by Wi-Fi; 2: measured; 3: nothing measured.

        Bounds by the device are not behind what has no flag: else a line would be judged by another
        series as soon as it is faster than its probe's port. A server that is the limit is behind:
        another one may tell more.
        """
        if self.outcome != "measured":
            return 3
        flags = self.flags.split()
        is_evidence = standing(self.flags).counts and self.series.profile != "quick"
        if is_evidence and Flag.SERVER_LIMITED not in flags:
            return 0
        return 2 if Flag.WIFI in flags else 1


ENOUGH_SHARE = 0.5
"""A series with at least this share of the richest one's results can be the main one: servers and
families take turns, and a line must not change its main series with each test."""


def main_series(
    results: Iterable[Seen] | Mapping[Seen, int], server: str | None = None
) -> SeriesId | None:
    """Return the series that stands for a line now; None where there is none.

    Of IPv4 where it has `ENOUGH_SHARE` of the results of another family, whatever came of them: a
    line whose IPv4 is dead must not look alive by its IPv6. Of the results of the best tier that
    there are, the series that have `ENOUGH_SHARE` of the richest, and of these profile `full`, the
    plan's main ``server``, the newest version, and what comes first by name.

    A month has another rule, `collector.domain.succession`.
    """
    # Thousands of results are of a handful of kinds: each kind is looked at once.
    found = _of_family(Counter(results))
    if not found:
        return None
    best = min(one.tier for one in found)
    counts: Counter[SeriesId] = Counter()
    for one, count in found.items():
        if one.tier == best:
            counts[one.series] += count
    enough = max(counts.values()) * ENOUGH_SHARE
    candidates = (one for one, count in counts.items() if count >= enough)
    return min(candidates, key=lambda one: _rank(one, server))


def _of_family(found: Counter[Seen]) -> Counter[Seen]:
    """Return the results over IPv4, or where they are too few, all others."""
    families: Counter[int | None] = Counter()
    for one, count in found.items():
        families[one.series.ip_version] += count
    own = families.pop(_IPV4, 0)
    if not own:
        return found
    families.pop(None, None)
    is_enough = own >= max(families.values(), default=0) * ENOUGH_SHARE
    kept = {one: n for one, n in found.items() if (one.series.ip_version == _IPV4) is is_enough}
    return Counter(kept)


def _rank(series: SeriesId, server: str | None) -> tuple[object, ...]:
    version = -int(series.version) if series.version.isdecimal() else 0
    names = (series.method, version, series.version, series.server or "", series.path, series.probe)
    return (series.profile == "quick", series.ip_version or 0, series.server != server, *names)


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
    probe: str
    path: str
    method_name: str
    method_version: str
    profile: str | None
    ip_version: int | None
    server: str | None

    @property
    def series(self) -> SeriesId:
        """What it may be compared with."""
        return SeriesId(*self[-7:])

    @property
    def standing(self) -> Standing:
        """What it is a value of, if it was measured."""
        return standing(self.flags) if self.outcome == "measured" else Standing.ASIDE


class LatencyPoint(NamedTuple):
    """What a chart needs of one latency record."""

    at_seconds: float
    outcome: str
    failure_code: str | None
    flags: str
    round_trip_seconds: float | None
    lost_ratio: float | None
    probe: str
    path: str
    method_name: str
    method_version: str
    profile: str | None
    ip_version: int | None
    server: str | None

    @property
    def series(self) -> SeriesId:
        """What it may be compared with."""
        return SeriesId(*self[-7:])

    @property
    def standing(self) -> Standing:
        """What it is a value of, if it was measured."""
        return standing(self.flags) if self.outcome == "measured" else Standing.ASIDE


P = TypeVar("P", SpeedPoint, LatencyPoint)


def seen_in(points: Iterable[P]) -> Counter[Seen]:
    """Return how often each kind of result is among some, which a main series is chosen by."""
    kinds = Counter((point[-7:], point.outcome, point.flags) for point in points)
    return Counter(
        {
            Seen(SeriesId(*parts), outcome, flags): count
            for (parts, outcome, flags), count in kinds.items()
        }
    )


def of_series(points: Iterable[P], series: SeriesId | None) -> list[P]:
    """Return the results of a series, and the slots without a result that may be of it."""
    if series is None:
        return []
    # Thousands of points are of a handful of series: each is looked at once.
    fits: dict[tuple[object, ...], bool] = {}
    kept = []
    for point in points:
        parts = point[-7:]
        known = fits.get(parts)
        if known is None:
            known = fits[parts] = series.fits(point.series)
        if known and (point.outcome != "measured" or parts == series):
            kept.append(point)
    return kept


class Bucket(NamedTuple):
    """The values of a short span of time."""

    start_seconds: float
    size: int
    low: float
    median: float
    p95: float


class HourCell(NamedTuple):
    """One hour of one day: the median of its tests that count, or why there is none."""

    median: Median | None
    size: int
    failed: int
    flagged: int


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of values in ascending order; there is at least one."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


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
    rates: dict[tuple[date, int], list[tuple[float, bool]]] = {}
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
        elif point.outcome == "measured" and not point.standing.counts:
            flagged[place] = flagged.get(place, 0) + 1
        elif point.outcome == "measured" and rate is not None:
            bound = point.standing is Standing.AT_LEAST
            rates.setdefault(place, []).append((rate, bound))
    cells = {}
    for place in rates.keys() | failed.keys() | flagged.keys():
        found = rates.get(place, ())
        cells[place] = HourCell(
            median_of(found), len(found), failed.get(place, 0), flagged.get(place, 0)
        )
    return cells
