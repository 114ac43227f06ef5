"""What is known of lines is what reading them again would tell, whatever happened to the ledger."""

import itertools
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from collector.ledger import queries
from collector.ledger.database import Database
from collector.ledger.removing import remove_month
from collector.ledger.schema import latest, probe_paths, records
from simulate import Batch, Fleet, FleetPlan, rhythm
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.fleet_ledger import fold_all, register, store
from tests.collector.ledger.plans import statements_of

pytestmark = ON_BOTH

PLAN = FleetPlan(
    probes=3,
    days=4,
    seed=7,
    start=date(2026, 1, 30),
    schedule=rhythm(8, 3600, 7200),
    trouble=8.0,
    batch_records=30,
)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


class Kept:
    """A ledger with a fleet's registry, and one that knows its lines."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fleet = Fleet(PLAN)
        self.keys = register(database, self.fleet, MARCH)
        self.before = queries.Before()

    def deliver(self, *batches: Batch) -> None:
        """Store batches as a collector does."""
        store(self.database, self.fleet, self.keys, batches)

    def check(self, now: datetime) -> list[queries.LineOverview]:
        """Return the list of lines, which is the same with what was known and without."""

        def both(connection: Connection) -> tuple[list[queries.LineOverview], ...]:
            told = queries.overview(connection, now, self.before)
            return told, queries.overview(connection, now)

        told, read = self.database.read_now(both)
        assert told == read
        return told


@pytest.fixture
def kept(new_ledger: NewLedger) -> Iterator[Kept]:
    """Return a ledger with a registry and no records."""
    with closing(Database(new_ledger())) as database:
        yield Kept(database)


def test_what_is_known_is_what_reading_again_tells(kept: Kept) -> None:
    """After batches in order, late ones, clocks put right, folded hours, another main server and a
    month that left, the list of lines is the one that a collector makes that knows nothing.
    """
    batches = list(kept.fleet.batches())
    late = random.Random(3).sample(batches, len(batches) // 5)
    seen = set()
    for batch in [*(one for one in batches if one not in late), *late]:
        kept.deliver(batch)
        moment = datetime.fromtimestamp(batch.sent_at, UTC)
        seen |= {one.state for one in kept.check(moment)}
        kept.check(moment + timedelta(days=1))
    assert len(seen) >= 4
    corrected = select(func.count()).where(records.c.time_quality == "corrected")
    assert kept.database.read_now(lambda connection: connection.scalar(corrected))
    before = kept.check(MARCH)
    with kept.database.write() as connection:
        other = update(probe_paths).where(probe_paths.c.beside.is_(None))
        connection.execute(other.values(servers="dn-1 hcm-1"))
    kept.check(MARCH)
    fold_all(kept.database, MARCH, MARCH)
    folded = kept.check(MARCH)
    assert any(one.lost_ratio is not None for one in before)
    assert all(one.lost_ratio is None for one in folded)
    for month in (datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 2, 15, tzinfo=UTC)):
        remove_month(kept.database, month, MARCH)
        left = kept.check(MARCH)
    assert all(one.heard_at is None for one in left)


def test_what_has_no_news_is_not_read_again(kept: Kept) -> None:
    """Without news no record is read; with news of a latency test, no speed test."""
    kept.deliver(*itertools.islice(kept.fleet.batches(), 5))
    kept.check(MARCH)

    def asked() -> list[str]:
        found = statements_of(kept.database, lambda c: queries.overview(c, MARCH, kept.before))
        return [statement for statement, _ in found if "records" in statement]

    assert asked() == []
    with kept.database.write() as connection:
        news = update(latest).where(latest.c.task == "latency")
        connection.execute(news.values(record_id=latest.c.record_id))
    (newest,) = asked()
    assert "ORDER BY latest.measured_at" in newest
    assert asked() == []
