"""Which latency records may be folded: old enough, of a sure moment, and in every sink.

They are looked for line by line, each through the index of a line's records: what came late, or out
of an archive, is found however old it is, and what may not be folded costs nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, exists, func, select

from collector.domain.time_correction import TimeQuality
from collector.ledger.schema import corrections, lines, records, sinks

LOOK_LINES: Final = 1000
"""Looked at in one query: a place in an index for each of them and each month."""


class Found(NamedTuple):
    """Lines that have latency records to fold.

    Attributes:
        lines: their ids; None stands for the paths that belong to none.
        upto: the last line that was looked at; None: there is no other behind it.
    """

    lines: Sequence[str | None]
    upto: str | None


def find_lines(connection: Connection, before: datetime, after: str | None) -> Found:
    """Return those of the next lines that have something to fold.

    Args:
        connection: to the ledger.
        before: what is older is folded.
        after: where the last look ended; None: this is the first.
    """
    of_any = is_due(connection, before)
    oldest = select(func.min(records.c.measured_at)).where(*of_any)
    found: list[str | None] = []
    if after is None and connection.scalar(oldest.where(records.c.line_id.is_(None))) is not None:
        found.append(None)
    behind = lines.c.id > (after or "")
    ids = connection.scalars(
        select(lines.c.id).where(behind).order_by(lines.c.id).limit(LOOK_LINES)
    ).all()
    if ids:
        # Compared as a value: as an EXISTS a planner may go through the records of all lines.
        of_line = oldest.where(records.c.line_id == lines.c.id).correlate(lines).scalar_subquery()
        looked_at = behind, lines.c.id <= ids[-1]
        found += connection.scalars(
            select(lines.c.id).where(*looked_at, of_line.is_not(None)).order_by(lines.c.id)
        )
    return Found(found, ids[-1] if len(ids) == LOOK_LINES else None)


def is_due(connection: Connection, before: datetime) -> list[Any]:
    """Return the conditions that a record fulfils which may be folded.

    What is not on the disk of every sink may have to be written again; a record that got its moment
    late has its turn there behind a later one.
    """
    conditions = _is_old(before)
    settled = connection.scalar(select(func.min(sinks.c.settled)))
    if settled is None:
        return conditions
    has_its_turn = exists().where(
        corrections.c.probe_id == records.c.probe_id,
        corrections.c.record_id == records.c.id,
        corrections.c.after_id > settled,
    )
    return [*conditions, records.c.id <= settled, ~has_its_turn]


def _is_old(before: datetime) -> list[Any]:
    return [
        records.c.task == "latency",
        records.c.measured_at < before,
        records.c.outcome.is_not(None),
        records.c.time_quality != TimeQuality.NONE.value,
    ]


def count_old(connection: Connection, before: datetime) -> int:
    """Return how many records are old enough, whether every sink has them or not."""
    query = select(func.count()).select_from(records).where(*_is_old(before))
    return connection.execute(query).scalar_one()


def sinks_behind(connection: Connection) -> dict[str, int]:
    """Return up to where each sink has all on its disk, of those that have not everything."""
    newest = select(func.max(records.c.id)).scalar_subquery()
    query = select(sinks.c.name, sinks.c.settled).where(sinks.c.settled < newest)
    return {row.name: row.settled for row in connection.execute(query.order_by(sinks.c.name))}
