"""Ledgers of earlier versions, which `tests/data/make_ledger.py` made, are brought to this one."""

import contextlib
import gzip
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, column, func, insert, select, table

from collector.domain.terms import Period, Terms
from collector.ingest.verify import verify
from collector.ledger import migrate as steps
from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.migrate import migrate, newest_version, version_of
from collector.ledger.months import ensure_month
from collector.ledger.schema import to_moment
from collector.ledger.store import Arrival, store_batch
from collector.ledger.terms import SHOWN, recorded, show_today
from collector.settings import LedgerSettings
from tests.collector import postgres
from tests.collector.conftest import ON_BOTH
from tests.collector.ledger.test_migrate import assert_tables_are_as_the_schema_says
from tests.data import make_ledger
from tests.data.make_ledger import KEPT, fleet

DATA = Path(__file__).parents[2] / "data" / "ledgers"
VERSIONS = sorted(path.name.removeprefix("ledger_")[:4] for path in DATA.glob("ledger_*.sql.gz"))
KEPT_SEED = 2

CARRIERS = table("carriers", *map(column, ("id", "name", "complaint_address", "created_at")))

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return an earlier version that a ledger is kept of."""
    found: str = request.param
    return found


@pytest.fixture
def old(
    engine: str, version: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """Return a ledger of that version, with rows in each of its tables."""
    path = tmp_path / "old.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript(
            gzip.decompress((DATA / f"ledger_{version}.sql.gz").read_bytes()).decode()
        )
    with contextlib.closing(Database(LedgerSettings(path=path))) as in_file:
        if engine == "sqlite":
            yield in_file
            return
        server: postgres.Server = request.getfixturevalue("server")
        with contextlib.closing(Database(server.settings(server.new_database()))) as in_server:
            move(in_file.read_now(content), in_server, version)
            yield in_server


def content(connection: Connection) -> Rows:
    """Return the rows of all tables, as the database has them."""
    reflected = MetaData()
    reflected.reflect(connection)
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in reflected.sorted_tables
    }


def upgrade(connection: Connection, version: str) -> None:
    """Bring tables to a version."""
    config = Config()
    config.set_main_option("script_location", str(Path(steps.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def move(rows: Rows, target: Database, version: str) -> None:
    """Put rows into an empty PostgreSQL with the tables of a version, as its steps made them."""
    with target.write() as connection:
        upgrade(connection, version)
        for row in (*rows["records"], *rows["quarantine"]):
            came = datetime.fromtimestamp(row["received_at"] / 1e6, UTC)
            ensure_month(connection, came)
        reflected = MetaData()
        reflected.reflect(connection)
        for table in reflected.sorted_tables:
            if table.name == "alembic_version" or table.name not in rows:
                continue
            # The steps put a row into a table or two.
            connection.execute(table.delete())
            if given := rows.get(table.name):
                truths = {
                    column.name for column in table.columns if column.type.python_type is bool
                }
                typed = [
                    {
                        name: bool(value) if name in truths and value is not None else value
                        for name, value in row.items()
                    }
                    for row in given
                ]
                connection.execute(table.insert(), typed)
        newest = max(row["id"] for row in rows["records"])
        connection.execute(select(func.setval("records_id_seq", newest)))


def test_a_ledger_of_this_version_can_be_made_with_rows_in_each_table(tmp_path: Path) -> None:
    """So that one is there to be kept when this version is released: a new table needs its rows in
    `make_ledger`, which ends with the names of those that have none.
    """
    made = tmp_path / "ledger.sql.gz"
    make_ledger.main(made)
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(gzip.decompress(made.read_bytes()).decode())
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert found == [(newest_version(),)]


@ON_BOTH
def test_nothing_that_an_earlier_version_kept_is_lost(
    old: Database, version: str, engine: str
) -> None:
    """All rows of all tables are there after the steps, with the same values in each column that
    both versions have; the tables are those of a ledger that was never older.
    """
    before = old.read_now(content)
    assert version_of(old) == version
    assert migrate(old) == (version, newest_version())
    assert_tables_are_as_the_schema_says(old, engine)
    after = old.read_now(content)
    del before["alembic_version"]
    for name, rows in before.items():
        assert rows, name
        common = rows[0].keys() & (after[name] or [{}])[0].keys()
        assert common, name

        def told(found: list[dict[str, Any]], names: set[str] = common) -> list[str]:
            return sorted(repr([(key, row[key]) for key in sorted(names)]) for row in found)

        kept, now = told(rows), told(after[name])
        assert [row for row in kept if row not in now] == [], name


@ON_BOTH
def test_what_an_earlier_version_knew_of_a_line_is_its_first_terms(
    old: Database, version: str
) -> None:
    """It holds from the beginning on, and was believed since the line was added."""
    assert version < "0005"
    lines = old.read_now(content)["lines"]
    migrate(old)
    found = old.read_now(lambda connection: recorded(connection, [row["id"] for row in lines]))
    assert lines
    for row in lines:
        ((at, period),) = found[row["id"]]
        assert at == to_moment(row["created_at"])
        known = {name: row[name] for name in SHOWN}
        assert any(known.values())
        assert period == Period(None, None, Terms(**known))
    with old.write() as connection:
        assert show_today(connection, datetime.now(UTC).date()) == 0


@ON_BOTH
def test_a_carriers_address_becomes_what_it_is(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Where complaints went is an e-mail where it has an @, and post where not."""
    settings = LedgerSettings(path=tmp_path / "l.sqlite")
    if engine == "postgresql":
        server: postgres.Server = request.getfixturevalue("server")
        settings = server.settings(server.new_database())
    with contextlib.closing(Database(settings)) as database:
        with database.write() as connection:
            upgrade(connection, "0004")
            for name, address in (("a", "a@b.vn"), ("b", "Số 1"), ("c", None)):
                row = {"id": name, "name": name, "complaint_address": address, "created_at": 1}
                connection.execute(insert(CARRIERS).values(**row))
        migrate(database)
        rows = database.read_now(content)["carriers"]
    assert {row["id"]: (row["complaint_email"], row["postal_address"]) for row in rows} == {
        "a": ("a@b.vn", None),
        "b": (None, "Số 1"),
        "c": (None, None),
    }


@ON_BOTH
def test_an_earlier_versions_ledger_goes_on(old: Database) -> None:
    """Its laws hold, what was sent before is known, and what was missing is stored."""
    migrate(old)
    assert not any(old.read_now(unaccounted_slots).values())
    probes = fleet(KEPT, KEPT_SEED)
    stored = known = 0
    with old.write() as connection:
        for batch in probes.batches():
            key = probes.keys()[batch.probe].public_key()
            found = verify(batch.body, batch.probe, key)
            at = datetime.fromtimestamp(batch.sent_at, UTC)
            answer = store_batch(connection, found, Arrival(at, "key", gap_acknowledged=True))
            stored += answer.stored
            known += answer.duplicate
    assert stored
    assert known
    assert not any(old.read_now(unaccounted_slots).values())
