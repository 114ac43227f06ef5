"""What operators read: probes, exact bytes, chains and seals, and what was kept apart or refused.

Every function takes a connection and returns plain values; nothing here writes.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from collector.ledger.schema import (
    chains,
    events,
    gaps,
    probe_paths,
    probes,
    quarantine,
    records,
    seals,
    sites,
)
from collector.ledger.series_queries import RESULT_COLUMNS


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """A probe as operators see it.

    Attributes:
        id: of the probe.
        site_name: where it is.
        line_ids: the lines that its paths measure.
        enrolled_at: null where it never was.
        revoked_at: null where its key is good.
        last_seen_at: its last request with a good token.
        software: as it said at its last enrolment or delivery.
        model: of the device.
        chain: the chain that it wrote to last; null where nothing came.
        next_seq: the first seq of that chain that is not here.
        missing: records of all its chains that are known to be missing.
        delivered_at: when its newest record came.
        measured_at: the moment that the newest record is about: how far its backlog has come.
        time_quality: of that record: what its clock was worth.
    """

    id: str
    site_name: str
    line_ids: tuple[str, ...]
    enrolled_at: datetime | None
    revoked_at: datetime | None
    last_seen_at: datetime | None
    software: str | None
    model: str | None
    chain: str | None
    next_seq: int | None
    missing: int
    delivered_at: datetime | None
    measured_at: datetime | None
    time_quality: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """A record, exactly, and what vouches for it.

    Attributes:
        row: as `collector.ledger.series_queries.RESULT_COLUMNS`, with ``prev`` and ``line``.
        previous_hash: the hash of the record before it; null where that one is not here.
        seal: seq, hash, signature and received_at of the first seal at or behind it, or null.
    """

    row: RowMapping
    previous_hash: str | None
    seal: RowMapping | None


def probes_page(connection: Connection, after: str | None, limit: int) -> list[ProbeRow]:
    """Return probes in the order of their ids, behind ``after``."""
    query = (
        select(probes, sites.c.name.label("site_name"))
        .join_from(probes, sites)
        .order_by(probes.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(probes.c.id > after)
    found = list(connection.execute(query).mappings())
    ids = [row["id"] for row in found]
    paths = _lines_of(connection, ids)
    newest = _newest_chains(connection, ids)
    missing = _missing(connection, ids)
    last = _last_records(connection, ids)
    rows = []
    for row in found:
        chain = newest.get(row["id"])
        record = last.get(row["id"])
        rows.append(
            ProbeRow(
                id=row["id"],
                site_name=row["site_name"],
                line_ids=paths.get(row["id"], ()),
                enrolled_at=row["enrolled_at"],
                revoked_at=row["revoked_at"],
                last_seen_at=row["last_seen_at"],
                software=row["software"],
                model=row["model"],
                chain=chain["chain"] if chain else None,
                next_seq=chain["next_seq"] if chain else None,
                missing=missing.get(row["id"], 0),
                delivered_at=chain["last_received_at"] if chain else None,
                measured_at=record["measured_at"] if record else None,
                time_quality=record["time_quality"] if record else None,
            )
        )
    return rows


def _lines_of(connection: Connection, ids: list[str]) -> dict[str, tuple[str, ...]]:
    query = (
        select(probe_paths.c.probe_id, probe_paths.c.line_id)
        .where(probe_paths.c.probe_id.in_(ids), probe_paths.c.line_id.is_not(None))
        .order_by(probe_paths.c.name)
    )
    found: dict[str, tuple[str, ...]] = {}
    for probe_id, line_id in connection.execute(query):
        found[probe_id] = (*found.get(probe_id, ()), line_id)
    return found


def _newest_chains(connection: Connection, ids: list[str]) -> dict[str, RowMapping]:
    query = select(chains).where(chains.c.probe_id.in_(ids)).order_by(chains.c.last_received_at)
    # The last one wins: the chain that was written to most recently.
    return {row["probe_id"]: row for row in connection.execute(query).mappings()}


def _missing(connection: Connection, ids: list[str]) -> dict[str, int]:
    open_records = gaps.c.to_seq - gaps.c.from_seq + 1 - gaps.c.filled
    query = (
        select(gaps.c.probe_id, func.sum(open_records))
        .where(gaps.c.probe_id.in_(ids))
        .group_by(gaps.c.probe_id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _last_records(connection: Connection, ids: list[str]) -> dict[str, RowMapping]:
    """Return moment and time quality of each probe's newest record, in one statement."""
    newest = (
        select(records.c.measured_at)
        .where(records.c.probe_id == probes.c.id, records.c.measured_at.is_not(None))
        .order_by(records.c.measured_at.desc())
        .limit(1)
        .correlate(probes)
    )
    query = select(
        probes.c.id,
        newest.scalar_subquery().label("measured_at"),
        newest.with_only_columns(records.c.time_quality).scalar_subquery().label("time_quality"),
    ).where(probes.c.id.in_(ids))
    found = connection.execute(query).mappings()
    return {row["id"]: row for row in found if row["measured_at"] is not None}


def proof(connection: Connection, probe_id: str, chain: str, seq: int) -> Proof | None:
    """Return a record with its bytes and what vouches for it; None where it is not here."""
    here = (records.c.probe_id == probe_id) & (records.c.chain == chain)
    row = (
        connection.execute(
            select(*RESULT_COLUMNS, records.c.prev, records.c.line).where(
                here, records.c.seq == seq
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    previous = connection.scalar(select(records.c.hash).where(here, records.c.seq == seq - 1))
    seal = (
        connection.execute(
            select(seals.c.seq, seals.c.hash, seals.c.signature, seals.c.received_at)
            .where(seals.c.probe_id == probe_id, seals.c.chain == chain, seals.c.seq >= seq)
            .order_by(seals.c.seq)
            .limit(1)
        )
        .mappings()
        .first()
    )
    return Proof(row, previous, seal)


def records_page(
    connection: Connection,
    probe_id: str | None,
    line_id: str | None,
    task: str | None,
    before_id: int | None,
    limit: int,
) -> list[RowMapping]:
    """Return records as `RESULT_COLUMNS`, the newest arrival first.

    Args:
        connection: to the ledger.
        probe_id: only of this probe.
        line_id: only of this line.
        task: only of this task.
        before_id: the id of the last record of the page before.
        limit: how many.
    """
    query = select(*RESULT_COLUMNS).order_by(records.c.id.desc()).limit(limit)
    for column, wanted in (
        (records.c.probe_id, probe_id),
        (records.c.line_id, line_id),
        (records.c.task, task),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if before_id is not None:
        query = query.where(records.c.id < before_id)
    return list(connection.execute(query).mappings())


def quarantine_page(connection: Connection, before_id: int | None, limit: int) -> list[RowMapping]:
    """Return what is kept apart, the newest first, without its bytes."""
    query = (
        select(*(column for column in quarantine.c if column.name != "line"))
        .order_by(quarantine.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(quarantine.c.id < before_id)
    return list(connection.execute(query).mappings())


def gaps_newest(connection: Connection, limit: int) -> list[RowMapping]:
    """Return the gaps that were noticed last, those that are still open first."""
    is_open = gaps.c.filled < gaps.c.to_seq - gaps.c.from_seq + 1
    query = select(gaps).order_by(is_open.desc(), gaps.c.noticed_at.desc()).limit(limit)
    return list(connection.execute(query).mappings())


def events_since(connection: Connection, first_day: str, limit: int) -> list[RowMapping]:
    """Return refusals and other events from a day (YYYY-MM-DD, UTC) on, the newest first."""
    query = (
        select(events)
        .where(events.c.day >= first_day)
        .order_by(events.c.last_at.desc())
        .limit(limit)
    )
    return list(connection.execute(query).mappings())
