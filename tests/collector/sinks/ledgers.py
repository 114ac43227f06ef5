"""Ledgers of the tests that sinks are fed from."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from collector.ingest.verify import verify
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.store import Arrival, store_batch
from collector.sinks import keeping
from collector.sinks.far_end import FarEnd
from collector.sinks.feeder import Feeder, Step
from tests.collector.device import Device

ARRIVAL = datetime(2026, 11, 20, 23, tzinfo=UTC)
"""When everything comes."""


class FedLedger:
    """A ledger and the feeders of its sinks.

    Args:
        database: with a registry.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = ARRIVAL

    def deliver(self, device: Device, lines: Sequence[bytes] | None = None) -> None:
        """Store lines as the collector does; all of the device's by default."""
        batch = verify(
            device.seal(device.lines if lines is None else lines),
            device.probe,
            device.key.public_key(),
        )
        with self.database.write() as connection:
            store_batch(connection, batch, Arrival(ARRIVAL, device.public_key, True))

    def feeder(
        self, far_end: FarEnd, name: str = "sink", *, holder: str = "one", page_records: int = 2000
    ) -> Feeder:
        """Return a feeder; the sink is new where there is none of its name."""
        with self.database.write() as connection:
            if name not in keeping.names(connection):
                keeping.add_missing(connection, {name: "in the test"}, self.now)
        return Feeder(
            name,
            self.database,
            self.write,
            far_end,
            holder=holder,
            now=lambda: self.now,
            page_records=page_records,
        )

    async def write(self, job: Callable[[Connection], object]) -> object:
        """Run a job in a transaction."""

        def run() -> object:
            with self.database.write() as connection:
                return job(connection)

        return await asyncio.to_thread(run)

    def state(self, name: str = "sink") -> keeping.State:
        """Return how far a sink is."""
        return self.database.read_now(lambda connection: keeping.read(connection, name))

    def begin_again(self, name: str = "sink") -> None:
        """Let a sink begin from the first record."""
        with self.database.write() as connection:
            keeping.begin_again(connection, name)

    def aside(self) -> list[tuple[str, int, str]]:
        """Return what was set aside: the sink, the record, the reason."""
        table = schema.set_aside
        query = select(table.c.sink, table.c.record_id, table.c.reason).order_by(table.c.record_id)
        return self.database.read_now(lambda c: [(a, b, r) for a, b, r in c.execute(query)])

    def balances(self, name: str = "sink") -> bool:
        """Return whether the records up to the cursor are each counted once."""
        state = self.state(name)
        query = select(schema.records.c.id).where(schema.records.c.id <= state.cursor)
        passed = self.database.read_now(lambda c: len(c.execute(query).all()))
        return passed == state.written + state.held_back + state.set_aside


async def fill(feeder: Feeder) -> int:
    """Step until the sink has all; return how many steps moved."""
    steps = 0
    while await feeder.step() is Step.MOVED:
        steps += 1
    return steps


class Recorder:
    """A far end that takes everything, but what it is told to fail at; for faults alone."""

    def __init__(self, fail: Callable[[Sequence[str]], None] = lambda _lines: None) -> None:
        self.fail = fail
        self.connections = 0
        self.taken: list[list[str]] = []

    async def write(self, lines: Sequence[str]) -> None:
        """Keep the lines, or fail."""
        self.fail(lines)
        self.taken.append(list(lines))

    async def close(self) -> None:
        """Do nothing."""
