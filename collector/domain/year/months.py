"""What a year keeps of a line's month, and how the months of all lines run on. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from collector.domain.findings import Finding, Judgement, Verdict
from collector.domain.line_month import LinePart
from collector.domain.standing import Median, median_of
from collector.domain.verdicts import availability
from collector.domain.year.counts import Count, count


@dataclass(frozen=True, slots=True)
class LineMonth:
    """A line's month in short; bit/s, seconds.

    Attributes:
        month: as 2026-10.
        days: with a speed test that counts.
        tests: that count, all servers.
        download, upload, idle_latency: medians of the tests of its main server; None: no test.
        watched_seconds, out_seconds: for how long it was watched, and of that how long its carrier
            gave no service.
        verdict: of the month, as the carrier's papers of the month count it.
        by_standard: of each standard, by its id.
        primary: what each standard said to its first question, by its id.
    """

    month: str
    days: int
    tests: int
    download: Median | None
    upload: Median | None
    idle_latency: Median | None
    watched_seconds: float
    out_seconds: float
    verdict: Verdict
    by_standard: Mapping[str, Verdict]
    primary: Mapping[str, Finding]


@dataclass(frozen=True, slots=True)
class Speed:
    """A rate or a round trip; ``at_least``: it is no lower, and may be higher."""

    value: float
    at_least: bool


@dataclass(frozen=True, slots=True)
class TrendMonth:
    """A month of all lines.

    Attributes:
        month: as 2026-10.
        lines: that have a test that counts.
        download_bits_per_second, upload_bits_per_second, idle_latency_seconds: of these lines'
            medians the median; null: none.
        availability: share of the watched time with service, all lines together; null: not watched.
        watched_seconds: of all lines together.
        verdicts: lines by verdict; those without enough data too.
        by_standard: the same of each standard, by its id.
        kept: lines of which a verdict could be said, and those of them that pass.
    """

    month: str
    lines: int
    download_bits_per_second: Speed | None
    upload_bits_per_second: Speed | None
    idle_latency_seconds: Speed | None
    availability: float | None
    watched_seconds: float
    verdicts: Mapping[str, int]
    by_standard: Mapping[str, Mapping[str, int]]
    kept: Count


def month_of(
    name: str, parts: Sequence[LinePart], judgements: Iterable[Judgement], verdict: Verdict
) -> LineMonth:
    """Return what a year keeps of a line's month.

    Args:
        name: of the month.
        parts: of it.
        judgements: of all its parts.
        verdict: of the line's month.
    """
    tests = [test for part in parts for test in part.tests]
    witnesses = [test for part in parts for one in part.witnesses for test in one.tests]
    watched = sum(part.watched_seconds for part in parts)
    in_service = ((availability(part), part.watched_seconds) for part in parts)
    out = sum((1 - one.value) * seconds for one, seconds in in_service if one is not None)
    said: dict[str, set[Verdict]] = {}
    primary: dict[str, Finding] = {}
    for one in judgements:
        said.setdefault(one.standard, set()).add(one.verdict)
        # Of a month that is divided the last part, which is what holds now.
        primary[one.standard] = next(found for found in one.findings if found.is_primary)
    return LineMonth(
        month=name,
        days=len({test.at.date() for test in (*tests, *witnesses)}),
        tests=len(tests) + len(witnesses),
        download=median_of((one.download_bits_per_second, one.at_least) for one in tests),
        upload=median_of((one.upload_bits_per_second, one.at_least) for one in tests),
        idle_latency=median_of((one.idle_latency_seconds, False) for one in tests),
        watched_seconds=watched,
        out_seconds=out,
        verdict=verdict,
        by_standard={name: _worst(verdicts) for name, verdicts in sorted(said.items())},
        primary=primary,
    )


def _worst(verdicts: set[Verdict]) -> Verdict:
    order = (Verdict.FAIL, Verdict.PASS, Verdict.NOT_ENOUGH_DATA)
    return next(one for one in order if one in verdicts)


def trend(months: Sequence[str], lines: Iterable[Sequence[LineMonth]]) -> list[TrendMonth]:
    """Return the months of all lines, in their order.

    Args:
        months: by name.
        lines: the months of each.
    """
    of: dict[str, list[LineMonth]] = {name: [] for name in months}
    for line in lines:
        for one in line:
            of[one.month].append(one)
    return [_trend_month(name, found) for name, found in of.items()]


def _trend_month(name: str, found: Sequence[LineMonth]) -> TrendMonth:
    watched = sum(one.watched_seconds for one in found)
    out = sum(one.out_seconds for one in found)
    verdicts = Counter(one.verdict for one in found)
    by_standard: dict[str, Counter[Verdict]] = {}
    for one in found:
        for standard, verdict in one.by_standard.items():
            by_standard.setdefault(standard, Counter())[verdict] += 1
    return TrendMonth(
        month=name,
        lines=sum(one.tests > 0 for one in found),
        download_bits_per_second=middle_of(one.download for one in found),
        upload_bits_per_second=middle_of(one.upload for one in found),
        idle_latency_seconds=middle_of(one.idle_latency for one in found),
        availability=1 - out / watched if watched else None,
        watched_seconds=watched,
        verdicts=_by_verdict(verdicts),
        by_standard={name: _by_verdict(counts) for name, counts in sorted(by_standard.items())},
        kept=count(_kept(one.verdict) for one in found),
    )


def _by_verdict(counts: Counter[Verdict]) -> dict[str, int]:
    return {verdict.value: counts[verdict] for verdict in Verdict}


def _kept(verdict: Verdict) -> bool | None:
    return None if verdict is Verdict.NOT_ENOUGH_DATA else verdict is Verdict.PASS


def middle_of(medians: Iterable[Median | None]) -> Speed | None:
    """Return the median of lines' medians; None: no line has one."""
    found = median_of((one.value, one.at_least) for one in medians if one is not None)
    return found and Speed(found.value, found.at_least)


# --- What is not known -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MonthKnown:
    """Of a line's month: on how many of its days a speed test counted."""

    month: str
    days: int
    of_days: int


@dataclass(frozen=True, slots=True)
class LineGaps:
    """What is known of a line.

    Attributes:
        line, site, technology: which.
        registered_on: local day; months before it and before the first data have none for that
            reason.
        months: each of the year.
        missing: months without any data, but for those.
        before: those.
    """

    line: str
    site: str
    technology: str
    registered_on: date
    months: Sequence[MonthKnown]
    missing: Sequence[str]
    before: Sequence[str]


def gaps_of(
    line: str, site: str, technology: str, registered_on: date, months: Sequence[LineMonth]
) -> LineGaps:
    """Return what is known of a line in each month."""
    known = [MonthKnown(one.month, one.days, _length(one.month)) for one in months]
    empty = [one.month for one in known if not one.days]
    # A registry that was brought in is younger than its records.
    begins = min([f"{registered_on:%Y-%m}", *(one.month for one in known if one.days)])
    return LineGaps(
        line,
        site,
        technology,
        registered_on,
        known,
        [month for month in empty if month >= begins],
        [month for month in empty if month < begins],
    )


def _length(month: str) -> int:
    first = date.fromisoformat(f"{month}-01")
    return ((first + timedelta(days=31)).replace(day=1) - first).days
