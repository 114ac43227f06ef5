"""Batches that are stored together leave the ledger that each by itself would have left."""

import contextlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select
from sqlalchemy.exc import IntegrityError

from collector.ingest.verify import verify
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.store import Arrival, Delivery, GapError, store_batch, store_batches
from collector.ledger.writer import Shared, Writer
from collector.settings import LimitSettings
from protocol.messages import IngestAnswer
from simulate import Batch
from tests.collector import fleet_ledger
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.simulate.fleets import troubled

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FLEET, BATCHES = troubled()
NUMBERED = {"id", "record_id", "after_id", "stamp"}
"""Columns that tell in which order rows came, or nothing."""


@pytest.fixture
def databases(new_ledger: NewLedger) -> Iterator[tuple[Database, Database]]:
    """Two ledgers that know the fleet."""
    with (
        contextlib.closing(Database(new_ledger())) as one,
        contextlib.closing(Database(new_ledger())) as other,
    ):
        for database in (one, other):
            fleet_ledger.register(database, FLEET, NOW)
        yield one, other


def delivery(batch: Batch, at: datetime, *, acknowledged: bool = True) -> Delivery:
    """Return a batch as it is stored."""
    found = verify(batch.body, batch.probe, FLEET.keys()[batch.probe].public_key())
    return Delivery(found, Arrival(at, "key", acknowledged))


def in_rounds(seed: int) -> Iterator[list[Delivery]]:
    """Yield what comes at once: of some probes a batch each, now and then lost or sent again."""
    chance = random.Random(seed)
    queues: dict[str, list[Batch]] = {}
    for batch in BATCHES:
        queues.setdefault(batch.probe, []).append(batch)
    at = NOW
    while any(queues.values()):
        deliveries = []
        for probe in sorted(probe for probe, queue in queues.items() if queue):
            if chance.random() < 0.3:
                continue
            batch = queues[probe][0]
            fate = chance.random()
            if fate < 0.8:
                queues[probe].pop(0)
            if fate < 0.1:
                continue
            at += timedelta(seconds=chance.randint(1, 300))
            deliveries.append(delivery(batch, at, acknowledged=chance.random() < 0.7))
        if deliveries:
            yield deliveries


def alone(connection: Connection, one: Delivery) -> IngestAnswer | GapError:
    """Store a batch by itself."""
    try:
        with connection.begin_nested():
            return store_batch(connection, *one)
    except GapError as error:
        return error


def content(connection: Connection) -> dict[str, list[str]]:
    """Return all that a ledger has, without the numbers of rows."""
    found = {}
    # `facts` has what is drawn once for a ledger.
    for table in set(schema.metadata.sorted_tables) - {schema.facts}:
        columns = [column for column in table.columns if column.name not in NUMBERED]
        found[table.name] = sorted(map(repr, connection.execute(select(*columns))))
    newest = select(schema.latest.c.series, schema.records.c.hash).join(
        schema.records,
        (schema.records.c.id == schema.latest.c.record_id)
        & (schema.records.c.probe_id == schema.latest.c.probe_id),
    )
    found["newest"] = sorted(map(repr, connection.execute(newest)))
    waiting = select(schema.corrections.c.probe_id, schema.records.c.hash).join(
        schema.records, schema.records.c.id == schema.corrections.c.record_id
    )
    found["corrected"] = sorted(map(repr, connection.execute(waiting)))
    return found


@pytest.mark.parametrize(
    "engine,seed",
    [("sqlite", 0), ("sqlite", 1), ("sqlite", 2), ("postgresql", 3)],
    indirect=["engine"],
)
def test_together_is_as_one_by_one(databases: tuple[Database, Database], seed: int) -> None:
    """Answers and every table: what came twice, gaps, clocks that were wrong, and all the rest."""
    together, apart = databases
    answered = 0
    for deliveries in in_rounds(seed):
        with together.write() as connection:
            answers = store_batches(connection, deliveries)
        with apart.write() as connection:
            expected = [alone(connection, one) for one in deliveries]
        assert list(map(repr, answers)) == list(map(repr, expected))
        answered += len(answers)
    found = together.read_now(content)
    assert found == apart.read_now(content)
    assert answered > 100
    assert all(found[name] for name in ("records", "seals", "gaps", "corrected", "newest"))


@ON_BOTH
def test_a_batch_more_is_hardly_a_statement_more(databases: tuple[Database, Database]) -> None:
    """Ten probes' batches take a few more statements than one's: each locks its own chain."""
    firsts = {batch.probe: delivery(batch, NOW) for batch in reversed(BATCHES)}
    many = [firsts[probe] for probe in sorted(firsts)]

    def count(database: Database, deliveries: list[Delivery]) -> int:
        sent: list[str] = []

        def note(*happened: Any) -> None:
            sent.append(happened[2])

        with database.write() as connection:
            event.listen(connection, "before_cursor_execute", note)
            store_batches(connection, deliveries)
        return len(sent)

    one, ten = count(databases[0], many[:1]), count(databases[1], many)
    assert len(many) == 10
    # To find a chain, to make it, to lock it; more where a clock was not good.
    assert ten - one <= 5 * 9
    assert ten < 10 * one / 2


@ON_BOTH
def test_one_that_cannot_be_stored_costs_the_others_nothing(
    databases: tuple[Database, Database],
) -> None:
    """Where the database refuses one of the batches, the others of its group are stored."""
    firsts = {batch.probe: delivery(batch, NOW) for batch in reversed(BATCHES)}
    poisoned = min(firsts)
    spoilt = next(one for one in firsts[poisoned].batch.received if one.content)
    assert spoilt.content is not None
    spoilt.content.columns["flags"] = None
    writer = Writer(databases[0], LimitSettings())
    answers: dict[str, Any] = {
        probe: writer.submit(Shared(store_batches, one), 1, probe) for probe, one in firsts.items()
    }
    writer.start()
    writer.close()
    with pytest.raises(IntegrityError):
        answers[poisoned].result(0)
    whole = {
        probe: answer.result(0).stored for probe, answer in answers.items() if probe != poisoned
    }
    assert all(whole.values())
    stored = databases[0].read_now(
        lambda connection: connection.scalar(select(func.count()).select_from(schema.records))
    )
    assert stored == sum(whole.values())
    assert writer.counts.commits == 1
