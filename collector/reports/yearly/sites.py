"""What is asked of sites, not of lines: IPv6, and Wi-Fi at community houses."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from collector.domain.standing import middle
from collector.domain.year import targets
from collector.domain.year.targets import Ipv6Site, WifiSite
from collector.ledger.database import Database
from collector.ledger.year_rows import (
    SiteRow,
    WifiWay,
    read_ipv6_days,
    read_wifi_days,
    read_wifi_ways,
)
from collector.reports.monthly import Month
from collector.reports.pool import Workers
from collector.reports.yearly.finding import Year
from collector.reports.yearly.months import Step


@dataclass(frozen=True, slots=True)
class SiteYear:
    """What is known of a site; ``wifi`` None: it is no community house."""

    ipv6: Ipv6Site
    wifi: WifiSite | None


@dataclass(frozen=True, slots=True)
class _Portion:
    """A site, its lines and its ways over Wi-Fi, and the year's months."""

    site: SiteRow
    lines: Sequence[str]
    ways: Sequence[WifiWay]
    months: Sequence[Month]


def read_site_years(
    database: Database, workers: Workers, year: Year, step: Step
) -> dict[str, SiteYear]:
    """Return what is known of each site, in their order.

    Args:
        database: the ledger.
        workers: that begin as those that read months do.
        year: whose sites.
        step: told of each site that is done.

    Raises:
        LedgerError: the ledger cannot be read.
        ReportError: a process ended in the middle of its work.
    """
    ways = database.read_now(read_wifi_ways)
    found: dict[str, SiteYear] = {}
    for done in workers.in_order(_work, _portions(year, ways)):
        found[done.ipv6.site] = done
        step(1)
    return found


def _portions(year: Year, ways: Sequence[WifiWay]) -> Iterator[_Portion]:
    lines: dict[str, list[str]] = defaultdict(list)
    for line in year.lines:
        lines[line.site].append(line.id)
    beside: dict[str, list[WifiWay]] = defaultdict(list)
    for way in ways:
        beside[way.site].append(way)
    for site in year.sites:
        yield _Portion(site, lines[site.id], beside[site.id], year.months)


def _work(database: Database, portion: _Portion) -> SiteYear:
    is_house = portion.site.kind == "community_house"
    return SiteYear(_ipv6(database, portion), _wifi(database, portion) if is_house else None)


def _ipv6(database: Database, portion: _Portion) -> Ipv6Site:
    months = portion.months
    days = months[0].first_day, months[-1].next_day
    of_lines = [
        database.read_now(partial(read_ipv6_days, line_id=line, days=days, zone=months[0].zone))
        for line in portion.lines
    ]
    names = [one.name for one in months]
    return targets.ipv6_site(portion.site.id, portion.site.name, of_lines, names)


def _wifi(database: Database, portion: _Portion) -> WifiSite:
    month = portion.months[-1]
    measured: set[date] = set()
    tried: set[date] = set()
    downloads: list[float] = []
    for way in portion.ways:
        days = database.read_now(partial(read_wifi_days, way=way, span=month.span, zone=month.zone))
        measured |= days.measured
        tried |= days.tried
        downloads += days.downloads
    return WifiSite(
        site=portion.site.id,
        name=portion.site.name,
        is_measured=bool(portion.ways),
        days_measured=len(measured),
        days_tried=len(tried),
        download_bits_per_second=middle(sorted(downloads)) if downloads else None,
        works=targets.works(len(measured), len(tried)),
    )
