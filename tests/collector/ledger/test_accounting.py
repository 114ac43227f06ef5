"""The law of slots: what the chains say came is what the outcomes count, whatever comes how."""

import contextlib
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, delete, select, update

from collector.ingest.verify import verify
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.store import Arrival, GapError, store_batch
from protocol.chain import read_link
from protocol.messages import IngestAnswer
from tests.collector.conftest import ON_BOTH, NewLedger, enrol_directly, fill_registry
from tests.collector.device import Device
from tests.collector.ledger.plans import statements_of, steps

START = datetime(2026, 11, 1, tzinfo=UTC)
COPIED_BEFORE = 5

BY_TOMBSTONE = {
    "sqlite": "COVERING INDEX ix_records_probe_id_tombstone",
    "postgresql": "Index Only Scan .*_probe_id_tombstone_idx",
}


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """An empty ledger with a registry."""
    with contextlib.closing(Database(new_ledger())) as made:
        fill_registry(made, START)
        yield made


def grow(device: Device, count: int, *, shift_minutes: int = 0, invalid: bool = False) -> None:
    """Append records, each of its own moment; or links that are no valid records."""
    for _ in range(count):
        at = START + timedelta(minutes=5 * len(device.lines) + shift_minutes)
        if invalid:
            odd = device.record(at) | {"surprise": shift_minutes, "speed": None}
            device.lines.append(json.dumps(odd).encode())
        else:
            device.add_reach(at)


def tombstone(line: bytes) -> bytes:
    """Return what is left of a record that the probe could not keep."""
    link = read_link(line)
    left = {
        "schema": 1,
        "tombstone": "spool_full",
        "probe": link.probe,
        "chain": link.chain,
        "seq": link.seq,
        "prev": link.prev,
        "hash": link.hash,
        "task": "reach",
        "path": "default",
        "slot": START.isoformat(),
    }
    return json.dumps(left).encode()


def deliver(
    database: Database, device: Device, lines: list[bytes], *, acknowledged: bool = True
) -> IngestAnswer:
    """Store lines as the collector does."""
    batch = verify(device.seal(lines), device.probe, device.key.public_key())
    with database.write() as connection:
        return store_batch(connection, batch, Arrival(START, device.public_key, acknowledged))


def unaccounted(database: Database) -> dict[str, int]:
    """Return the slots that are not accounted for, of the probes that have some."""
    found = database.read_now(unaccounted_slots)
    return {probe: count for probe, count in found.items() if count}


@pytest.mark.parametrize(
    "engine,seed",
    [("sqlite", seed) for seed in range(24)] + [("postgresql", seed) for seed in range(4)],
    indirect=["engine"],
)
def test_every_slot_is_accounted_for(database: Database, seed: int) -> None:
    """Duplicates, forks of forks, gaps, late records, tombstones and invalid lines, by chance."""
    chance = random.Random(seed)
    device = enrol_directly(database, Device("p1"))
    for _ in range(8):
        grow(device, 1, invalid=chance.random() < 0.2)
    sources = [device]
    for shift in range(1, chance.randint(1, 3)):
        copy = chance.choice(sources).copy()
        del copy.lines[chance.randint(0, 6) :]
        while len(copy.lines) < 9:
            grow(copy, 1, shift_minutes=shift, invalid=chance.random() < 0.2)
        sources.append(copy)
    for _ in range(10):
        source = chance.choice(sources)
        first = chance.randrange(8)
        end = chance.randint(first + 1, len(source.lines))
        lines = [
            tombstone(line) if chance.random() < 0.2 else line for line in source.lines[first:end]
        ]
        with contextlib.suppress(GapError):
            deliver(database, source, lines, acknowledged=chance.random() < 0.7)
        assert unaccounted(database) == {}


def fork_over_a_gap(database: Database, device: Device, copy: Device) -> None:
    """Let the copy's fork come first, and with it records that the device has in common."""
    grow(copy, 1, shift_minutes=1)
    grow(device, 2)
    deliver(database, device, [tombstone(device.lines[5]), device.lines[6]])
    answer = deliver(database, copy, copy.lines[3:])
    assert [one.seq for one in answer.quarantined] == [3, 4, COPIED_BEFORE]


@ON_BOTH
def test_a_record_that_came_with_a_fork_still_fills_its_gap(database: Database) -> None:
    """Kept apart at first, it is stored once it comes with the chain that it belongs to."""
    device = enrol_directly(database, Device("p1"))
    grow(device, COPIED_BEFORE)
    fork_over_a_gap(database, device, device.copy())
    answer = deliver(database, device, device.lines[3:])
    assert (answer.stored, answer.duplicate) == (2, 1)
    seqs = database.read_now(lambda c: c.scalars(select(schema.records.c.seq)).all())
    assert sorted(seqs) == [3, 4, 5, 6]
    assert unaccounted(database) == {}


@ON_BOTH
def test_an_invalid_line_that_came_with_a_fork_is_taken_with_its_chain(database: Database) -> None:
    """What was kept apart as a fork is kept as invalid then, and the probe can go on."""
    device = enrol_directly(database, Device("p1"))
    grow(device, 3)
    grow(device, 1, invalid=True)
    grow(device, 1)
    fork_over_a_gap(database, device, device.copy())
    answer = deliver(database, device, device.lines[3:5])
    assert (answer.stored, [one.seq for one in answer.quarantined]) == (1, [3])
    table = schema.quarantine
    kinds = database.read_now(
        lambda c: c.scalars(select(table.c.kind).where(table.c.seq == 3)).all()
    )
    assert kinds == ["invalid"]
    assert unaccounted(database) == {}
    assert deliver(database, device, device.lines[3:5]).duplicate == 2


@ON_BOTH
def test_what_was_taken_out_shows(database: Database) -> None:
    """A count, a tombstone or an invalid line that somebody removed breaks the law, per probe."""
    for name, line in (("p1", "l1"), ("p2", "l2")):
        device = enrol_directly(database, Device(name), line)
        grow(device, 4)
        grow(device, 1, invalid=True)
        grow(device, 1)
        deliver(database, device, [*device.lines[:3], tombstone(device.lines[3])])
        deliver(database, device, device.lines[4:])
    assert unaccounted(database) == {}
    totals, stored, apart = schema.outcome_totals, schema.records, schema.quarantine
    with database.write() as connection:
        fewer = update(totals).where(totals.c.probe_id == "p1").values(records=totals.c.records - 1)
        connection.execute(fewer)
    assert unaccounted(database) == {"p1": 1}
    with database.write() as connection:
        connection.execute(
            delete(stored).where(stored.c.probe_id == "p2", stored.c.tombstone.is_not(None))
        )
    assert unaccounted(database) == {"p1": 1, "p2": 1}
    with database.write() as connection:
        connection.execute(delete(apart).where(apart.c.probe_id == "p2"))
        connection.execute(delete(totals).where(totals.c.probe_id == "p1"))
    assert unaccounted(database) == {"p1": 4, "p2": 2}


@ON_BOTH
def test_the_law_is_checked_without_going_through_all_records(
    database: Database, engine: str
) -> None:
    """A ledger of years is checked every few seconds: of the records only an index is read."""
    (statement,) = [
        one for one in statements_of(database, unaccounted_slots) if "records" in one[0]
    ]

    def plan(connection: Connection) -> list[str]:
        if engine == "postgresql":
            # So few rows as here would be read whole in any case.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        return steps(connection, *statement)

    found = database.read_now(plan)
    of_records = [step for step in found if re.search(r" records\b| records_20", step)]
    assert of_records
    assert all(re.search(BY_TOMBSTONE[engine], step) for step in of_records)
