"""What a year keeps of a line's month, and what is known of each. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from collector.domain.findings import Finding, Judgement, Reason, Verdict
from collector.domain.line_month import LinePart
from collector.domain.standing import Median, median_of
from collector.domain.verdicts import availability
from collector.domain.year.again import Today

_WITHOUT_LIMIT: Final = frozenset({Reason.NOT_FOR_TECHNOLOGY, Reason.NO_NUMBER, Reason.NO_TERMS})
"""Why nothing can be said however much is measured: there is nothing to hold it against."""


class Known(StrEnum):
    """What is known of a line's month: one of these, so that their counts make up all months."""

    JUDGED = "judged"
    """It passes or it fails."""

    NO_LIMIT = "no_limit"
    """It was measured, and no standard that a complaint may rest on has a number to hold it to."""

    NOT_ENOUGH_DATA = "not_enough_data"
    """It has records, and too few or too uncertain ones for a verdict."""

    NO_RECORDS = "no_records"
    BEFORE_REGISTRATION = "before_registration"
    """Nobody measured it yet: it was not in the registry, and has no records of before."""

    GIVEN_UP = "given_up"
    """Nobody measured it any more: all of its probes were refused before."""


APART: Final = frozenset({Known.BEFORE_REGISTRATION, Known.GIVEN_UP})
"""Months in which there was nothing to measure: they are no gaps."""


@dataclass(frozen=True, slots=True)
class LineMonth:
    """A line's month in short; bit/s, seconds.

    Attributes:
        month: as 2026-10.
        days: with a speed test that counts.
        tests: that count, all servers.
        has_records: whether there is any record of it, counted or not.
        download, upload, idle_latency: medians of the tests of its main server; None: no test.
        watched_seconds, out_seconds: for how long it was watched, and of that how long its carrier
            gave no service.
        verdict: of the month, as the carrier's papers of the month count it.
        has_limit: whether a standard that a complaint may rest on has a number to hold it to.
        by_standard: of each standard, by its id.
        primary: what some standards said to their first question, by their ids.
        again: what is said today where a complaint said something, by the case's number.
    """

    month: str
    days: int
    tests: int
    has_records: bool
    download: Median | None
    upload: Median | None
    idle_latency: Median | None
    watched_seconds: float
    out_seconds: float
    verdict: Verdict
    has_limit: bool
    by_standard: Mapping[str, Verdict]
    primary: Mapping[str, Finding]
    again: Mapping[int, Today] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Speed:
    """A rate or a round trip; ``at_least``: it is no lower, and may be higher."""

    value: float
    at_least: bool


@dataclass(frozen=True, slots=True)
class MonthKnown:
    """What is known of a line's month.

    Attributes:
        days: of it, with a speed test that counts.
        of_days: that there could be: its days, but for those before the line was registered and
            those after it was given up.
    """

    month: str
    known: Known
    days: int
    of_days: int


@dataclass(frozen=True, slots=True)
class LineYear:
    """A line and its months.

    Attributes:
        registered_on: local day.
        given_up_on: likewise, when the last of its probes was refused; None: it was not.
        months: in their order.
        known: of each of them.
    """

    line: str
    site: str
    technology: str
    registered_on: date
    given_up_on: date | None
    months: Sequence[LineMonth]
    known: Sequence[MonthKnown]


def line_year(
    line: str,
    site: str,
    technology: str,
    registered_on: date,
    given_up_on: date | None,
    months: Sequence[LineMonth],
) -> LineYear:
    """Return a line's months with what is known of each.

    Args:
        line: its id.
        site: the name of where it is.
        technology: as the registry has it.
        registered_on: local day.
        given_up_on: when the last of its probes was refused; None: it was not.
        months: in their order.
    """
    recorded = [one.month for one in months if one.has_records]
    # A registry that was brought in is younger than its records, and some come after a probe's end.
    begins = _Edge(registered_on, min(recorded, default=None))
    ends = _Edge(given_up_on, max(recorded, default=None)) if given_up_on else None
    known = [_month_known(one, begins, ends) for one in months]
    return LineYear(line, site, technology, registered_on, given_up_on, months, known)


class _Edge(NamedTuple):
    """When the registry says that a line began or ended, and the outmost month with records."""

    day: date
    recorded: str | None

    @property
    def month(self) -> str:
        return f"{self.day:%Y-%m}"


def _month_known(one: LineMonth, begins: _Edge, ends: _Edge | None) -> MonthKnown:
    if one.month < min(begins.month, begins.recorded or begins.month):
        return MonthKnown(one.month, Known.BEFORE_REGISTRATION, 0, 0)
    if ends and one.month > max(ends.month, ends.recorded or ends.month):
        return MonthKnown(one.month, Known.GIVEN_UP, 0, 0)
    first, last = 1, days_in(one.month)
    if one.month == begins.month <= (begins.recorded or begins.month):
        first = begins.day.day
    if ends and one.month == ends.month >= (ends.recorded or ends.month):
        last = ends.day.day
    return MonthKnown(one.month, _known(one), one.days, max(one.days, last + 1 - first))


def _known(one: LineMonth) -> Known:
    if one.verdict is not Verdict.NOT_ENOUGH_DATA:
        return Known.JUDGED
    if not one.has_records:
        return Known.NO_RECORDS
    return Known.NOT_ENOUGH_DATA if one.has_limit else Known.NO_LIMIT


def days_in(month: str) -> int:
    """Return how many days a month has."""
    first = date.fromisoformat(f"{month}-01")
    return ((first + timedelta(days=31)).replace(day=1) - first).days


def month_of(
    name: str,
    parts: Sequence[LinePart],
    judgements: Iterable[Judgement],
    verdict: Verdict,
    *,
    has_records: bool,
    kept: Collection[str] = (),
    again: Mapping[int, Today] | None = None,
) -> LineMonth:
    """Return what a year keeps of a line's month.

    Args:
        name: of the month.
        parts: of it.
        judgements: of all its parts.
        verdict: of the line's month.
        has_records: whether there is any record of it.
        kept: standards whose first finding is kept, by their ids.
        again: what is said today of what complaints said.
    """
    tests = [test for part in parts for test in part.tests]
    witnesses = [test for part in parts for one in part.witnesses for test in one.tests]
    watched = sum(part.watched_seconds for part in parts)
    in_service = ((availability(part), part.watched_seconds) for part in parts)
    out = sum((1 - one.value) * seconds for one, seconds in in_service if one is not None)
    said: dict[str, set[Verdict]] = {}
    primary: dict[str, Finding] = {}
    has_limit = False
    for one in judgements:
        said.setdefault(one.standard, set()).add(one.verdict)
        first = next(found for found in one.findings if found.is_primary)
        has_limit |= one.accuses and first.reason not in _WITHOUT_LIMIT
        if one.standard in kept:
            # Of a month that is divided the last part, which is what holds now.
            primary[one.standard] = first
    return LineMonth(
        month=name,
        days=len({test.at.date() for test in (*tests, *witnesses)}),
        tests=len(tests) + len(witnesses),
        has_records=has_records,
        download=median_of((one.download_bits_per_second, one.at_least) for one in tests),
        upload=median_of((one.upload_bits_per_second, one.at_least) for one in tests),
        idle_latency=median_of((one.idle_latency_seconds, False) for one in tests),
        watched_seconds=watched,
        out_seconds=out,
        verdict=verdict,
        has_limit=has_limit,
        by_standard={name: _worst(verdicts) for name, verdicts in sorted(said.items())},
        primary=primary,
        again=again or {},
    )


def _worst(verdicts: set[Verdict]) -> Verdict:
    order = (Verdict.FAIL, Verdict.PASS, Verdict.NOT_ENOUGH_DATA)
    return next(one for one in order if one in verdicts)
