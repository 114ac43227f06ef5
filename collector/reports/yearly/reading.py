"""A ward's year, read of the ledger: its months judged as those of `report monthly` are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from collector.domain.site_kinds import SITE_KINDS, SiteKind
from collector.domain.standard import TECHNOLOGIES
from collector.domain.standing import middle
from collector.domain.words import fold
from collector.domain.year import targets
from collector.domain.year.complaints import Complaint, complaint, complaints
from collector.domain.year.counts import FEWEST_DAYS
from collector.domain.year.months import LineMonth, gaps_of, trend
from collector.errors import ReportError
from collector.ledger.cases import read_cases
from collector.ledger.cases import read_lines as read_case_lines
from collector.ledger.database import Database
from collector.ledger.schema import wards
from collector.ledger.terms import terms_between
from collector.ledger.year_rows import (
    LineRow,
    SiteRow,
    has_tests,
    read_ipv6_days,
    read_site_lines,
    read_sites,
    read_wifi_days,
    read_wifi_ways,
)
from collector.reports.monthly import KnownLine, Month
from collector.reports.pool import Workers
from collector.reports.summary import Site, standard_used
from collector.reports.yearly.months import Standards, Step, read_months
from collector.reports.yearly.report import (
    FORMAT,
    SAMPLES_WANTED,
    Speeds,
    Supporting,
    WardTests,
    YearReport,
    YearSite,
)

_MOST_NAMED: Final = 30
"""Wards in a sentence of an error."""

MOBILE: Final = TECHNOLOGIES["4g"] | TECHNOLOGIES["5g"]


@dataclass(frozen=True, slots=True)
class Year:
    """What a year's report is of.

    Attributes:
        number: of the year.
        months: that are over, January first.
        ward: None: all.
        sites, lines: of it.
        has_year_before: whether the ledger has tests of these months a year before.
    """

    number: int
    months: Sequence[Month]
    ward: str | None
    sites: Sequence[SiteRow]
    lines: Sequence[LineRow]
    has_year_before: bool

    @property
    def zone(self) -> ZoneInfo:
        """In which its days begin and end."""
        return self.months[0].zone

    @property
    def steps(self) -> int:
        """How many months of lines are to be read."""
        before = len(self.of(TECHNOLOGIES["fixed"])) if self.has_year_before else 0
        return (len(self.lines) + before) * len(self.months)

    def of(self, technologies: frozenset[str]) -> list[LineRow]:
        """Return its lines of some technologies."""
        return [one for one in self.lines if one.technology in technologies]

    def known(self, lines: Sequence[LineRow]) -> list[KnownLine]:
        """Return some of its lines as a month's report names them."""
        sites = {one.id: Site(one.id, one.name, one.ward, None) for one in self.sites}
        return [KnownLine(one.id, one.technology, sites[one.site]) for one in lines]


def months_of(year: int, zone: ZoneInfo, today: date) -> list[Month]:
    """Return a year's months that are over.

    Raises:
        ReportError: none is.
    """
    months = [Month(date(year, number, 1), zone) for number in range(1, 13)]
    over = [one for one in months if one.next_day <= today]
    if not over:
        why = "has not begun" if year > today.year else "has no month yet that is over"
        raise ReportError(f"{year} {why}: ask again from {months[0].next_day} on")
    return over


def find_ward(connection: Connection, wanted: str) -> str:
    """Return a ward's name as sites have it.

    Args:
        connection: to the ledger.
        wanted: its name, however it is written, or its id.

    Raises:
        ReportError: no site is in it; says which wards there are.
    """
    names = sorted({one.ward for one in read_sites(connection) if one.ward})
    by_id = connection.scalar(select(wards.c.name).where(wards.c.id == wanted))
    exact = [name for name in names if name in (wanted, by_id)]
    alike = exact or [name for name in names if fold(name) == fold(wanted)]
    if len(alike) == 1:
        return alike[0]
    known = ", ".join(f"'{name}'" for name in names[:_MOST_NAMED]) or "none"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    raise ReportError(f"no site is in ward '{wanted}'; wards with sites are {known}{more}")


def find_year(connection: Connection, months: Sequence[Month], ward: str | None) -> Year:
    """Return what a year's report is of.

    Args:
        connection: to the ledger.
        months: of the year that are over.
        ward: its name, or its id; None: all.

    Raises:
        ReportError: there is no such ward, or no site at all.
    """
    name = None if ward is None else find_ward(connection, ward)
    sites = [one for one in read_sites(connection) if name in (None, one.ward)]
    if not sites:
        raise ReportError("the registry has no site yet: 'linewatch registry import' reads a list")
    lines = read_site_lines(connection, {one.id for one in sites})
    start = _before(months[0]).span[0], _before(months[-1]).span[1]
    fixed = [one.id for one in lines if one.technology in TECHNOLOGIES["fixed"]]
    before = has_tests(connection, fixed, *start)
    return Year(months[0].first_day.year, months, name, sites, lines, before)


def _before(month: Month) -> Month:
    """Return the same month a year before."""
    return Month(month.first_day.replace(year=month.first_day.year - 1), month.zone)


def read_year(
    database: Database,
    workers: Workers,
    year: Year,
    standards: Standards,
    software: str,
    step: Step,
) -> YearReport:
    """Return a year's report.

    Args:
        database: the ledger.
        workers: that read months, see `collector.reports.yearly.months.begin`.
        year: what it is of.
        standards: that lines are held against.
        software: that makes it, with its version.
        step: told of progress.
    """
    months = [one.name for one in year.months]
    by_line = read_months(workers, year.known(year.lines), year.months, standards, step)
    before: dict[str, list[LineMonth]] = {}
    if year.has_year_before:
        earlier = [_before(one) for one in year.months]
        lines = year.known(year.of(TECHNOLOGIES["fixed"]))
        before = read_months(workers, lines, earlier, Standards(()), step)
    names = {one.id: one.name for one in year.sites}
    fixed = year.of(TECHNOLOGIES["fixed"])
    mobile = year.of(MOBILE)
    ipv6 = _ipv6(database, year)
    return YearReport(
        format=FORMAT,
        software=software,
        year=year.number,
        timezone=year.zone.key,
        ward=year.ward,
        months=months,
        fewest_days=FEWEST_DAYS,
        standards=[standard_used(one) for one in standards.files],
        sites=[YearSite(one.id, one.name, one.ward, _kind(one)) for one in year.sites],
        gigabit=_gigabit(database, year, by_line),
        wifi=_wifi(database, year),
        ipv6=ipv6,
        mobile=targets.mobile(
            [
                found
                for one in mobile
                for found in targets.mobile_lines(
                    one.id, names[one.site], one.technology, by_line[one.id], standards.files
                )
            ]
        ),
        trend=trend(months, [by_line[one.id] for one in fixed]),
        year_before=trend([_before(one).name for one in year.months], before.values())
        if before
        else [],
        mobile_trend=trend(months, [by_line[one.id] for one in mobile]) if mobile else [],
        gaps=[
            gaps_of(
                one.id,
                names[one.site],
                one.technology,
                one.created_at.astimezone(year.zone).date(),
                by_line[one.id],
            )
            for one in year.lines
        ],
        complaints=complaints(database.read_now(lambda c: _complaints(c, year))),
        supporting=_supporting(year, by_line, ipv6),
    )


def _kind(site: SiteRow) -> SiteKind | None:
    return next((kind for kind in SITE_KINDS if kind == site.kind), None)


def _gigabit(
    database: Database, year: Year, by_line: dict[str, list[LineMonth]]
) -> targets.Gigabit:
    fixed = year.of(TECHNOLOGIES["fixed"])
    names = {one.id: one.name for one in year.sites}
    last = year.months[-1].last_day
    terms = database.read_now(lambda c: terms_between(c, [one.id for one in fixed], last, last))
    return targets.gigabit(
        [
            targets.gigabit_line(
                one.id,
                names[one.site],
                terms[one.id][-1].terms.contracted_download_bits_per_second,
                by_line[one.id],
            )
            for one in fixed
        ]
    )


def _wifi(database: Database, year: Year) -> targets.Wifi:
    month = year.months[-1]
    ways = database.read_now(read_wifi_ways)
    found = []
    for site in year.sites:
        if site.kind != "community_house":
            continue
        measured: set[date] = set()
        tried: set[date] = set()
        downloads: list[float] = []
        own = [way for way in ways if way.site == site.id]
        for way in own:
            days = database.read_now(
                partial(read_wifi_days, way=way, span=month.span, zone=month.zone)
            )
            measured |= days.measured
            tried |= days.tried
            downloads += days.downloads
        found.append(
            targets.WifiSite(
                site=site.id,
                name=site.name,
                is_measured=bool(own),
                days_measured=len(measured),
                days_tried=len(tried),
                download_bits_per_second=middle(sorted(downloads)) if downloads else None,
                works=targets.works(len(measured), len(tried)),
            )
        )
    return targets.wifi(month.name, found, _of_no_kind(year))


def _of_no_kind(year: Year) -> int:
    return sum(one.kind is None for one in year.sites)


def _ipv6(database: Database, year: Year) -> targets.Ipv6:
    months = [one.name for one in year.months]
    days = year.months[0].first_day, year.months[-1].next_day
    found = []
    for site in year.sites:
        of_lines = [
            database.read_now(partial(read_ipv6_days, line_id=line.id, days=days, zone=year.zone))
            for line in year.lines
            if line.site == site.id
        ]
        found.append(targets.ipv6_site(site.id, site.name, of_lines, months))
    offices = {one.id for one in year.sites if one.kind == "office"}
    chosen = [one for one in found if one.site in offices]
    return targets.ipv6(months, chosen, found, _of_no_kind(year))


def _complaints(connection: Connection, year: Year) -> list[Complaint]:
    own = {one.id for one in year.lines}
    found = []
    for month in year.months:
        for case in read_cases(connection, month=month.name):
            about = {one.line for one in read_case_lines(connection, case.id)} & own
            if about:
                named = (case.id, case.carrier_name, case.month, case.ward)
                found.append(complaint(*named, about, case.events))
    return found


def _supporting(year: Year, by_line: dict[str, list[LineMonth]], ipv6: targets.Ipv6) -> Supporting:
    month = year.months[-1].name
    tests: Counter[str | None] = Counter({one.ward: 0 for one in year.sites})
    wards_of = {one.id: one.ward for one in year.sites}
    for line in year.lines:
        tests[wards_of[line.site]] += by_line[line.id][-1].tests

    def speeds(technologies: frozenset[str]) -> Speeds:
        (told,) = trend([month], [[by_line[one.id][-1]] for one in year.of(technologies)])
        return Speeds(
            told.lines,
            told.download_bits_per_second,
            told.upload_bits_per_second,
            told.idle_latency_seconds,
        )

    return Supporting(
        official=False,
        month=month,
        fixed=speeds(TECHNOLOGIES["fixed"]),
        mobile=speeds(MOBILE),
        ipv6_sites=ipv6.all_sites,
        tests=[
            WardTests(ward, tests[ward], SAMPLES_WANTED, wanted_verified=False)
            for ward in sorted(tests, key=lambda one: one or "")
        ],
    )
