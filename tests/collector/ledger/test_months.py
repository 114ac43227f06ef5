"""The months of a ledger: made before they are needed, or when they are; gone at once, for good."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, func, insert, inspect, select

from collector.commands.waiting import wait_for_readers
from collector.errors import LedgerBusyError, LedgerError, ReportError
from collector.ingest.verify import verify
from collector.ledger.bookkeeping import lock_chain
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.gone import months_left
from collector.ledger.months import MONTHS_AHEAD, ensure_month
from collector.ledger.removing import remove_month
from collector.ledger.schema import latest, quarantine, records, seals, sinks
from collector.ledger.store import Arrival, store_batch
from collector.reports.monthly import Month, refuse_removed
from protocol.messages import IngestAnswer
from tests.collector.conftest import ON_BOTH, NewLedger, enrol_directly, fill_registry
from tests.collector.device import Device
from tests.collector.ledger.test_accounting import tombstone

JANUARY = datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)

pytestmark = ON_BOTH


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Return a ledger with a registry."""
    with contextlib.closing(Database(new_ledger())) as made:
        fill_registry(made, JANUARY)
        yield made


def deliver(database: Database, device: Device, lines: list[bytes], at: datetime) -> IngestAnswer:
    """Store lines as the collector does at a moment."""
    batch = verify(device.seal(lines), device.probe, device.key.public_key())
    with database.write() as connection:
        return store_batch(connection, batch, Arrival(at, device.public_key, True))


def two_months(database: Database) -> Device:
    """Return a device with ten places in January, four of them without an outcome, two missing; and
    five in February.
    """
    device = enrol_directly(database, Device("p1"))
    for number in range(17):
        if number == 4:
            odd = device.record(JANUARY) | {"surprise": 1}
            device.lines.append(json.dumps(odd).encode())
        else:
            device.add_reach(JANUARY - timedelta(days=2) + timedelta(minutes=5 * number))
    deliver(database, device, device.lines[:6], JANUARY)
    deliver(database, device, [tombstone(device.lines[8]), *device.lines[9:12]], JANUARY)
    deliver(database, device, device.lines[12:], FEBRUARY)
    return device


def counts(database: Database) -> list[int]:
    """Return how many records, seals and lines apart there are."""
    queries = [select(func.count()).select_from(table) for table in (records, seals, quarantine)]
    return database.read_now(lambda c: [c.execute(query).scalar_one() for query in queries])


def remove(database: Database, month: datetime, now: datetime = MARCH) -> int:
    """Take a month out of the ledger."""
    return remove_month(database, month, now)


def test_a_month_leaves_and_the_next_one_stays(database: Database) -> None:
    """Its records, seals and what was kept apart are gone, to the microsecond of its end; the law
    of slots holds, and the month's tables are gone with it.
    """
    device = two_months(database)
    assert counts(database) == [14, 3, 1]
    assert remove(database, JANUARY) == 9
    assert counts(database) == [5, 1, 0]
    left = database.read_now(lambda c: c.scalars(select(records.c.line).order_by("seq")).all())
    assert left == device.lines[12:]
    assert not any(database.read_now(unaccounted_slots).values())
    assert database.read_now(lambda c: c.scalars(select(latest.c.received_at)).all()) == [FEBRUARY]
    tables = database.read_now(lambda connection: inspect(connection).get_table_names())
    assert not [name for name in tables if name.endswith("2026_01")]
    assert remove(database, JANUARY) == 0


def test_months_that_left_are_known_and_nothing_is_reported_of_them(database: Database) -> None:
    """Not of a month that began, in its zone, before the removed one ended either; where nothing
    left a report may be made.
    """
    two_months(database)
    months = [Month(date(2026, month, 1), ZoneInfo("Asia/Ho_Chi_Minh")) for month in (1, 2, 3)]

    def check(connection: Connection) -> list[list[str]]:
        return [months_left(connection, *month.span) for month in months]

    assert database.read_now(check) == [[], [], []]
    remove(database, JANUARY)
    assert database.read_now(check) == [["2026-01"], ["2026-01"], []]
    for month in months[:2]:
        with pytest.raises(ReportError, match=f"2026-01 left the ledger.*records of {month.name}"):
            database.read_now(partial(refuse_removed, months=[month]))
    database.read_now(lambda connection: refuse_removed(connection, months[2:]))


def test_what_left_with_its_month_is_not_taken_again(database: Database) -> None:
    """A probe that sends it once more hears that it is a duplicate; what never came is taken, and
    the chain goes on.
    """
    device = two_months(database)
    remove(database, JANUARY)
    again = deliver(database, device, device.lines[:6], MARCH)
    assert (again.stored, again.duplicate, again.next_seq) == (0, 6, 17)
    missed = deliver(database, device, device.lines[6:8], MARCH)
    assert (missed.stored, missed.duplicate) == (2, 0)
    device.add_reach(MARCH)
    overlapping = deliver(database, device, device.lines[10:], MARCH)
    assert (overlapping.stored, overlapping.duplicate) == (1, 7)
    assert not any(database.read_now(unaccounted_slots).values())


def test_a_month_that_is_still_needed_stays(database: Database) -> None:
    """Not before it is over, nor before every sink has all of it."""
    two_months(database)
    with pytest.raises(LedgerError, match=r"2026-02 .* is not over"):
        remove(database, FEBRUARY, MARCH - timedelta(microseconds=1))
    known = {"name": "far", "holder": None, "held_until": None}
    moments = {"created_at": JANUARY, "settling_since": JANUARY}
    behind = {column.name: 9 for column in sinks.c} | known | moments | {"settled": 3}
    with database.write() as connection:
        connection.execute(insert(sinks).values(**behind))
    with pytest.raises(LedgerError, match="not in every sink yet: far"):
        remove(database, JANUARY)
    assert counts(database) == [14, 3, 1]


def test_months_are_made_ahead_once(database: Database, engine: str) -> None:
    """Each with a table of its own where the database has them, also over the end of a year; again,
    and by another, nothing is made.
    """
    december = datetime(2030, 12, 31, 23, tzinfo=UTC)
    before = database.read_now(lambda c: set(inspect(c).get_table_names()))
    with database.write() as connection:
        ensure_month(connection, december, MONTHS_AHEAD)
        ensure_month(connection, december, MONTHS_AHEAD)
    with database.write() as connection:
        ensure_month(connection, december, MONTHS_AHEAD)
    made = database.read_now(lambda c: set(inspect(c).get_table_names())) - before
    months = ["2030_12", "2031_01", "2031_02"] if engine == "postgresql" else []
    names = ("records", "seals", "quarantine")
    assert made == {f"{name}_{month}" for month in months for name in names}


def test_a_month_that_was_undone_is_made_again(database: Database) -> None:
    """Whoever makes a month, uses it and is undone finds it missing, and makes it once more."""
    device = enrol_directly(database, Device("p1"))
    device.add_reach(JANUARY)
    batch = verify(device.batch(), device.probe, device.key.public_key())
    arrival = Arrival(datetime(2031, 5, 1, tzinfo=UTC), device.public_key)
    with contextlib.suppress(InterruptedError), database.write() as connection:
        store_batch(connection, batch, arrival)
        store_batch(connection, batch, arrival)
        raise InterruptedError
    with database.write() as connection:
        assert store_batch(connection, batch, arrival).stored == 1


@contextlib.contextmanager
def long_reader(database: Database) -> Iterator[None]:
    """Read January in a transaction that stays open meanwhile, as a backup does."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL application_name = 'pg_dump'")
        connection.execute(select(func.count()).select_from(records))
        connection.exec_driver_sql("SELECT pg_sleep(1.2)")
        yield


def test_a_long_reader_keeps_a_month_and_stalls_nobody(database: Database, engine: str) -> None:
    """While somebody reads it the month stays, and the error says who; others read and write on.
    Once they are done it leaves. Of SQLite readers see the ledger as it was when they began.
    """
    device = two_months(database)
    if engine == "sqlite":
        with database.engine.connect() as reader:
            count = select(func.count()).select_from(records)
            assert reader.scalar(count) == 14
            assert remove(database, JANUARY) == 9
            assert reader.scalar(count) == 14
        return
    with long_reader(database), ThreadPoolExecutor(1) as beside:
        removing = beside.submit(remove, database, JANUARY)
        stored = 0
        while not removing.done():
            device.add_reach(MARCH + timedelta(minutes=5 * stored))
            # It would fail where it had to wait for a lock longer than the ledger's patience.
            stored += deliver(database, device, device.lines[-1:], MARCH).stored
        with pytest.raises(LedgerBusyError, match=r"2026-01 is in use: pg_dump of .*process"):
            removing.result()
    assert stored > 1
    assert counts(database)[0] == 14 + stored
    assert remove(database, JANUARY) == 9
    assert not any(database.read_now(unaccounted_slots).values())


def test_a_month_leaves_beside_a_batch_that_takes_its_time(database: Database) -> None:
    """A chain that is held for a second, and then read, as a batch does that waits for its disk,
    keeps the month for that long and no longer; neither undoes the other.
    """
    device = two_months(database)
    held = threading.Event()

    def hold() -> int:
        with database.write() as connection:
            lock_chain(connection, device.probe, device.chain, MARCH)
            held.set()
            time.sleep(1.0)
            return connection.scalar(select(func.count()).select_from(records)) or 0

    with ThreadPoolExecutor(1) as beside:
        holding = beside.submit(hold)
        assert held.wait(30)
        assert remove(database, JANUARY) == 9
        assert holding.result() == 14
    assert not any(database.read_now(unaccounted_slots).values())


def test_whoever_removes_a_month_waits_for_its_readers(
    database: Database, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said once whom it waits for, and goes on when they are done."""
    two_months(database)
    if engine == "sqlite":
        wait_for_readers(database, JANUARY)
        assert capsys.readouterr().err == ""
        return
    with ThreadPoolExecutor(1) as beside:
        with long_reader(database):
            waiting = beside.submit(wait_for_readers, database, JANUARY)
            with pytest.raises(TimeoutError):
                waiting.result(1.5)
        waiting.result(60)
    assert capsys.readouterr().err.count("waiting until it is read no longer: pg_dump of") == 1
