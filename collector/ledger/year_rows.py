"""Reads what a year's report asks besides months: sites, ways over Wi-Fi, days of IPv6.

Functions take a connection. Records are found by the index of charts and series alone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, func, select, type_coerce

from collector.domain.time_correction import TimeQuality
from collector.domain.words import in_order
from collector.ledger.schema import lines, probe_paths, probes, records, sites, to_microseconds
from protocol.flags import ELSEWHERE, Flag
from protocol.records import Outcome

_DAY: Final = timedelta(days=1)
_DAY_MICROSECONDS: Final = 86_400_000_000


class SiteRow(NamedTuple):
    """A site, as much of it as is public."""

    id: str
    name: str
    ward: str | None
    kind: str | None


class LineRow(NamedTuple):
    """A line of a site.

    Attributes:
        given_up_at: when the last of the probes that measured it was refused; None: one measures
            it, or none ever did.
    """

    id: str
    site: str
    technology: str
    created_at: datetime
    given_up_at: datetime | None


class WifiWay(NamedTuple):
    """A way over Wi-Fi that a probe measures beside the wired one."""

    site: str
    probe: str
    path: str
    line: str


class WifiDays(NamedTuple):
    """What came of the tests of a way in a month.

    Attributes:
        measured: local days with a result.
        tried: days with a test, whatever came of it.
        downloads: bit/s, of all results.
    """

    measured: frozenset[date]
    tried: frozenset[date]
    downloads: Sequence[float]


def read_sites(connection: Connection) -> list[SiteRow]:
    """Return all sites, by ward and name."""
    query = select(sites.c.id, sites.c.name, sites.c.ward, sites.c.kind)
    found = [SiteRow(*row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (in_order(one.ward or ""), in_order(one.name), one.id))


def read_site_lines(connection: Connection, site_ids: Collection[str]) -> list[LineRow]:
    """Return the lines of some sites."""
    query = select(lines.c.id, lines.c.site_id, lines.c.technology, lines.c.created_at)
    rows = connection.execute(query.order_by(lines.c.id)).all()
    given_up = _given_up(connection)
    return [LineRow(*row, given_up.get(row.id)) for row in rows if row.site_id in site_ids]


def _given_up(connection: Connection) -> dict[str, datetime]:
    """Return when each line was given up of which all probes are refused."""
    query = (
        select(probe_paths.c.line_id, probes.c.revoked_at)
        .join_from(probe_paths, probes)
        .where(probe_paths.c.line_id.is_not(None))
    )
    found: dict[str, list[datetime | None]] = defaultdict(list)
    for line, revoked_at in connection.execute(query):
        found[line].append(revoked_at)
    known = {line: [one for one in moments if one] for line, moments in found.items()}
    return {line: max(known[line]) for line, moments in found.items() if all(moments)}


def has_tests(
    connection: Connection, line_ids: Iterable[str], start: datetime, end: datetime
) -> bool:
    """Return whether any of some lines has a speed record of a time."""
    at = records.c.measured_at
    of_time = (records.c.task == "speed", at >= start, at < end)
    return any(
        connection.scalar(select(records.c.id).where(records.c.line_id == one, *of_time).limit(1))
        is not None
        for one in line_ids
    )


def read_wifi_ways(connection: Connection) -> list[WifiWay]:
    """Return the ways that probes of today measure beside another of the same line."""
    query = (
        select(probes.c.site_id, probe_paths.c.probe_id, probe_paths.c.name, probe_paths.c.line_id)
        .join_from(probe_paths, probes)
        .where(
            probe_paths.c.beside.is_not(None),
            probe_paths.c.line_id.is_not(None),
            probes.c.revoked_at.is_(None),
        )
        .order_by(probe_paths.c.probe_id, probe_paths.c.name)
    )
    return [WifiWay(*row) for row in connection.execute(query)]


def read_wifi_days(
    connection: Connection, way: WifiWay, span: tuple[datetime, datetime], zone: ZoneInfo
) -> WifiDays:
    """Return what came of a way's speed tests.

    A result counts here with whatever other flags it has: Wi-Fi that carried a test at the limit
    of the device did work. What did not go this way does not count.

    Args:
        connection: to read with.
        way: which.
        span: from a moment until before another.
        zone: in which days begin and end.
    """
    start, end = span
    at = records.c.measured_at
    columns = (at, records.c.outcome, records.c.flags, records.c.download_bits_per_second)
    query = select(*columns).where(
        records.c.line_id == way.line,
        records.c.task == "speed",
        at >= start,
        at < end,
        records.c.probe_id == way.probe,
        records.c.path == way.path,
        records.c.time_quality != TimeQuality.NONE.value,
        records.c.outcome.in_([Outcome.MEASURED.value, Outcome.FAILED.value]),
    )
    measured, tried, downloads = set(), set(), []
    for moment, outcome, flags, download in connection.execute(query.order_by(at, records.c.id)):
        raised = set(flags.split())
        if raised & ELSEWHERE:
            continue
        day = moment.astimezone(zone).date()
        tried.add(day)
        if outcome == Outcome.MEASURED.value and Flag.WIFI in raised:
            measured.add(day)
            if download is not None:
                downloads.append(download)
    return WifiDays(frozenset(measured), frozenset(tried), downloads)


def read_ipv6_days(
    connection: Connection, line_id: str, days: tuple[date, date], zone: ZoneInfo
) -> dict[date, dict[str, int]]:
    """Return of each local day how many reach records of a line said which state of IPv6.

    Args:
        connection: to read with.
        line_id: whose.
        days: the first, and the one behind the last.
        zone: in which days begin and end.
    """
    found: dict[date, dict[str, int]] = defaultdict(dict)
    at = records.c.measured_at
    for first, last, start, end in _runs(*days, zone):
        number = (type_coerce(at, BigInteger) - to_microseconds(start)) // _DAY_MICROSECONDS
        query = (
            select(number.label("day"), records.c.ipv6_state, records.c.flags, func.count())
            .where(
                records.c.line_id == line_id,
                records.c.task == "reach",
                at >= start,
                at < end,
                records.c.ipv6_state.is_not(None),
                records.c.time_quality != TimeQuality.NONE.value,
            )
            .group_by("day", records.c.ipv6_state, records.c.flags)
        )
        for count, state, flags, many in connection.execute(query):
            if ELSEWHERE.isdisjoint(flags.split()):
                # The 25th hour of a day on which clocks change is of that day, too.
                states = found[min(first + int(count) * _DAY, last)]
                states[state] = states.get(state, 0) + many
    return dict(found)


def _runs(
    first: date, behind: date, zone: ZoneInfo
) -> Iterator[tuple[date, date, datetime, datetime]]:
    """Yield runs of days of 24 hours, and each other day by itself: its days, its moments."""

    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=zone)

    begin, day = first, first
    while day < behind:
        length = to_microseconds(midnight(day + _DAY)) - to_microseconds(midnight(day))
        if length != _DAY_MICROSECONDS:
            if begin < day:
                yield begin, day - _DAY, midnight(begin), midnight(day)
            yield day, day, midnight(day), midnight(day + _DAY)
            begin = day + _DAY
        day += _DAY
    if begin < behind:
        yield begin, behind - _DAY, midnight(begin), midnight(behind)
