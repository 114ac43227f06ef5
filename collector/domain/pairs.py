"""What a way to the line adds, above all Wi-Fi: tests of two paths in the same quarter of an hour.

A probe measures one path beside another (`protocol.messages.MeasuredPath.beside`); here the two
tests of a quarter become a pair. Pure: no clock, no I/O.
"""

from collections.abc import Iterable
from typing import NamedTuple

from collector.domain.series import SeriesId
from collector.domain.standing import OF_LATENCY, OF_RATES, Median, Standing, median_of, standing

QUARTER_SECONDS = 900
"""As the probe plans them, counted from the epoch."""

_OVER = (Standing.LINE, Standing.WIFI)


class PairPoint(NamedTuple):
    """A measured speed test of a path that has another one beside it.

    Attributes:
        over: the path that is measured beside the other: the Wi-Fi.
        wired: whether this test is the other path's.
        slot_seconds: its planned moment.
        flags: a space between.
        series: what it may be compared with, but for its path; its probe is whose both are.
    """

    over: str
    wired: bool
    slot_seconds: float
    flags: str
    download_bits_per_second: float | None
    upload_bits_per_second: float | None
    idle_latency_seconds: float | None
    series: SeriesId


class Difference(NamedTuple):
    """Wired minus the other way, medians over pairs. None: no pair has both values.

    Where the wired tests are lower bounds, the difference of the rates is one too; that of the
    round trips is of the other pairs alone.

    Attributes:
        series: of the path beside the wired one.
        wired_path: that one.
        pairs: how many.
    """

    series: SeriesId
    wired_path: str
    pairs: int
    download_bits_per_second: Median | None
    upload_bits_per_second: Median | None
    idle_latency_seconds: Median | None


Pair = tuple[PairPoint, PairPoint]
"""The wired test and the other one."""


def pair_up(points: Iterable[PairPoint]) -> list[Pair]:
    """Return the pairs: one test of each path in the same quarter of an hour, else alike.

    The wired one counts for the line, be it as a lower bound; the other carries no flag but `wifi`,
    which is what is looked for. Both are of profile `full`. Where a quarter has several tests of a
    path, as after a change of the plan, the first counts.
    """
    quarters: dict[tuple[object, ...], dict[bool, PairPoint]] = {}
    for point in sorted(points, key=lambda one: one.slot_seconds):
        if standing(point.flags) not in (OF_RATES if point.wired else _OVER):
            continue
        if point.series.profile != "full":
            continue
        quarter = int(point.slot_seconds // QUARTER_SECONDS)
        key = (point.over, quarter, point.series._replace(path=""))
        quarters.setdefault(key, {}).setdefault(point.wired, point)
    return [(both[True], both[False]) for both in quarters.values() if len(both) == 2]  # noqa: PLR2004 - a pair


def differences(pairs: Iterable[Pair]) -> list[Difference]:
    """Return the median difference of each series of pairs, the one with most pairs first."""
    series: dict[tuple[object, ...], list[Pair]] = {}
    for wired, over in pairs:
        key = (over.over, wired.series, over.series)
        series.setdefault(key, []).append((wired, over))
    found = [_difference(of_one) for of_one in series.values()]
    return sorted(found, key=lambda one: (-one.pairs, one.series.path, one.series.ip_version or 0))


def _difference(pairs: list[Pair]) -> Difference:
    wired, over = pairs[0]
    return Difference(
        over.series,
        wired.series.path,
        len(pairs),
        median_of(
            (_minus(a.download_bits_per_second, b.download_bits_per_second), _is_bound(a))
            for a, b in pairs
        ),
        median_of(
            (_minus(a.upload_bits_per_second, b.upload_bits_per_second), _is_bound(a))
            for a, b in pairs
        ),
        median_of(
            (_minus(a.idle_latency_seconds, b.idle_latency_seconds), False)
            for a, b in pairs
            if standing(a.flags) in OF_LATENCY
        ),
    )


def _is_bound(point: PairPoint) -> bool:
    return standing(point.flags) is Standing.AT_LEAST


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
