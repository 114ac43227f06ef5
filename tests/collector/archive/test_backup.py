"""A backup of a ledger that is written to, and what becomes of it."""

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from collector.archive.backup import back_up, restore
from collector.errors import ArchiveError, LedgerError
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.schema import chains, records
from collector.settings import LedgerSettings
from simulate import Fleet, FleetPlan, rhythm
from tests.collector import postgres
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.fleet_ledger import register, store

PLAN = FleetPlan(
    probes=4,
    days=3,
    seed=2,
    start=date(2026, 3, 1),
    schedule=rhythm(4, 3600, 3600),
    batch_records=10,
)
NOW = datetime(2026, 6, 1, tzinfo=UTC)

NewPlace = Callable[[], LedgerSettings]


@pytest.fixture
def new_place(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewPlace]:
    """Yield a function that names a place where no ledger is."""
    made: list[str] = []
    if engine == "sqlite":
        yield lambda: LedgerSettings(path=tmp_path / f"place{len(list(tmp_path.iterdir()))}.sqlite")
        return
    server: postgres.Server = request.getfixturevalue("server")

    def empty() -> LedgerSettings:
        made.append(server.new_database())
        return server.settings(made[-1])

    yield empty
    for name in made:
        server.drop(name)


def quiet(done: int, total: int) -> None:
    """Be told of the progress."""
    assert done >= 0
    assert total >= 0


def count(database: Database) -> int:
    """Return how many records a ledger has."""
    return database.read_now(
        lambda c: c.execute(select(func.count()).select_from(records)).scalar_one()
    )


@ON_BOTH
def test_a_backup_of_a_busy_ledger_is_of_one_moment(
    new_ledger: NewLedger, new_place: NewPlace, tmp_path: Path
) -> None:
    """Made while records come: all that were committed before are in it, every law holds in it, and
    it takes the rest of the batches as the ledger itself did.
    """
    settings = new_ledger()
    database = Database(settings)
    fleet = Fleet(PLAN)
    keys = register(database, fleet, NOW)
    batches = list(fleet.batches())
    half = len(batches) // 2
    store(database, fleet, keys, batches[:half])
    before = count(database)
    begun = threading.Event()

    def write() -> None:
        for number, batch in enumerate(batches[half:]):
            store(database, fleet, keys, [batch])
            if number == 1:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(30)
    backup = tmp_path / "ledger.backup"
    back_up(settings, backup, quiet)
    writer.join()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    place = new_place()
    assert restore(place, backup, NOW, quiet) is None
    copy = Database(place)
    assert before < count(copy) <= count(database)
    assert set(copy.read_now(unaccounted_slots).values()) == {0}
    store(copy, fleet, keys, batches)
    assert count(copy) == count(database)
    assert set(copy.read_now(unaccounted_slots).values()) == {0}
    ends = select(chains.c.probe_id, chains.c.chain, chains.c.next_seq, chains.c.last_hash)
    found = [
        one.read_now(lambda c: sorted(map(tuple, c.execute(ends)))) for one in (copy, database)
    ]
    assert found[0] == found[1]
    copy.close()
    database.close()


@ON_BOTH
def test_nothing_is_written_over(new_ledger: NewLedger, engine: str, tmp_path: Path) -> None:
    """Not a file by a backup, not a database by a restore; a file's ledger is put aside, whole."""
    settings = new_ledger()
    backup = tmp_path / "ledger.backup"
    back_up(settings, backup, quiet)
    with pytest.raises(ArchiveError, match="is there already"):
        back_up(settings, backup, quiet)
    if engine == "postgresql":
        with pytest.raises(ArchiveError, match="has a ledger already"):
            restore(settings, backup, NOW, quiet)
        return
    database = Database(settings)
    register(database, Fleet(PLAN), NOW)
    database.close()
    aside = restore(settings, backup, NOW, quiet)
    assert aside is not None
    assert aside.name.endswith(".before-20260601T000000Z")
    old, new = Database(LedgerSettings(path=aside)), Database(settings)
    probes = text("SELECT count(*) FROM probes")
    assert old.read_now(lambda c: c.execute(probes).scalar_one()) == PLAN.probes
    assert new.read_now(lambda c: c.execute(probes).scalar_one()) == 0
    old.close()
    new.close()


@ON_BOTH
def test_what_is_no_backup_is_refused(new_place: NewPlace, engine: str, tmp_path: Path) -> None:
    """A file of another kind, one that is missing, one that is cut off: nothing is there then."""
    place = new_place()
    other = tmp_path / "other"
    other.write_text("PK\x03\x04 something else")
    with pytest.raises(ArchiveError, match="is no backup of a ledger in"):
        restore(place, other, NOW, quiet)
    with pytest.raises(ArchiveError, match="No such file"):
        restore(place, tmp_path / "missing", NOW, quiet)
    other.write_bytes((b"SQLite format 3\0" if engine == "sqlite" else b"PGDMP") + bytes(5000))
    with pytest.raises((ArchiveError, LedgerError)):
        restore(place, other, NOW, quiet)
    if engine == "sqlite":
        assert not place.path.exists()


def test_a_damaged_or_newer_backup_is_refused(new_ledger: NewLedger, tmp_path: Path) -> None:
    """SQLite's own check finds damage; tables of a newer program and other files are named."""
    backup = tmp_path / "ledger.backup"
    back_up(new_ledger(), backup, quiet)
    place = LedgerSettings(path=tmp_path / "new.sqlite")
    content = bytearray(backup.read_bytes())
    content[4096 * 3 : 4096 * 5] = bytes(4096 * 2)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    with pytest.raises((ArchiveError, LedgerError)):
        restore(place, damaged, NOW, quiet)
    with closing(sqlite3.connect(backup)) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match="9999"):
        restore(place, backup, NOW, quiet)
    empty = tmp_path / "empty.sqlite"
    with closing(sqlite3.connect(empty)) as database, database:
        database.execute("CREATE TABLE x (y)")
    with pytest.raises(ArchiveError, match="but no ledger"):
        restore(place, empty, NOW, quiet)
    assert not place.path.exists()
