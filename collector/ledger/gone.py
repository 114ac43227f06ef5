"""Months that leave the ledger: their records, seals and what was kept apart, all at once.

What the ledger goes by stays: totals, the chains' ends, gaps, and how many places of each probe's
chains ended in no outcome. The records themselves are in an archive then, or nowhere.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, union_all, update

from collector.domain.placement import Kept
from collector.errors import LedgerError
from collector.ledger.engines import take_time
from collector.ledger.months import BY_MONTH, drop_month, span_of
from collector.ledger.schema import (
    chains,
    draw_stamp,
    facts,
    gaps,
    gone,
    latest,
    quarantine,
    records,
    sinks,
)
from collector.ledger.upsert import replace
from protocol.chain import Link

MONTH_LEFT: Final = "month_left"
"""The fact that is another whenever a month has left."""


def remove_month(connection: Connection, month: datetime, now: datetime) -> int:
    """Take a month out of the ledger; return how many records left.

    Counting them is one walk through an index of the month. What follows is at once on PostgreSQL,
    where the month has tables of its own; SQLite deletes row by row.

    Args:
        connection: that writes, alone in its transaction.
        month: a moment in it.
        now: this moment.

    Raises:
        LedgerError: the month is not over, or a sink has not taken all of it.
    """
    start, end = span_of(month)
    if end > now:
        raise LedgerError(f"{start:%Y-%m} (UTC) is not over: records still come")
    take_time(connection)
    _refuse_before_sinks(connection, start, end)
    count = _keep_counts(connection, start, end)
    _keep_ends(connection, start, end)
    connection.execute(
        delete(latest).where(latest.c.received_at >= start, latest.c.received_at < end)
    )
    # What stays in `latest` cannot tell that records behind it left.
    replace(connection, facts, {"name": MONTH_LEFT, "value": str(draw_stamp())}, ["value"])
    if connection.dialect.name == "postgresql":
        drop_month(connection, start)
    else:
        for table in BY_MONTH:
            within = table.c.received_at >= start, table.c.received_at < end
            connection.execute(delete(table).where(*within))
    return count


def gone_places(
    connection: Connection, probe: str, links: Sequence[Link], before: int
) -> dict[int, Kept]:
    """Return the links that were here before their months left: all but those that never came.

    Args:
        connection: to the ledger.
        probe: whose chain.
        links: of a batch, in order.
        before: the chain's `gone_before`.
    """
    chain, first = links[0].chain, links[0].seq
    query = select(gaps.c.from_seq, gaps.c.to_seq).where(
        gaps.c.probe_id == probe,
        gaps.c.chain == chain,
        gaps.c.to_seq >= first,
        gaps.c.from_seq < before,
    )
    missing = [range(row.from_seq, row.to_seq + 1) for row in connection.execute(query)]
    return {
        link.seq: Kept(link.hash, link.prev, tombstone=link.tombstone)
        for link in links
        if link.seq < before and not any(link.seq in span for span in missing)
    }


def _refuse_before_sinks(connection: Connection, start: datetime, end: datetime) -> None:
    behind = select(sinks.c.name).where(
        # What is not on the far end's disk may have to be written again.
        sinks.c.settled
        < select(func.max(records.c.id))
        .where(records.c.received_at >= start, records.c.received_at < end)
        .scalar_subquery()
    )
    names = list(connection.scalars(behind))
    if names:
        raise LedgerError(f"{start:%Y-%m} is not in every sink yet: {', '.join(sorted(names))}")


def _keep_counts(connection: Connection, start: datetime, end: datetime) -> int:
    within = and_(records.c.received_at >= start, records.c.received_at < end)
    apart = and_(quarantine.c.received_at >= start, quarantine.c.received_at < end)
    parts = union_all(
        select(records.c.probe_id).where(within, records.c.tombstone.is_not(None)),
        select(quarantine.c.probe_id).where(apart, quarantine.c.kind == "invalid"),
    ).subquery()
    counted = select(parts.c.probe_id, func.count()).group_by(parts.c.probe_id)
    month = start.astimezone(UTC).strftime("%Y-%m")
    for probe, count in connection.execute(counted).all():
        row = {"probe_id": probe, "month": month, "without_outcome": count}
        replace(connection, gone, row, ["without_outcome"])
    whole = select(func.count()).select_from(records).where(within)
    return connection.execute(whole).scalar_one()


def _keep_ends(connection: Connection, start: datetime, end: datetime) -> None:
    ends = (
        select(records.c.probe_id, records.c.chain, func.max(records.c.seq) + 1)
        .where(records.c.received_at >= start, records.c.received_at < end)
        .group_by(records.c.probe_id, records.c.chain)
    )
    rows = [
        {"probe": probe, "of_chain": chain, "before": before}
        for probe, chain, before in connection.execute(ends)
    ]
    if rows:
        connection.execute(
            update(chains)
            .where(
                chains.c.probe_id == bindparam("probe"),
                chains.c.chain == bindparam("of_chain"),
                or_(chains.c.gone_before.is_(None), chains.c.gone_before < bindparam("before")),
            )
            .values(gone_before=bindparam("before")),
            rows,
        )
