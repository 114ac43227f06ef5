"""Several collectors on one PostgreSQL: the same record is stored once, whoever brings it when."""

import contextlib
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, select

from collector.errors import LedgerBusyError
from collector.ingest.verify import verify
from collector.ledger.bookkeeping import lock_chain
from collector.ledger.database import Database
from collector.ledger.figures import read_figures
from collector.ledger.schema import records, seals
from collector.ledger.store import Arrival, store_batch
from collector.ledger.tail import horizon
from collector.ledger.writer import Writer
from collector.settings import LedgerSettings, LimitSettings
from protocol.messages import IngestAnswer
from tests.collector.conftest import NewLedger, enrol_directly, fill_registry
from tests.collector.device import Device

START = datetime(2026, 11, 1, tzinfo=UTC)

pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@pytest.fixture
def settings(new_ledger: NewLedger) -> LedgerSettings:
    """Return where a ledger with a registry is."""
    settings = new_ledger(busy_timeout_seconds=30)
    with opened(settings) as database:
        fill_registry(database, START)
    return settings


def opened(settings: LedgerSettings) -> contextlib.closing[Database]:
    """Return a ledger that is closed at the end of the block, as one collector opens it."""
    return contextlib.closing(Database(settings))


@contextlib.contextmanager
def collectors(settings: LedgerSettings, count: int) -> Iterator[list[Writer]]:
    """Run the writers of some collectors, each with connections of its own."""
    with contextlib.ExitStack() as stack:
        writers = []
        for _ in range(count):
            writer = Writer(stack.enter_context(opened(settings)), LimitSettings())
            writer.start()
            stack.callback(writer.close)
            writers.append(writer)
        yield writers


def filled(settings: LedgerSettings, name: str, count: int) -> Device:
    """Return an enrolled device with some records."""
    with opened(settings) as database:
        device = enrol_directly(database, Device(name))
    for number in range(count):
        device.add_reach(START + timedelta(minutes=5 * number))
    return device


def store(connection: Connection, device: Device, first: int, end: int) -> IngestAnswer:
    """Store a part of a device's chain as the collector does."""
    batch = verify(device.batch(first, end), device.probe, device.key.public_key())
    # Each comes at a moment of its own: the unique key does not help where the lock fails.
    return store_batch(connection, batch, Arrival(datetime.now(UTC), device.public_key))


def stored(settings: LedgerSettings, device: Device) -> list[bytes]:
    """Return the lines of a chain that are in the ledger, in the chain's order."""
    query = select(records.c.line).where(records.c.chain == device.chain).order_by(records.c.seq)
    with opened(settings) as database:
        return database.read_now(lambda connection: list(connection.scalars(query)))


@pytest.mark.parametrize("before", [0, 10])
def test_two_that_store_the_same_batch_at_once_store_it_once(
    settings: LedgerSettings, before: int
) -> None:
    """The second waits until the first has committed, and then sees duplicates; also where the
    chain is so new that there was nothing to lock.
    """
    device = filled(settings, "p1", 30)
    with opened(settings) as one, opened(settings) as other, ThreadPoolExecutor() as pool:
        if before:
            with one.write() as connection:
                store(connection, device, 0, before)

        def second() -> IngestAnswer:
            with other.write() as connection:
                return store(connection, device, 0, 30)

        with one.write() as connection:
            first = store(connection, device, before, 20)
            waiting = pool.submit(second)
            assert_waits(waiting)
        late = waiting.result(30)
    assert (first.stored, first.duplicate) == (20 - before, 0)
    assert (late.stored, late.duplicate) == (10, 20)
    assert stored(settings, device) == device.lines


def assert_waits(answer: "Future[IngestAnswer]") -> None:
    """Assert that an answer does not come; one that would come is there within this time."""
    with pytest.raises(TimeoutError):
        answer.result(0.3)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_overlaps_is_stored_once(settings: LedgerSettings, seed: int) -> None:
    """Three collectors take overlapping parts of the same new chains in any order, in groups: each
    record and each seal is there once, the law of slots holds, and no batch is refused.
    """
    chance = random.Random(seed)
    devices = [filled(settings, f"p{number}", 60) for number in range(4)]
    with collectors(settings, 3) as writers:
        for end in range(10, 61, 10):
            parts = [
                (device, chance.randrange(end - 9), writer)
                for device in devices
                for writer in writers
            ]
            chance.shuffle(parts)
            answers = [
                writer.submit(partial(store, device=device, first=first, end=end), 0, device.probe)
                for device, first, writer in parts
            ]
            for answer in answers:
                answer.result(60)
    for device in devices:
        assert stored(settings, device) == device.lines
    with opened(settings) as database:
        figures = database.read_now(read_figures)
        sealed = database.read_now(lambda c: c.execute(select(seals.c.probe_id, seals.c.seq)).all())
    assert not any(figures.unaccounted_slots.values())
    assert [row["stored"] for row in figures.ingest] == [60] * 4
    assert [row["received"] - row["duplicate"] for row in figures.ingest] == [60] * 4
    assert sorted(map(tuple, sealed)) == sorted(
        (device.probe, end - 1) for device in devices for end in range(10, 61, 10)
    )


def test_two_that_hold_what_the_other_wants_both_get_on(settings: LedgerSettings) -> None:
    """Where the database undoes a group for a deadlock, the writer does it again; no job fails."""
    one, two = filled(settings, "p1", 5), filled(settings, "p2", 5)
    holds_two, writer_holds_one = threading.Event(), threading.Event()

    def take(connection: Connection) -> None:
        store(connection, one, 0, 5)
        writer_holds_one.set()
        assert holds_two.wait(30)

    def cross(other: Database) -> None:
        with other.write() as connection:
            # It is the writer that the database will undo.
            connection.exec_driver_sql("SET LOCAL deadlock_timeout = '60s'")
            lock_chain(connection, two.probe, two.chain, START)
            holds_two.set()
            assert writer_holds_one.wait(30)
            store(connection, one, 0, 5)

    with (
        opened(settings) as other,
        ThreadPoolExecutor() as pool,
        collectors(settings, 1) as (writer,),
    ):
        crossing = pool.submit(cross, other)
        assert holds_two.wait(30)
        first = writer.submit(take, 0, one.probe)
        second = writer.submit(partial(store, device=two, first=0, end=5), 0, two.probe)
        first.result(60)
        assert second.result(60).stored == 5
        crossing.result(60)
        assert (writer.counts.repeated, writer.counts.failures) == (1, 0)
    assert stored(settings, one) == one.lines
    assert stored(settings, two) == two.lines


def test_a_reader_passes_no_record_that_is_still_to_come(settings: LedgerSettings) -> None:
    """A transaction with lower numbers that takes its time holds the horizon back, for what was
    committed meanwhile with higher ones too.
    """
    slow, quick = filled(settings, "p1", 3), filled(settings, "p2", 3)
    with opened(settings) as one, opened(settings) as other:
        assert horizon(one) == 0
        with one.write() as connection:
            store(connection, slow, 0, 3)
            with other.write() as meanwhile:
                store(meanwhile, quick, 0, 3)
            with pytest.raises(LedgerBusyError):
                horizon(other)
        reached = horizon(other)
    with opened(settings) as database:
        ids = database.read_now(lambda c: list(c.scalars(select(records.c.id))))
    assert len(ids) == 6
    assert reached == max(ids)


def test_a_reader_that_follows_three_collectors_sees_every_record(
    settings: LedgerSettings,
) -> None:
    """Whatever is committed when, reading from one horizon to the next leaves none out."""
    devices = [filled(settings, f"p{number}", 40) for number in range(3)]
    seen: list[int] = []
    done = threading.Event()

    def read(connection: Connection, cursor: int, upto: int) -> list[int]:
        between = records.c.id > cursor, records.c.id <= upto
        return list(connection.scalars(select(records.c.id).where(*between)))

    def follow(database: Database) -> None:
        cursor = 0
        while True:
            last = done.is_set()
            with contextlib.suppress(LedgerBusyError):
                upto = horizon(database)
                seen.extend(database.read_now(partial(read, cursor=cursor, upto=upto)))
                cursor = upto
            if last:
                return

    with opened(settings) as database, ThreadPoolExecutor() as pool:
        following = pool.submit(follow, database)
        with collectors(settings, 3) as writers:
            answers = [
                writer.submit(partial(store, device=device, first=0, end=end), 0, device.probe)
                for end in range(2, 41, 2)
                for writer, device in zip(writers, devices, strict=True)
            ]
            for answer in answers:
                answer.result(60)
        done.set()
        following.result(60)
        ids = database.read_now(lambda c: list(c.scalars(select(records.c.id))))
    assert len(ids) == 120
    assert sorted(seen) == sorted(ids)
