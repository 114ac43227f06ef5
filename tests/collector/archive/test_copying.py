"""A whole ledger in another database: the same in every row, and it goes on there."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, update

from collector.archive.copying import copy_ledger, count_rows
from collector.domain.cases.steps import Event, Role, Step
from collector.errors import ArchiveError, LedgerError
from collector.ledger import cases, outbox
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.migrate import migrate, version_of
from collector.ledger.schema import metadata, operators, probes, records, servers, sinks
from collector.settings import LedgerSettings
from tests.collector import postgres
from tests.collector.archive.months import (
    FEBRUARY,
    JANUARY,
    NOW,
    deliver,
    export,
    fill,
    put,
    remove,
    rows,
)
from tests.collector.device import Device
from tests.collector.fleet_ledger import fold_all
from tests.collector.letters import fill_letters


@pytest.fixture
def on_postgres(server: postgres.Server) -> Iterator[Database]:
    """Yield a database of PostgreSQL without any table."""
    name = server.new_database()
    with contextlib.closing(Database(server.settings(name))) as database:
        yield database
    server.drop(name)


@pytest.fixture
def in_files(tmp_path: Path) -> Iterator[list[Database]]:
    """Yield two SQLite files without any table."""
    made = [Database(LedgerSettings(path=tmp_path / f"{name}.sqlite")) for name in "ab"]
    yield made
    for database in made:
        database.close()


def grow(database: Database) -> list[Device]:
    """Give a ledger something in nearly every table."""
    migrate(database)
    devices = fill(database)
    fold_all(database, JANUARY - timedelta(hours=1), NOW)
    counts = {column.name: 100 for column in sinks.c if column.name != "far_end"}
    known = {"name": "far", "holder": None, "held_until": None}
    moments = {"created_at": JANUARY, "settling_since": JANUARY}
    with database.write() as connection:
        connection.execute(insert(sinks).values(**counts | known | moments))
        person = {"name": "an", "password_hash": "x", "created_at": JANUARY}
        connection.execute(insert(operators).values(**person))
        fill_letters(connection, JANUARY)
        connection.execute(update(probes).where(probes.c.id == "p2").values(revoked_at=FEBRUARY))
        row = {"id": "s1", "url": "http://192.0.2.1/", "engine": "http", "created_at": JANUARY}
        connection.execute(insert(servers).values(**row, budget_bits_per_second=5_000_000))
        complain(connection)
    return devices


def complain(connection: Connection) -> None:
    """Open a case with more files than are read at once, and put its mail into the outbox."""
    event = Event(1, Step.OPENED, JANUARY, JANUARY.date(), Role.CLERK, "mở", {"lines": 1})
    row = {"carrier_id": "vnpt", "carrier_name": "VNPT", "month": "2026-01", "ward": None}
    line = cases.CaseLine("l1", "Nhà văn hóa", [{"limit": 1.5}])
    files = [cases.new_file("folder", f"{n}.pdf", "application/pdf", bytes([n])) for n in range(9)]
    files.append(cases.NewFile("folder", "evidence.zip", "application/zip", "0" * 64, 9, None))
    case = cases.open_case(connection, row, [line], files, event)
    outbox.put(
        connection,
        f"complaint/{case}",
        case,
        message_id="<a@b>",
        sender="a@b.example",
        recipients=["c@d.example"],
        subject="Kiến nghị",
        body="xin chào",
        files=[1, 2],
        now=JANUARY,
        give_up_at=FEBRUARY,
    )


def copied(source: Database, target: Database) -> None:
    """Copy a ledger, and compare every table."""
    told: list[int] = []
    count = source.read_now(count_rows)
    assert copy_ledger(source, target, told.append) == count
    assert sum(told) == 2 * count
    for table in metadata.sorted_tables:
        key = [column.name for column in table.primary_key]
        both = [
            sorted(rows(one, table), key=lambda row: tuple(row[name] for name in key))
            for one in (source, target)
        ]
        assert both[0] == both[1], table.name


def test_a_ledger_goes_to_postgresql_and_back(
    in_files: list[Database], on_postgres: Database, tmp_path: Path
) -> None:
    """With ids, folded hours, sinks, operators, revocations and budgets; what comes after gets ids
    behind all that sinks have seen, and a month that left the first ledger comes back in the last.
    """
    first, last = in_files
    devices = grow(first)
    archive = export(first, JANUARY, tmp_path / "january")
    remove(first, JANUARY)
    with first.write() as connection:
        # It has dealt with records that are gone.
        connection.execute(update(sinks).values(cursor=100, settled=100))
    copied(first, on_postgres)
    devices[0].add_reach(NOW)
    assert deliver(on_postgres, devices[0], 15, None, NOW).stored == 1
    assert max(row["id"] for row in rows(on_postgres, records)) == 101
    copied(on_postgres, last)
    devices[0].add_reach(NOW)
    assert deliver(last, devices[0], 16, None, NOW).stored == 1
    assert put(last, archive).put_back == 18
    assert set(last.read_now(unaccounted_slots).values()) == {0}


def test_what_comes_after_a_copy_to_sqlite_is_ahead_of_every_sink(
    in_files: list[Database], on_postgres: Database
) -> None:
    """SQLite numbers from the newest record that is left: a sink that was further on PostgreSQL is
    put back to there, and nothing that comes is behind its cursor.
    """
    (target, _) = in_files
    devices = grow(on_postgres)
    newest = max(row["id"] for row in rows(on_postgres, records))
    with on_postgres.write() as connection:
        # It has dealt with records that are gone.
        connection.execute(update(sinks).values(cursor=newest + 50, settled=newest + 50))
    copy_ledger(on_postgres, target, lambda _: None)
    devices[0].add_reach(NOW)
    assert deliver(target, devices[0], 15, None, NOW).stored == 1
    (sink,) = rows(target, sinks)
    come = [row["id"] for row in rows(target, records) if row["received_at"] == NOW]
    assert sink["cursor"] == sink["settled"] == newest
    assert come == [newest + 1]


def test_only_an_empty_database_is_copied_to(
    in_files: list[Database], on_postgres: Database
) -> None:
    """One with a ledger, or with any other table, is left as it is."""
    source, target = in_files
    migrate(source)
    migrate(target)
    with on_postgres.write() as connection:
        connection.exec_driver_sql("CREATE TABLE mine (x INTEGER)")
    for one in (target, on_postgres):
        with pytest.raises(ArchiveError, match="has tables already"):
            copy_ledger(source, one, lambda _: None)


def test_half_a_copy_is_no_ledger(
    in_files: list[Database], on_postgres: Database, tmp_path: Path
) -> None:
    """Where records came meanwhile, it was ended, or a row is another than it was, no collector
    takes the copy for a ledger.
    """
    source, target = in_files
    (device, _) = grow(source)
    device.add_reach(NOW)

    def come(_: int) -> None:
        if len(device.lines) == 16:
            deliver(source, device, 15, None, NOW)
            device.lines.append(b"")

    with pytest.raises(ArchiveError, match="records came meanwhile"):
        copy_ledger(source, on_postgres, come)

    def end(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        copy_ledger(source, target, end)
    third = Database(LedgerSettings(path=tmp_path / "third.sqlite"))

    def spoil(_: int) -> None:
        with third.write() as connection:
            connection.execute(update(servers).values(url="http://192.0.2.9/"))

    with pytest.raises(ArchiveError, match=r"not the same in: servers\. It is of no use"):
        copy_ledger(source, third, spoil)
    third.close()
    for one in (on_postgres, target):
        assert version_of(one) == "copying"
        with pytest.raises(LedgerError, match="copying"):
            migrate(one)
