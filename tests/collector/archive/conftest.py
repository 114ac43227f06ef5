"""Ledgers to write months of, and to put them into."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import update

from collector.ledger.database import Database
from collector.ledger.schema import facts
from tests.collector.archive.months import fill
from tests.collector.conftest import NewLedger

OpenLedger = Callable[[], Database]


@pytest.fixture
def open_ledger(new_ledger: NewLedger) -> Iterator[OpenLedger]:
    """Yield a function that makes ledgers, each with a name of its own; all are closed after."""
    made: list[Database] = []

    def new() -> Database:
        made.append(Database(new_ledger()))
        with made[-1].write() as connection:
            name = update(facts).where(facts.c.name == "ledger_id")
            connection.execute(name.values(value=f"ledger{len(made)}"))
        return made[-1]

    yield new
    for database in made:
        database.close()


@pytest.fixture
def ledger(open_ledger: OpenLedger) -> Database:
    """Return a ledger of two probes and two months."""
    database = open_ledger()
    fill(database)
    return database
