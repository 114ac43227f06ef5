"""Tells whether a line's month is still what somebody read before, and what came since.

Records of a month that is over may come late, be dated anew or be folded at any time. What is read
twice, in two transactions, has to be the same: a mark is taken together with the first reading.
"""

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Connection, func, literal, select, type_coerce

from collector.ledger.schema import latency_hours, records, to_microseconds

TASKS: Final = ("speed", "latency", "reach")
"""Named in a query, they let an index find a line's records of a time."""


class MonthMark(NamedTuple):
    """What a line's month was.

    Attributes:
        newest: the highest id of its records; 0: it has none.
        records: how many there are.
        moments: the sum of their moments, microseconds from the month's beginning.
        folded: how many are in hours.
    """

    newest: int
    records: int
    moments: int
    folded: int


def read_mark(
    connection: Connection,
    line_id: str,
    span: tuple[datetime, datetime],
    upto: int | None = None,
) -> MonthMark:
    """Return what a line's month is.

    Args:
        connection: to the ledger.
        line_id: of the line.
        span: from its first moment until before the next month's.
        upto: the highest id that counts; None: all do.
    """
    start, end = span
    at = records.c.measured_at
    since = type_coerce(at, BigInteger) - literal(to_microseconds(start), BigInteger)
    query = select(func.max(records.c.id), func.count(), func.sum(since)).where(
        records.c.line_id == line_id, records.c.task.in_(TASKS), at >= start, at < end
    )
    if upto is not None:
        query = query.where(records.c.id <= upto)
    newest, count, moments = connection.execute(query).one()
    in_hours = select(func.sum(latency_hours.c.records)).where(
        latency_hours.c.line_id == line_id,
        latency_hours.c.hour >= start,
        latency_hours.c.hour < end,
    )
    return MonthMark(newest or 0, count, int(moments or 0), int(connection.scalar(in_hours) or 0))
