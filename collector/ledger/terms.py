"""Lines' terms with their history: stated, read for a month, and shown as today's.

`line_terms` is the truth, and only ever grows (`collector.domain.terms`). The columns of the same
names in `lines` are today's copy of it, for lists, metrics, API and sinks, which ask for them all
the time: `show_today` writes them, after each statement and with each round of housekeeping, so
that terms from a later day appear on that day, within the hour. Nothing else writes them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from collector.domain.terms import (
    TERMS_FIELDS,
    Part,
    Period,
    Terms,
    parts_between,
    period_on,
)
from collector.ledger.schema import line_terms, lines

SHOWN: Final = tuple(name for name in TERMS_FIELDS if name in lines.c)
"""What `lines` has of today's terms."""

_AT_ONCE: Final = 1000
"""Lines in one query, rows in one statement."""


def terms_between(
    connection: Connection,
    line_ids: Iterable[str],
    first_day: date,
    last_day: date,
    *,
    known_at: datetime | None = None,
) -> dict[str, list[Part]]:
    """Return of each line the days from one to another, divided where its terms changed.

    Args:
        connection: to read with.
        line_ids: whose.
        first_day: local, included.
        last_day: included.
        known_at: what was believed at this moment; None: what is believed now.

    Returns:
        Each day of each line once, in order. Where nothing was known, all of the terms are null.
    """
    names = list(line_ids)
    stated = read_stated(connection, names, known_at=known_at)
    return {name: parts_between(stated.get(name, ()), first_day, last_day) for name in names}


def read_stated(
    connection: Connection,
    line_ids: Iterable[str] | None = None,
    *,
    known_at: datetime | None = None,
) -> dict[str, list[Period]]:
    """Return the statements about lines, or about all, in the order in which they were recorded."""
    found: dict[str, list[Period]] = defaultdict(list)
    for row in _rows(connection, line_ids, known_at):
        found[row["line_id"]].append(_period(row))
    return dict(found)


def _rows(
    connection: Connection, line_ids: Iterable[str] | None, known_at: datetime | None
) -> Iterator[RowMapping]:
    query = select(line_terms).order_by(line_terms.c.line_id, line_terms.c.number)
    if known_at is not None:
        query = query.where(line_terms.c.recorded_at <= known_at)
    if line_ids is None:
        yield from connection.execute(query).mappings()
        return
    for part in _parts(sorted(set(line_ids))):
        yield from connection.execute(query.where(line_terms.c.line_id.in_(part))).mappings()


def recorded(
    connection: Connection, line_ids: Iterable[str]
) -> dict[str, list[tuple[datetime, Period]]]:
    """Return the statements about lines with the moments at which they were recorded, in order."""
    found: dict[str, list[tuple[datetime, Period]]] = defaultdict(list)
    for row in _rows(connection, line_ids, None):
        found[row["line_id"]].append((row["recorded_at"], _period(row)))
    return dict(found)


def _period(row: RowMapping) -> Period:
    since = row["contract_since"]
    values = {name: row[name] for name in TERMS_FIELDS}
    terms = Terms(**values | {"contract_since": since and date.fromisoformat(since)})
    first, last = row["valid_from"], row["valid_until"]
    return Period(first and date.fromisoformat(first), last and date.fromisoformat(last), terms)


def _row(period: Period) -> dict[str, Any]:
    values = {name: getattr(period.terms, name) for name in TERMS_FIELDS}
    since = period.terms.contract_since
    return values | {
        "contract_since": since and since.isoformat(),
        "valid_from": period.first and period.first.isoformat(),
        "valid_until": period.last and period.last.isoformat(),
    }


def state(
    connection: Connection,
    stated: Sequence[tuple[str, Period]],
    now: datetime,
    today: date,
) -> None:
    """Add statements about lines, in this order, and show what holds today.

    Args:
        connection: that writes.
        stated: each with its line.
        now: the moment of recording.
        today: the local day.
    """
    add_stated(connection, [(line, period, now) for line, period in stated])
    show_today(connection, today, {line for line, _ in stated})


def add_stated(connection: Connection, stated: Iterable[tuple[str, Period, datetime]]) -> None:
    """Add statements with the moments at which they were recorded; nothing is shown yet."""
    found = list(stated)
    names = sorted({line for line, _, _ in found})
    last: dict[str, int] = {}
    for part in _parts(names):
        # Of two at the same moment on PostgreSQL one waits, and numbers behind; probes deliver on.
        connection.execute(
            select(lines.c.id).where(lines.c.id.in_(part)).with_for_update(key_share=True)
        )
        query = select(line_terms.c.line_id, func.max(line_terms.c.number))
        query = query.where(line_terms.c.line_id.in_(part)).group_by(line_terms.c.line_id)
        last |= {row[0]: row[1] for row in connection.execute(query)}
    rows = []
    for line, period, recorded_at in found:
        last[line] = last.get(line, 0) + 1
        named = {"line_id": line, "number": last[line], "recorded_at": recorded_at}
        rows.append(_row(period) | named)
    for first in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(line_terms), rows[first : first + _AT_ONCE])


def show_today(connection: Connection, today: date, line_ids: Iterable[str] | None = None) -> int:
    """Have `lines` show the terms of a day; return how many lines showed others.

    Args:
        connection: that writes.
        today: the local day.
        line_ids: which; None: all.
    """
    stated = read_stated(connection, line_ids)
    changes = []
    columns = [lines.c[name] for name in SHOWN]
    for part in _parts(sorted(stated)):
        query = select(lines.c.id, *columns).where(lines.c.id.in_(part))
        for row in connection.execute(query).mappings():
            terms = period_on(stated[row["id"]], today).terms
            values = {name: getattr(terms, name) for name in SHOWN}
            if values != {name: row[name] for name in SHOWN}:
                changes.append(values | {"shown": row["id"]})
    if changes:
        mine = lines.c.id == bindparam("shown")
        wanted: dict[str, Any] = {name: bindparam(name) for name in SHOWN}
        connection.execute(update(lines).where(mine).values(wanted), changes)
    return len(changes)


def first_terms(row: Mapping[str, Any]) -> Period:
    """Return the first statement about a line that is added with these values."""
    given = {name: row[name] for name in TERMS_FIELDS if name in row}
    return Period(None, None, Terms(**given))


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), _AT_ONCE):
        yield names[first : first + _AT_ONCE]
