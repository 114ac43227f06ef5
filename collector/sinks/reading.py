"""Pages of the ledger as points, in the order of their ids, no more than some at once.

A record whose moment nobody vouches for is held back: under a wrong time it would stay in the
series for ever. Once it has its moment it has a row in `corrections`, whose turn comes behind the
record that brought it; there it is written, and only there.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.sql.selectable import FromClause

from collector.domain.time_correction import TimeQuality
from collector.ledger.recent import MEASURED_LATER
from collector.ledger.schema import corrections, lines, records, sites
from collector.sinks.keeping import Aside
from collector.sinks.lines import Identity, lines_of
from collector.sinks.series import MEASUREMENTS

Place = tuple[int, str, int]
"""Where a page of corrections ends: behind which record, whose, which."""


@dataclass(frozen=True, slots=True)
class Point:
    """A record as line protocol; one with flags has several lines."""

    probe_id: str
    record_id: int
    lines: tuple[str, ...]


@dataclass(slots=True)
class Page:
    """Records that were read at once.

    Attributes:
        points: to be written.
        impossible: those that no series database holds.
        held_back: how many wait for their moment.
        end: the id of the last record that was read; None: there was none.
        place: the same for corrections.
    """

    points: list[Point] = field(default_factory=list)
    impossible: list[Aside] = field(default_factory=list)
    held_back: int = 0
    end: int | None = None
    place: Place | None = None

    @property
    def records(self) -> int:
        """How many were read."""
        return len(self.points) + len(self.impossible) + self.held_back


def read_page(connection: Connection, after: int, upto: int, limit: int) -> Page:
    """Return the records behind ``after``, up to ``upto``, ``limit`` at most."""
    query = (
        _selected(_was_corrected(records).label("later"), corrected=False)
        .where(records.c.id > after, records.c.id <= upto)
        .order_by(records.c.id)
        .limit(limit)
    )
    page = Page()
    for row in connection.execute(query):
        page.end = row.id
        if row.later or row.time_quality == TimeQuality.NONE.value:
            page.held_back += 1
        else:
            _add(page, row)
    return page


def read_corrections(
    connection: Connection, after: int, upto: int, limit: int, behind: Place | None = None
) -> Page:
    """Return the records whose moment came with those behind ``after``, up to ``upto``.

    Args:
        connection: to read with.
        after: the cursor.
        upto: where it is going.
        limit: how many at most.
        behind: the `Page.place` of the page before; None: the first page.
    """
    place = (corrections.c.after_id, corrections.c.probe_id, corrections.c.record_id)
    query = (
        _selected(corrections.c.after_id, corrected=True)
        .where(corrections.c.after_id > after, corrections.c.after_id <= upto)
        .order_by(*place)
        .limit(limit)
    )
    if behind is not None:
        query = query.where(tuple_(*place) > tuple_(*behind))
    page = Page()
    for row in connection.execute(query):
        page.place = (row.after_id, row.probe_id, row.id)
        _add(page, row)
    return page


def _selected(beside: ColumnElement[Any], *, corrected: bool) -> Select[Any]:
    """Return what is read of a record: its identity first, then its fields' values.

    Args:
        beside: one more column.
        corrected: whether it is a record of `corrections`.
    """
    columns = [
        _twins(corrected=corrected).label("twin") if name == "twin" else _column(name)
        for name in Identity._fields
    ]
    moment = type_coerce(records.c.measured_at, BigInteger).label("microseconds")
    found = records.outerjoin(lines, lines.c.id == records.c.line_id).outerjoin(
        sites, sites.c.id == lines.c.site_id
    )
    if corrected:
        found = corrections.join(found, _is_of(records))
    values = [_column(name) for name in _VALUES]
    query = select(*columns, *values, records.c.id, records.c.time_quality, moment, beside)
    return query.select_from(found)


def _twins(*, corrected: bool) -> ColumnElement[int]:
    """Return how many other records could have the same tags and the same millisecond.

    Counted are those that were written first: of the records with a moment from the beginning those
    with a lower id; of the corrected ones all of the former, and those with a lower id. So each has
    its own number, and has it again whenever it is written again.
    """
    other = records.alias("other")
    own = type_coerce(records.c.measured_at, BigInteger)
    begin = own - own % 1000
    before = other.c.id < records.c.id
    first = ~_was_corrected(other)
    return (
        select(func.count())
        .where(
            other.c.probe_id == records.c.probe_id,
            type_coerce(other.c.measured_at, BigInteger).between(begin, begin + 999),
            # PostgreSQL leaves out the months before.
            type_coerce(other.c.received_at, BigInteger) >= begin - MEASURED_LATER,
            other.c.task == records.c.task,
            other.c.path == records.c.path,
            other.c.time_quality != TimeQuality.NONE.value,
            other.c.id != records.c.id,
            or_(first, before) if corrected else and_(before, first),
        )
        .correlate(records)
        .scalar_subquery()
    )


def _was_corrected(table: FromClause) -> ColumnElement[bool]:
    return exists().where(
        corrections.c.probe_id == table.c.probe_id, corrections.c.record_id == table.c.id
    )


def _is_of(table: FromClause) -> ColumnElement[bool]:
    return and_(
        table.c.id == corrections.c.record_id,
        table.c.probe_id == corrections.c.probe_id,
        table.c.received_at == corrections.c.received_at,
    )


def _column(name: str) -> ColumnElement[Any]:
    """Return a column of the record, or else of its line, or else of its site."""
    for table in (records, lines, sites):
        if name in table.c:
            return table.c[name]
    raise KeyError(name)


_VALUES: Final = tuple({field.column: 0 for one in MEASUREMENTS.values() for field in one.fields})
"""The columns of all fields, each once."""

_AT: Final = {
    task: tuple(len(Identity._fields) + _VALUES.index(field.column) for field in one.fields)
    for task, one in MEASUREMENTS.items()
}
"""Where in a row the values of a task's fields are."""


def _add(page: Page, row: Row[Any]) -> None:
    identity = Identity(*row[: len(Identity._fields)])
    try:
        found = lines_of(identity, row.microseconds, [row[at] for at in _AT[identity.task]])
    except ValueError as error:
        page.impossible.append(Aside(row.probe_id, row.id, str(error)))
    else:
        page.points.append(Point(row.probe_id, row.id, tuple(found)))
