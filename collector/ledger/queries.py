"""What pages and API read of lines, sites and carriers. Functions take a connection.

A line's results over time are read by `collector.ledger.series_queries`, records as evidence by
`collector.ledger.proof_queries`. Nothing here writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from collector.domain.line_state import (
    Evidence,
    LineState,
    ReachCheck,
    RecentTest,
    contract_share,
    judge,
)
from collector.domain.series import Seen, SeriesId, main_series
from collector.domain.standing import OF_LATENCY, Median, Standing, standing
from collector.ledger.bookkeeping import series_of
from collector.ledger.elsewhere import was_elsewhere
from collector.ledger.recent import recent_speed
from collector.ledger.schema import (
    SERIES_COLUMNS,
    carriers,
    is_latest,
    latest,
    lines,
    probe_paths,
    records,
    sites,
)
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


def overview(connection: Connection, now: datetime) -> list[LineOverview]:
    """Return every line with its state, in the order of site and line."""
    found = _line_rows(connection)
    newest = _newest_records(connection)
    recent = _grouped(recent_speed(connection))
    servers = _main_servers(connection)
    return [
        _summarise(
            line,
            newest.get(line.id, ()),
            recent.get(line.id, ()),
            servers.get(line.id),
            now,
        )
        for line in found
    ]


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
        .order_by(sites.c.name, lines.c.id)
    )
    return [LineRow(**row) for row in connection.execute(query).mappings()]


def _newest_records(connection: Connection) -> dict[str, list[RowMapping]]:
    query = (
        select(
            latest.c.line_id,
            latest.c.task,
            latest.c.measured_at,
            records.c.outcome,
            records.c.flags,
            *(records.c[name] for name in SERIES_COLUMNS),
            records.c.ipv6_state,
            records.c.round_trip_seconds,
            records.c.lost_ratio,
            records.c.gateway_reached,
            records.c.dns_reached,
            records.c.ipv4_reached,
            records.c.ipv6_reached,
            records.c.server_reached,
        )
        .join_from(latest, records, is_latest())
        .order_by(latest.c.measured_at.desc())
    )
    return _grouped(connection.execute(query).mappings())


def _grouped(rows: Iterable[RowMapping]) -> dict[str, list[RowMapping]]:
    """Return rows by their line, keeping their order."""
    grouped: dict[str, list[RowMapping]] = {}
    for row in rows:
        grouped.setdefault(row["line_id"], []).append(row)
    return grouped


def _main_servers(connection: Connection) -> dict[str, str]:
    """Return the first server that a line's path names: the one that most of its tests go to."""
    query = select(probe_paths.c.line_id, probe_paths.c.servers).where(
        probe_paths.c.line_id.is_not(None),
        probe_paths.c.servers.is_not(None),
        probe_paths.c.beside.is_(None),
    )
    return {line: servers.split()[0] for line, servers in connection.execute(query)}


def _summarise(
    line: LineRow,
    newest: Sequence[RowMapping],
    recent: Sequence[RowMapping],
    server: str | None,
    now: datetime,
) -> LineOverview:
    seen = (Seen(series_of(row), row["outcome"], row["flags"]) for row in recent)
    main = main_series(seen, server)
    of_main = [row for row in recent if _is_of(row, main)]
    measured = [row for row in of_main if row["outcome"] == "measured"]
    heard_at = newest[0]["measured_at"] if newest else None
    newest = [row for row in newest if not was_elsewhere(row)]
    evidence = Evidence(
        heard_at=heard_at,
        tests=[
            RecentTest(
                row["measured_at"],
                row["outcome"],
                row["flags"],
                row["failure_code"],
                row["download_bits_per_second"],
                row["upload_bits_per_second"],
            )
            for row in of_main
        ],
        reach=_reach(newest, main),
        download_promise_bits_per_second=line.contracted_download_bits_per_second,
        upload_promise_bits_per_second=line.contracted_upload_bits_per_second,
    )
    counted = [row for row in measured if standing(row["flags"]).counts]
    test: Mapping[Any, Any] = next(iter(counted or measured), {})
    latency: Mapping[Any, Any] = next(
        (
            row
            for row in newest
            if row["task"] == "latency"
            and row["outcome"] == "measured"
            and standing(row["flags"]) in OF_LATENCY
            and _goes_with(row, main)
        ),
        {},
    )
    unflagged = test if standing(test.get("flags", "")) in OF_LATENCY else {}
    check = _newest_check(newest, main)
    state = check["ipv6_state"] if check else None
    return LineOverview(
        line=line,
        state=judge(evidence, now),
        heard_at=evidence.heard_at,
        tested_at=test.get("measured_at"),
        flags=test.get("flags", ""),
        download_bits_per_second=test.get("download_bits_per_second"),
        upload_bits_per_second=test.get("upload_bits_per_second"),
        latency_seconds=latency.get("round_trip_seconds", unflagged.get("idle_latency_seconds")),
        download_latency_seconds=unflagged.get("download_latency_seconds"),
        upload_latency_seconds=unflagged.get("upload_latency_seconds"),
        lost_ratio=latency.get("lost_ratio"),
        share=contract_share(evidence, now),
        series=main,
        ipv6=Ipv6State(state) if state else None,
    )


def _is_of(row: RowMapping, main: SeriesId | None) -> bool:
    """Return whether a speed record is of the main series, or may be, where it has no result."""
    own = series_of(row)
    if main is None or row["outcome"] == "measured":
        return own == main
    return main.fits(own)


def _goes_with(row: RowMapping, main: SeriesId | None) -> bool:
    """Return whether a latency record was made over the main series' path and family."""
    way = (row["probe_id"], row["path"], row["ip_version"])
    return main is None or way == (main.probe, main.path, main.ip_version)


def _newest_check(newest: Sequence[RowMapping], main: SeriesId | None) -> RowMapping | None:
    """Return the newest reachability check of the main series' path, or of any."""
    checks = [row for row in newest if row["task"] == "reach"]
    way = (main.probe, main.path) if main else None
    own = (row for row in checks if (row["probe_id"], row["path"]) == way)
    return next(own, checks[0] if checks else None)


def _reach(newest: Sequence[RowMapping], main: SeriesId | None) -> ReachCheck | None:
    """Return the newest reachability check; None where there was none."""
    check = _newest_check(newest, main)
    if check is None:
        return None
    return ReachCheck(
        gateway=check["gateway_reached"],
        resolver=check["dns_reached"],
        far_ends=(check["ipv4_reached"], check["ipv6_reached"]),
        server=check["server_reached"],
    )


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
