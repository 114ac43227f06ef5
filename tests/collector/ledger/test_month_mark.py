"""A mark tells whether a line's month is still what it was."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, update

from collector.ledger.database import Database
from collector.ledger.month_mark import MonthMark, read_mark
from collector.ledger.schema import records
from tests.collector import fleet_ledger
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.evidence import made


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a ledger with a line's two days."""
    opened = Database(new_ledger())
    made.fill(opened, made.SINGLE)
    yield opened
    opened.close()


def mark(database: Database, upto: int | None = None) -> MonthMark:
    """Return the mark of the only line's October."""
    line = database.read_now(lambda c: c.scalar(select(records.c.line_id).limit(1)))
    return database.read_now(lambda c: read_mark(c, str(line), made.OCTOBER.span, upto))


@ON_BOTH
def test_a_month_that_nobody_changed_has_its_mark(database: Database) -> None:
    """It counts the month's records; of none of them all is zero."""
    first = mark(database)
    count = database.read_now(lambda c: c.scalar(select(func.count()).select_from(records)))
    assert (first.records, first.folded) == (count, 0)
    assert mark(database) == first == mark(database, first.newest)
    assert mark(database, first.newest - 1) != first
    assert mark(database, 0) == MonthMark(0, 0, 0, 0)


@ON_BOTH
def test_every_change_shows(database: Database) -> None:
    """A record that left, one that was dated anew, those that were folded."""
    seen = [mark(database)]
    newest = seen[0].newest
    later = made.OCTOBER.span[0] + timedelta(days=9)
    with database.write() as connection:
        connection.execute(update(records).where(records.c.id == newest).values(measured_at=later))
    seen.append(mark(database))
    with database.write() as connection:
        connection.execute(delete(records).where(records.c.id == newest))
    seen.append(mark(database))
    now = datetime(2026, 12, 1, tzinfo=UTC)
    done = fleet_ledger.fold_all(database, now, now)
    seen.append(mark(database))
    assert seen[-1].folded == done.records > 0
    assert len(set(seen)) == len(seen)
