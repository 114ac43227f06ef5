"""On PostgreSQL the newest records are found without going through the months."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from collector.ledger.database import Database
from collector.ledger.figures import read_figures
from collector.ledger.queries import overview
from collector.ledger.recent import recent_speed
from collector.ledger.schema import lines, records
from collector.settings import LedgerSettings
from tests.collector.ledger.plans import joins, statements_of
from tests.collector.simulated_month import NOW

_NEWEST = 40
_MONTHS = 5


@pytest.fixture
def database(month_database: LedgerSettings) -> Iterator[Database]:
    """Return the simulated month on PostgreSQL."""
    with closing(Database(month_database)) as opened:
        yield opened


@pytest.mark.parametrize(
    "query",
    [lambda connection: overview(connection, NOW), read_figures],
    ids=["list of lines", "metrics"],
)
def test_months_are_never_joined_as_a_whole(
    database: Database, query: Callable[[Connection], Any]
) -> None:
    """Each newest record is looked up by its key, even where that is forbidden to the planner: a
    join that reads every month looks cheaper to it, and took half a minute for a city's lines.
    """
    sent = [
        (statement, parameters)
        for statement, parameters in statements_of(database, query)
        if "FROM latest" in statement and "records" in statement
    ]
    assert sent
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SET enable_nestloop = off")
        assert [joins(connection, *one) for one in sent] == [{"Nested Loop"}] * len(sent)


def test_no_more_tests_are_read_than_are_looked_at(database: Database) -> None:
    """Of a line's hundreds of speed tests of a month its newest ones are fetched, and no others."""
    with database.engine.connect() as connection:
        every = list(connection.scalars(select(lines.c.id)))
        speed = records.c.task == "speed"
        there = connection.scalar(select(func.count()).select_from(records).where(speed)) or 0
        before = _fetched(connection)
        found = recent_speed(connection, every)
        fetched = _fetched(connection) - before
    assert max(map(len, found.values())) == _NEWEST
    # Merging the months takes the first of each, and a few are passed over by outcome and flags.
    enough = len(every) * (_NEWEST + _MONTHS)
    assert sum(map(len, found.values())) <= fetched < 2 * enough < there / 2


def _fetched(connection: Connection) -> int:
    """Return how many rows of records this transaction has fetched so far."""
    query = (
        "SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read) FROM pg_stat_xact_user_tables "
        "WHERE relname LIKE 'records%%'"
    )
    return int(connection.exec_driver_sql(query).scalar_one())
