"""Many rows at once: what the driver is given comes back as SQLAlchemy reads it, errors and all."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import DataError, IntegrityError

from collector.ledger.bulk import find_at, insert_rows
from collector.ledger.database import Database
from collector.ledger.months import ensure_month
from collector.ledger.schema import records
from tests.collector.conftest import ON_BOTH, NewLedger, enrol_directly, fill_registry
from tests.collector.device import Device
from tests.collector.ledger.plans import statements_of, steps

NOW = datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC)
HANOI = timezone(timedelta(hours=7))
PARTS = 64 + 2 * 8 + 3

EMPTY: dict[str, Any] = {column.name: None for column in records.columns if column.name != "id"}
FULL: dict[str, Any] = EMPTY | {
    "probe_id": "p1",
    "chain": "c",
    "seq": 0,
    "hash": "h" * 64,
    "prev": "p" * 64,
    "received_at": NOW,
    "slot": NOW.astimezone(HANOI) - timedelta(days=1),
    "measured_at": datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "time_quality": "kernel",
    "flags": "",
    "server": "Hà Nội — \t\\N 'quoted'; \N{SNOWMAN}",
    "monotonic_seconds": 0.1,
    "download_bits_per_second": 1e300,
    "ip_version": 6,
    "gateway_reached": True,
    "dns_reached": False,
    "data_bytes": 2**63 - 1,
    "line": bytes(range(256)),
}


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """A ledger with a registry."""
    with contextlib.closing(Database(new_ledger())) as made:
        fill_registry(made, NOW)
        enrol_directly(made, Device("p1"))
        with made.write() as connection:
            ensure_month(connection, NOW)
        yield made


def stored(connection: Connection) -> list[dict[str, Any]]:
    """Return all records as they are read, without their numbers."""
    rows = connection.execute(select(records).order_by(records.c.id)).mappings()
    return [{name: row[name] for name in EMPTY} for row in rows]


@ON_BOTH
def test_rows_come_back_as_they_were_given(database: Database) -> None:
    """Every kind of value, null too, in as many rows as need parts of each size; in their order."""
    rows = [FULL | {"seq": seq, "line": FULL["line"] * seq} for seq in range(PARTS)]
    rows[1] |= dict.fromkeys(("slot", "server", "ip_version", "gateway_reached", "data_bytes"))
    with database.write() as connection:
        insert_rows(connection, records, rows)
        assert stored(connection) == rows
    assert database.read_now(stored) == rows


@ON_BOTH
def test_a_row_that_cannot_be_undoes_its_savepoint_alone(database: Database) -> None:
    """What the database refuses is an IntegrityError as of any statement; the rest is written."""
    with database.write() as connection:
        insert_rows(connection, records, [FULL])
        with pytest.raises(IntegrityError), connection.begin_nested():
            insert_rows(connection, records, [FULL | {"seq": 1}, FULL | {"seq": 0}])
        insert_rows(connection, records, [FULL | {"seq": 2}])
    assert [row["seq"] for row in database.read_now(stored)] == [0, 2]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.parametrize("wrong", [{"profile": "x" * 17}, {"server": "a\0b"}], ids=str)
def test_a_value_that_no_column_holds_is_an_error_of_its_data(
    database: Database, wrong: dict[str, str]
) -> None:
    """Whether the server or the driver finds it, the savepoint alone is lost."""
    with database.write() as connection:
        with pytest.raises(DataError), connection.begin_nested():
            insert_rows(connection, records, [FULL, FULL | {"seq": 1} | wrong])
        insert_rows(connection, records, [FULL | {"seq": 2}])
    assert [row["seq"] for row in database.read_now(stored)] == [2]


PLACE = (records.c.probe_id, records.c.chain, records.c.seq)


@ON_BOTH
@pytest.mark.parametrize("many", [1, 2, 5, 16, 17])
def test_rows_are_found_by_their_places(database: Database, many: int) -> None:
    """Those that are there, each once, with their types; whatever number is asked for."""
    with database.write() as connection:
        insert_rows(connection, records, [FULL | {"seq": seq} for seq in range(40)])
        places = [("p1", "c", 3 * number) for number in range(many - 1)] + [("p1", "other", 1)]
        found = find_at(connection, (*PLACE, records.c.measured_at), PLACE, places).all()
    wanted = [(*place, FULL["measured_at"]) for place in places[:-1] if place[2] < 40]
    assert sorted(map(tuple, found)) == wanted


@ON_BOTH
def test_places_are_looked_up_in_an_index(database: Database) -> None:
    """However many records there are: none is gone through to find a few."""
    with database.write() as connection:
        insert_rows(connection, records, [FULL | {"seq": seq} for seq in range(4000)])

    def plan(connection: Connection) -> list[str]:
        *_, (statement, parameters) = statements_of(
            database, lambda reading: find_at(reading, PLACE, PLACE, [("p1", "c", 7)] * 9).all()
        )
        return steps(connection, statement, parameters)

    found = [step for step in database.read_now(plan) if "records" in step]
    # A month without any record may be gone through.
    filled = [step for step in found if f"records_{NOW:%Y_%m}" in step or "USING" in step]
    assert filled
    assert not [step for step in found if step.startswith("SCAN")]
    assert all("Index" in step or "SEARCH" in step for step in filled)
