"""A ward's year, read of the ledger: its months judged as those of `report monthly` are."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from collector.domain.site_kinds import SITE_KINDS, SiteKind
from collector.domain.year import targets
from collector.domain.year.counts import FEWEST_DAYS, Count
from collector.domain.year.gaps import gaps_of, line_months
from collector.domain.year.months import LineMonth, LineYear, line_year
from collector.domain.year.trend import Trend, middle_of, trend
from collector.ledger.database import Database
from collector.ledger.terms import terms_between
from collector.ledger.year_rows import SiteRow
from collector.reports.pool import Workers
from collector.reports.summary import standard_used
from collector.reports.yearly.finding import FIXED, MOBILE, Year
from collector.reports.yearly.letters import read_letters, tell
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
from collector.reports.yearly.sites import SiteYear, read_site_years


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
    letters = database.read_now(lambda connection: read_letters(connection, year))
    known = year.known(year.lines)
    by_line = read_months(workers, known, year.months, standards, letters.stated(), step)
    lines = _line_years(year, by_line)
    sites = read_site_years(database, workers, year, step)
    ipv6 = _ipv6(year, sites)
    gaps = [gaps_of(one) for one in lines]
    mobile = _of(lines, MOBILE)
    return YearReport(
        format=FORMAT,
        software=software,
        year=year.number,
        timezone=year.zone.key,
        ward=year.ward,
        months=year.names,
        fewest_days=FEWEST_DAYS,
        standards=[standard_used(one) for one in standards.files],
        sites=[YearSite(one.id, one.name, one.ward, _kind(one)) for one in year.sites],
        gigabit=_gigabit(database, year, by_line),
        wifi=_wifi(year, sites),
        ipv6=ipv6,
        mobile=_mobile(mobile, standards),
        trend=trend(year.names, _of(lines, FIXED)),
        year_before=_year_before(workers, year, step),
        mobile_trend=trend(year.names, mobile) if mobile else None,
        line_months=line_months(gaps, len(year.months)),
        gaps=gaps,
        complaints=tell(letters, by_line),
        supporting=_supporting(year, lines, ipv6.all_sites),
    )


def _line_years(year: Year, by_line: Mapping[str, Sequence[LineMonth]]) -> list[LineYear]:
    """Return those of a year's lines whose months were read."""
    names = {one.id: one.name for one in year.sites}
    return [
        line_year(
            one.id,
            names[one.site],
            one.technology,
            one.created_at.astimezone(year.zone).date(),
            one.given_up_at and one.given_up_at.astimezone(year.zone).date(),
            by_line[one.id],
        )
        for one in year.lines
        if one.id in by_line
    ]


def _of(lines: Sequence[LineYear], technologies: Collection[str]) -> list[LineYear]:
    return [one for one in lines if one.technology in technologies]


def _year_before(workers: Workers, year: Year, step: Step) -> Trend | None:
    """Return how fixed lines did in the same months a year before; None: there is nothing."""
    if not year.has_year_before:
        return None
    months = year.months_before
    # Nobody judges them again.
    found = read_months(workers, year.known(year.of(FIXED)), months, Standards(()), {}, step)
    return trend([one.name for one in months], _line_years(year, found))


def _kind(site: SiteRow) -> SiteKind | None:
    return next((kind for kind in SITE_KINDS if kind == site.kind), None)


def _of_no_kind(year: Year) -> int:
    return sum(one.kind is None for one in year.sites)


def _gigabit(
    database: Database, year: Year, by_line: Mapping[str, Sequence[LineMonth]]
) -> targets.Gigabit:
    fixed = year.of(FIXED)
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


def _wifi(year: Year, sites: Mapping[str, SiteYear]) -> targets.Wifi:
    houses = [one.wifi for one in sites.values() if one.wifi is not None]
    return targets.wifi(year.months[-1].name, houses, _of_no_kind(year))


def _ipv6(year: Year, sites: Mapping[str, SiteYear]) -> targets.Ipv6:
    every = [one.ipv6 for one in sites.values()]
    offices = [sites[one.id].ipv6 for one in year.sites if one.kind == "office"]
    return targets.ipv6(year.names, offices, every, _of_no_kind(year))


def _mobile(lines: Sequence[LineYear], standards: Standards) -> targets.Mobile:
    found = (
        targets.mobile_lines(one.line, one.site, one.technology, one.months, standards.files)
        for one in lines
    )
    return targets.mobile([one for of_line in found for one in of_line])


def _supporting(year: Year, lines: Sequence[LineYear], ipv6_sites: Count) -> Supporting:
    month = year.names[-1]
    return Supporting(
        official=False,
        month=month,
        fixed=_speeds(_of(lines, FIXED)),
        mobile=_speeds(_of(lines, MOBILE)),
        ipv6_sites=ipv6_sites,
        tests=_ward_tests(year, lines),
    )


def _speeds(lines: Sequence[LineYear]) -> Speeds:
    """Return the speeds of some lines in the last month."""
    last = [one.months[-1] for one in lines]
    return Speeds(
        sum(one.tests > 0 for one in last),
        middle_of(one.download for one in last),
        middle_of(one.upload for one in last),
        middle_of(one.idle_latency for one in last),
    )


def _ward_tests(year: Year, lines: Sequence[LineYear]) -> list[WardTests]:
    """Return each ward's tests of the last month; a ward that has none has zero."""
    wards_of = {one.id: one.ward for one in year.sites}
    sites_of = {one.id: one.site for one in year.lines}
    tests: Counter[str | None] = Counter({one.ward: 0 for one in year.sites})
    for line in lines:
        tests[wards_of[sites_of[line.line]]] += line.months[-1].tests
    return [
        WardTests(ward, tests[ward], SAMPLES_WANTED, wanted_verified=False)
        for ward in sorted(tests, key=lambda one: one or "")
    ]
