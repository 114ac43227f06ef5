"""The figures behind `/metrics`: few queries on small tables, whatever the ledger's size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, case, func, literal, select, union_all

from collector.domain.standing import Standing, standing
from collector.ledger.bookkeeping import series_of
from collector.ledger.newest import newest_records
from collector.ledger.schema import (
    SERIES_COLUMNS,
    chains,
    events,
    gaps,
    gone,
    ingest_totals,
    lines,
    outcome_totals,
    probe_paths,
    probes,
    quarantine,
    records,
    sites,
)

VALUE_COLUMNS = (
    "download_bits_per_second",
    "upload_bits_per_second",
    "idle_latency_seconds",
    "download_latency_seconds",
    "upload_latency_seconds",
    "round_trip_seconds",
    "delay_variation_seconds",
    "lost_ratio",
    "gateway_reached",
    "dns_reached",
    "ipv4_reached",
    "ipv6_reached",
    "server_reached",
)
"""The columns of a record that are shown as a line's latest values."""

LATENCY_COLUMNS = frozenset(
    {
        "idle_latency_seconds",
        "download_latency_seconds",
        "upload_latency_seconds",
        "round_trip_seconds",
        "delay_variation_seconds",
        "lost_ratio",
    }
)
"""Those of which a lower bound of the rate says nothing."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the ledger says of itself at one moment.

    Attributes:
        lines: id, site, carrier, ward, technology and speeds of every line.
        newest: of each line, task and series: its newest record's moment, outcome, time quality
            and values.
        measured_lines: the lines that a path of a probe measures which is not revoked.
        probes: id, site, whether enrolled and revoked, last seen.
        ingest: totals of each probe.
        outcomes: totals of each probe, path, task and outcome.
        events: kind and how often.
        quarantine: kind and how many records are kept.
        missing_records: in gaps, and not come since.
        forked_chains: chains with a fork.
        unaccounted_slots: of each probe, see `unaccounted_slots`.
    """

    lines: Sequence[RowMapping]
    newest: Sequence[RowMapping]
    measured_lines: frozenset[str]
    probes: Sequence[RowMapping]
    ingest: Sequence[RowMapping]
    outcomes: Sequence[RowMapping]
    events: dict[str, int]
    quarantine: dict[str, int]
    missing_records: int
    forked_chains: int
    unaccounted_slots: dict[str, int]


def read_figures(connection: Connection) -> Figures:
    """Return the figures as of now."""
    missing = gaps.c.to_seq - gaps.c.from_seq + 1 - gaps.c.filled
    return Figures(
        lines=_rows(connection, select(lines, sites.c.ward).join_from(lines, sites)),
        newest=_rows(
            connection,
            newest_records(
                connection,
                (
                    *SERIES_COLUMNS,
                    "outcome",
                    "flags",
                    "time_quality",
                    "ipv6_state",
                    *VALUE_COLUMNS,
                ),
            ),
        ),
        measured_lines=frozenset(
            connection.scalars(
                select(probe_paths.c.line_id)
                .join_from(probe_paths, probes, probes.c.id == probe_paths.c.probe_id)
                .where(probe_paths.c.line_id.is_not(None), probes.c.revoked_at.is_(None))
            )
        ),
        probes=_rows(
            connection,
            select(
                probes.c.id,
                probes.c.site_id,
                probes.c.public_key,
                probes.c.revoked_at,
                probes.c.last_seen_at,
            ),
        ),
        ingest=_rows(connection, select(ingest_totals)),
        outcomes=_rows(connection, select(outcome_totals)),
        events=_counts(connection, select(events.c.kind, func.sum(events.c["count"]))),
        quarantine=_counts(connection, select(quarantine.c.kind, func.count())),
        missing_records=int(
            connection.execute(
                select(func.coalesce(func.sum(case((missing > 0, missing), else_=0)), 0))
            ).scalar_one()
        ),
        forked_chains=connection.execute(
            select(func.count()).select_from(chains).where(chains.c.forked_at.is_not(None))
        ).scalar_one(),
        unaccounted_slots=unaccounted_slots(connection),
    )


def unaccounted_slots(connection: Connection) -> dict[str, int]:
    """Return how many slots of each probe came by the chains, but are not counted by outcome.

    Every place of a chain up to its end is missing, a tombstone, no valid record, or a slot that
    ended in one of the outcomes. The first four are told by the chains and the records themselves,
    the last by the totals, which are counted apart: the difference is 0, or something is wrong.
    """
    # One statement, so that all of it is of one moment on every database.
    parts = union_all(
        select(chains.c.probe_id, chains.c.next_seq.label("slots")),
        select(gaps.c.probe_id, gaps.c.filled - (gaps.c.to_seq - gaps.c.from_seq + 1)),
        select(records.c.probe_id, literal(-1)).where(records.c.tombstone.is_not(None)),
        select(quarantine.c.probe_id, literal(-1)).where(quarantine.c.kind == "invalid"),
        select(gone.c.probe_id, -gone.c.without_outcome),
        select(outcome_totals.c.probe_id, -outcome_totals.c.records),
    ).subquery()
    return _counts(connection, select(parts.c.probe_id, func.sum(parts.c.slots)))


def _rows(connection: Connection, query: Any) -> Sequence[RowMapping]:  # noqa: ANN401 - of any columns
    found: Sequence[RowMapping] = connection.execute(query).mappings().all()
    return found


def _counts(connection: Connection, query: Any) -> dict[str, int]:  # noqa: ANN401 - as above
    grouped = query.group_by(query.selected_columns[0])
    return {name: int(count) for name, count in connection.execute(grouped)}


def value_of(row: RowMapping, column: str) -> float | None:
    """Return a latest value; None where it was not measured or is none of the line's."""
    if column in LATENCY_COLUMNS and standing(row["flags"]) is Standing.AT_LEAST:
        return None
    value = row[column]
    return None if value is None else float(value)


def current(figures: Figures, now: datetime, latest_seconds: float) -> list[RowMapping]:
    """Return the newest records that are good to show as a line's latest values.

    Absent is never zero: not shown are tests that failed, were set aside by their flags, are older
    than ``latest_seconds``, have a moment that nobody vouches for, or were followed by a slot
    without a result that may be of the same series. Lower bounds and results by Wi-Fi are shown:
    whoever shows them says that they are (`collector.domain.standing`).
    """
    without: dict[tuple[str, str], list[RowMapping]] = {}
    for row in figures.newest:
        if row["outcome"] != "measured":
            without.setdefault((row["line_id"], row["task"]), []).append(row)

    def followed(row: RowMapping) -> bool:
        series = series_of(row)
        return any(
            other["measured_at"] > row["measured_at"] and series.fits(series_of(other))
            for other in without.get((row["line_id"], row["task"]), ())
        )

    return [
        row
        for row in figures.newest
        if row["outcome"] == "measured"
        and row["time_quality"] != "none"
        and standing(row["flags"]) is not Standing.ASIDE
        and (now - row["measured_at"]).total_seconds() <= latest_seconds
        and not followed(row)
    ]
