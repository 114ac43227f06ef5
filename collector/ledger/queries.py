"""What pages and API read of lines, sites and carriers. Functions take a connection.

A line's results over time are read by `collector.ledger.series_queries`, records as evidence by
`collector.ledger.proof_queries`. Nothing here writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from collector.domain.line_state import (
    Evidence,
    LineState,
    contract_share,
    holds_until,
    judge,
)
from collector.domain.series import SeriesId
from collector.domain.standing import OF_LATENCY, Median, Standing, standing
from collector.domain.words import in_order
from collector.ledger.known_lines import KnownLine, KnownLines
from collector.ledger.schema import carriers, lines, probe_paths, sites, to_moment
from protocol.results import Ipv6State


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of the registry with its site and carrier. Speeds are bits per second."""

    id: str
    site_id: str
    site_name: str
    ward: str | None
    address: str | None
    carrier_id: str
    carrier_name: str
    technology: str
    plan: str | None
    contracted_download_bits_per_second: int | None
    contracted_upload_bits_per_second: int | None
    declared_download_bits_per_second: int | None
    declared_upload_bits_per_second: int | None


@dataclass(frozen=True, slots=True)
class LineOverview:
    """A line, its state, and the newest of what was measured on it. Null: never measured.

    Attributes:
        line: from the registry.
        state: in one word, by `collector.domain.line_state`.
        heard_at: the moment of its newest record of any kind.
        tested_at: the moment of the newest speed test that counts, or where none does, of the
            newest that measured; its results follow.
        flags: of that test, a space between.
        latency_seconds: the newest idle latency, of a latency record without a flag, or else of
            that test. It and the latencies under load are null where that test has a flag.
        lost_ratio: of the newest latency record, if that counts.
        share: the lower of the medians' shares of the contracted speed, which the state rests on;
            null without a fair test or a contracted speed.
        series: the main one, which the state and the results of speed tests are of.
        ipv6: how far IPv6 goes, by the newest reachability check.
    """

    line: LineRow
    state: LineState
    heard_at: datetime | None
    tested_at: datetime | None
    flags: str
    download_bits_per_second: float | None
    upload_bits_per_second: float | None
    latency_seconds: float | None
    download_latency_seconds: float | None
    upload_latency_seconds: float | None
    lost_ratio: float | None
    share: Median | None
    series: SeriesId | None
    ipv6: Ipv6State | None

    @property
    def standing(self) -> Standing:
        """What the newest speed test's results are a value of."""
        return standing(self.flags)

    @property
    def at_least(self) -> bool:
        """Whether its rates are lower bounds."""
        return self.standing is Standing.AT_LEAST


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site, without what is not for everybody."""

    id: str
    name: str
    ward: str | None


# --- Lines and their state -------------------------------------------------------------------


class _Summary(NamedTuple):
    """A line's overview, what it follows from, and the moments at which it holds."""

    overview: LineOverview
    known: KnownLine
    since: datetime
    until: datetime | None

    def holds(self, line: LineRow, known: KnownLine, now: datetime) -> bool:
        """Return whether making it again would tell the same."""
        is_of_now = self.since <= now and (self.until is None or now <= self.until)
        return is_of_now and self.known is known and self.overview.line == line


class Before:
    """What the last overview was made from, so that the next takes less time; not for two threads.

    The answer is the same as without.
    """

    def __init__(self) -> None:
        self.known = KnownLines()
        self.summaries: dict[str, _Summary] = {}


def overview(
    connection: Connection, now: datetime, before: Before | None = None
) -> list[LineOverview]:
    """Return every line with its state, in the order of site and line."""
    before = before or Before()
    found = _line_rows(connection)
    servers = main_servers(connection)
    known = before.known.read(connection, {line.id: servers.get(line.id) for line in found})
    made = {}
    for line in found:
        kept = before.summaries.get(line.id)
        if kept is None or not kept.holds(line, known[line.id], now):
            kept = _summarise(line, known[line.id], now)
        made[line.id] = kept
    before.summaries = made
    return [kept.overview for kept in made.values()]


def _line_rows(connection: Connection) -> list[LineRow]:
    query = (
        select(
            lines.c.id,
            lines.c.site_id,
            sites.c.name.label("site_name"),
            sites.c.ward,
            sites.c.address,
            lines.c.carrier_id,
            carriers.c.name.label("carrier_name"),
            lines.c.technology,
            lines.c.plan,
            lines.c.contracted_download_bits_per_second,
            lines.c.contracted_upload_bits_per_second,
            lines.c.declared_download_bits_per_second,
            lines.c.declared_upload_bits_per_second,
        )
        .join_from(lines, sites)
        .join(carriers, carriers.c.id == lines.c.carrier_id)
    )
    rows: Sequence[Any] = connection.execute(query).all()
    found = [LineRow(*row) for row in rows]
    return sorted(found, key=lambda row: (in_order(row.site_name), row.id))


def main_servers(connection: Connection, line_ids: Sequence[str] | None = None) -> dict[str, str]:
    """Return the first server that a line's path names: the one that most of its tests go to.

    Args:
        connection: to the ledger.
        line_ids: of some lines; None: of all.
    """
    query = select(probe_paths.c.line_id, probe_paths.c.servers).where(
        probe_paths.c.line_id.is_not(None),
        probe_paths.c.servers.is_not(None),
        probe_paths.c.beside.is_(None),
    )
    if line_ids is not None:
        query = query.where(probe_paths.c.line_id.in_(line_ids))
    return {line: servers.split()[0] for line, servers in connection.execute(query)}


def _summarise(line: LineRow, known: KnownLine, now: datetime) -> _Summary:
    heard, test = known.heard, known.tested.shown
    evidence = Evidence(
        heard_at=heard.at,
        tests=known.tested.tests,
        reach=heard.reach,
        download_promise_bits_per_second=line.contracted_download_bits_per_second,
        upload_promise_bits_per_second=line.contracted_upload_bits_per_second,
    )
    flags = test.flags if test else ""
    unflagged = test if standing(flags) in OF_LATENCY else None
    ipv6 = heard.check.get("ipv6_state")
    made = LineOverview(
        line=line,
        state=judge(evidence, now),
        heard_at=heard.at,
        tested_at=test and to_moment(test.at_microseconds),
        flags=flags,
        download_bits_per_second=test and test.download_bits_per_second,
        upload_bits_per_second=test and test.upload_bits_per_second,
        latency_seconds=heard.latency.get(
            "round_trip_seconds", unflagged and unflagged.idle_latency_seconds
        ),
        download_latency_seconds=unflagged and unflagged.download_latency_seconds,
        upload_latency_seconds=unflagged and unflagged.upload_latency_seconds,
        lost_ratio=heard.latency.get("lost_ratio"),
        share=contract_share(evidence, now),
        series=known.tested.main,
        ipv6=Ipv6State(ipv6) if ipv6 else None,
    )
    return _Summary(made, known, now, holds_until(evidence, now))


# --- The registry ----------------------------------------------------------------------------


def sites_page(
    connection: Connection, ward: str | None, after: str | None, limit: int
) -> list[SiteRow]:
    """Return sites in the order of their ids, behind ``after``."""
    query = select(sites.c.id, sites.c.name, sites.c.ward).order_by(sites.c.id).limit(limit)
    if ward is not None:
        query = query.where(sites.c.ward == ward)
    if after is not None:
        query = query.where(sites.c.id > after)
    return [SiteRow(**row) for row in connection.execute(query).mappings()]


def carriers_page(connection: Connection) -> list[tuple[str, str]]:
    """Return id and name of every carrier, in the order of names."""
    query = select(carriers.c.id, carriers.c.name).order_by(func.lower(carriers.c.name))
    return [(row[0], row[1]) for row in connection.execute(query)]
