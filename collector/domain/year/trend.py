"""How the months of all lines run on. Pure: of what was measured, whatever standards say of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.domain.findings import Verdict
from collector.domain.standing import Median, median_of
from collector.domain.year.counts import Count, count
from collector.domain.year.months import APART, Known, LineMonth, LineYear, MonthKnown, Speed

LEAST_WATCHED: Final = 0.9
"""Of the time: of less no availability is told. As much as standards ask of a line's month, where
they name no other share."""

_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Availability:
    """How much of a time lines were in service.

    Attributes:
        share: of the watched time; null: less than `LEAST_WATCHED` of it was watched.
        watched_share: of the time since lines were registered, until they were given up; null:
            there was none.
        watched_seconds: of all lines together.
    """

    share: float | None
    watched_share: float | None
    watched_seconds: float


@dataclass(frozen=True, slots=True)
class TrendMonth:
    """A month of all lines.

    Attributes:
        month: as 2026-10.
        lines: that have a test that counts.
        download_bits_per_second, upload_bits_per_second, idle_latency_seconds: of these lines'
            medians the median; null: none.
        availability: of all lines together.
        verdicts: lines by verdict, and those without one by why there is none: all lines.
        by_standard: lines by verdict of each standard, by its id.
        kept: lines of which a verdict could be said, and those of them that pass; unknown are the
            others, but for those not registered yet, or given up.
    """

    month: str
    lines: int
    download_bits_per_second: Speed | None
    upload_bits_per_second: Speed | None
    idle_latency_seconds: Speed | None
    availability: Availability
    verdicts: Mapping[str, int]
    by_standard: Mapping[str, Mapping[str, int]]
    kept: Count


@dataclass(frozen=True, slots=True)
class Trend:
    """Some lines' year.

    Attributes:
        months: in their order.
        availability: of all months together.
    """

    months: Sequence[TrendMonth]
    availability: Availability


_Both = tuple[LineMonth, MonthKnown]


def trend(months: Sequence[str], lines: Iterable[LineYear]) -> Trend:
    """Return how the months of some lines ran on.

    Args:
        months: by name.
        lines: with these months.
    """
    of: dict[str, list[_Both]] = {name: [] for name in months}
    for line in lines:
        for both in zip(line.months, line.known, strict=True):
            of[both[0].month].append(both)
    whole = _availability([both for found in of.values() for both in found])
    return Trend([_trend_month(name, found) for name, found in of.items()], whole)


def _trend_month(name: str, found: Sequence[_Both]) -> TrendMonth:
    months = [one for one, _ in found]
    by_standard: dict[str, Counter[Verdict]] = {}
    for one in months:
        for standard, verdict in one.by_standard.items():
            by_standard.setdefault(standard, Counter())[verdict] += 1
    return TrendMonth(
        month=name,
        lines=sum(one.tests > 0 for one in months),
        download_bits_per_second=middle_of(one.download for one in months),
        upload_bits_per_second=middle_of(one.upload for one in months),
        idle_latency_seconds=middle_of(one.idle_latency for one in months),
        availability=_availability(found),
        verdicts=_verdicts(found),
        by_standard={
            name: {verdict.value: counts[verdict] for verdict in Verdict}
            for name, counts in sorted(by_standard.items())
        },
        kept=count(
            one.verdict is Verdict.PASS if month.known is Known.JUDGED else None
            for one, month in found
            if month.known not in APART
        ),
    )


def _availability(found: Sequence[_Both]) -> Availability:
    watched = sum(one.watched_seconds for one, _ in found)
    out = sum(one.out_seconds for one, _ in found)
    whole = sum(month.of_days for _, month in found) * _DAY_SECONDS
    if not whole:
        return Availability(None, None, watched)
    # Records of before a line was registered, or a day of 25 hours: no more than all is watched.
    share = min(1.0, watched / whole)
    said = 1 - out / watched if watched and share >= LEAST_WATCHED else None
    return Availability(said, share, watched)


def _verdicts(found: Sequence[_Both]) -> dict[str, int]:
    said = Counter(
        one.verdict.value if month.known is Known.JUDGED else month.known.value
        for one, month in found
    )
    names = (Verdict.PASS.value, Verdict.FAIL.value, *(one.value for one in UNJUDGED))
    return {name: said[name] for name in names}


UNJUDGED: Final = tuple(one for one in Known if one is not Known.JUDGED)
"""Why a month has no verdict."""


def middle_of(medians: Iterable[Median | None]) -> Speed | None:
    """Return the median of lines' medians; None: no line has one."""
    found = median_of((one.value, one.at_least) for one in medians if one is not None)
    return found and Speed(found.value, found.at_least)
