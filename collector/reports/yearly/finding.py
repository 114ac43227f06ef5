"""Which year, ward, sites and lines a year's report is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from collector.domain.standard import TECHNOLOGIES
from collector.errors import ReportError
from collector.ledger.called import find_ward
from collector.ledger.year_rows import LineRow, SiteRow, has_tests, read_site_lines, read_sites
from collector.reports.monthly import KnownLine, Month
from collector.reports.summary import Site

FIXED: Final = TECHNOLOGIES["fixed"]
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
    def names(self) -> list[str]:
        """Its months, as 2026-10."""
        return [one.name for one in self.months]

    @property
    def months_before(self) -> list[Month]:
        """The same months a year before."""
        return [_before(one) for one in self.months]

    @property
    def steps(self) -> int:
        """How many months of lines, and how many sites, are to be read."""
        before = len(self.of(FIXED)) if self.has_year_before else 0
        return (len(self.lines) + before) * len(self.months) + len(self.sites)

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
    before = has_tests(connection, [one.id for one in lines if one.technology in FIXED], *start)
    return Year(months[0].first_day.year, months, name, sites, lines, before)


def _before(month: Month) -> Month:
    """Return the same month a year before."""
    return Month(month.first_day.replace(year=month.first_day.year - 1), month.zone)
