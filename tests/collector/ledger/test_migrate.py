"""Migrations on real files: they make what the schema says, and never touch what is newer."""

import contextlib
import random
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import UniqueConstraint, insert, inspect, select

from collector.domain.series import SeriesId
from collector.domain.time_correction import TimeQuality
from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.migrate import migrate, newest_version, version_of
from collector.ledger.schema import latest, metadata, probes, quarantine, records, sinks
from collector.settings import LedgerSettings
from collector.sinks import keeping
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.records import Outcome, Task
from protocol.results import Ipv6State
from tests.collector import postgres
from tests.collector.conftest import ON_BOTH, fill_registry

MONTH = re.compile(r"_\d{4}_\d{2}$")


@pytest.fixture
def empty(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a database that has no tables."""
    if engine == "sqlite":
        settings = LedgerSettings(path=tmp_path / "l.sqlite")
    else:
        server: postgres.Server = request.getfixturevalue("server")
        settings = server.settings(server.new_database())
    with contextlib.closing(Database(settings)) as database:
        yield database


def tables(database: Database) -> set[str]:
    """Return the names of a ledger's tables."""
    return database.read_now(lambda connection: set(inspect(connection).get_table_names()))


def assert_tables_are_as_the_schema_says(database: Database, engine: str) -> None:
    """Assert that a ledger has exactly the tables, columns, keys and indices of the schema."""
    options = {
        "compare_type": True,
        "include_name": lambda name, kind, _: kind != "table" or not MONTH.search(name),
    }
    difference = database.read_now(
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts=options), metadata
        )
    )
    if engine == "postgresql":
        # What SQLite's row numbers are by themselves.
        expected = [("remove_index", ["id"]), ("remove_index", ["id"])]
        for table in (quarantine, records):
            for key in table.constraints:
                if isinstance(key, UniqueConstraint):
                    names = [column.name for column in key.columns]
                    expected.append(("add_constraint", names))
                    expected.append(("remove_constraint", [*names, "received_at"]))
        changes = [(change, [c.name for c in key.columns]) for change, key in difference]
        assert sorted(changes) == sorted(expected)
        return
    assert difference == []


@ON_BOTH
def test_the_steps_make_what_the_schema_says(empty: Database, engine: str) -> None:
    """An empty database gets exactly the tables of the schema; a second time nothing is done. On
    PostgreSQL the keys of the tables by month end with what divides them, and nothing else differs.
    """
    assert version_of(empty) is None
    assert migrate(empty) == (None, newest_version())
    assert migrate(empty) == (newest_version(), newest_version())
    assert_tables_are_as_the_schema_says(empty, engine)


@ON_BOTH
def test_the_longest_values_of_a_record_have_room(empty: Database) -> None:
    """What the protocol allows, however odd, fits columns and indices: no record stops the rest."""
    chance = random.Random(7)
    # Nothing of it can be compressed, and each sign takes four bytes.
    odd = "".join(chr(chance.randrange(0x10000, 0x1FFFF)) for _ in range(500))
    now = datetime.now(UTC)
    row: dict[str, Any] = dict.fromkeys(("received_at", "slot", "started_at"), now)
    row |= dict.fromkeys(("chain", "path", "method_name", "method_version"), "x" * 64)
    row |= dict.fromkeys(("boot_id", "server", "software"), odd)
    row |= {"probe_id": "p1", "line_id": "l1", "seq": 2**63 - 1, "line": b"{}", "profile": "q" * 16}
    row |= {"hash": "0" * 64, "prev": "0" * 64, "measured_at": now, "task": longest(Task)}
    row |= {"outcome": longest(Outcome), "failure_code": longest(Failure)}
    row |= {"time_quality": longest(TimeQuality), "ipv6_state": longest(Ipv6State)}
    row |= {"flags": " ".join(sorted(Flag))}
    name = "x" * 64
    series = SeriesId("p1", name, name, name, "q" * 16, 4, odd).key
    migrate(empty)
    fill_registry(empty, now)
    with empty.write() as connection:
        enrol = {"id": "p1", "site_id": "nvh-1", "created_at": now}
        connection.execute(insert(probes).values(**enrol))
        connection.execute(insert(records).values(**row))
        names = ("probe_id", "line_id", "task", "measured_at", "received_at")
        newest = {name: row[name] for name in names} | {"series": series, "record_id": 1}
        connection.execute(insert(latest).values(**newest))


def longest(words: type[StrEnum]) -> str:
    """Return the longest word of a closed list."""
    return max(words, key=len).value


@ON_BOTH
def test_sinks_of_the_version_before_stay_as_they_are(empty: Database) -> None:
    """A ledger whose sinks have no address yet keeps them, and notes it when it is asked to."""
    config = Config()
    config.set_main_option("script_location", "collector/ledger/migrations")
    with empty.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    now = datetime.now(UTC)
    numbers = ("cursor", "written", "held_back", "set_aside", "settled", "settling")
    row = {"name": "far", "settling_since": now, "created_at": now} | dict.fromkeys(numbers, 7)
    with empty.write() as connection:
        connection.execute(insert(sinks).values(**row))
    assert migrate(empty) == ("0002", newest_version())
    with empty.write() as connection:
        keeping.add_missing(connection, {"far": "http://there"}, now)
        (found,) = connection.execute(select(sinks)).mappings().all()
    assert row | {"far_end": "http://there"} == {
        name: value for name, value in found.items() if name not in ("holder", "held_until")
    }


@ON_BOTH
def test_a_newer_ledger_is_refused_and_left_alone(empty: Database) -> None:
    """The sentence names both versions and says what to run."""
    migrate(empty)
    with empty.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match=r"9999.*run the newer linewatch"):
        migrate(empty)
    assert version_of(empty) == "9999"


@ON_BOTH
def test_a_step_that_fails_leaves_the_ledger_as_it_was(empty: Database) -> None:
    """All steps are one transaction: a table that is in the way undoes them all."""
    with empty.write() as connection:
        connection.exec_driver_sql("CREATE TABLE latest (x INTEGER)")
    with pytest.raises(LedgerError, match="latest"):
        migrate(empty)
    assert tables(empty) == {"latest"}


@pytest.mark.parametrize(
    "url,sentence",
    [
        ("nonsense", "collector.ledger.url cannot be used"),
        ("sqlite://", "names no file"),
        ("postgresql+nodriver://x/y", "collector.ledger.url cannot be used"),
        ("mysql://x/y", "neither sqlite nor postgresql"),
    ],
)
def test_a_url_that_cannot_be_used_is_a_sentence(url: str, sentence: str) -> None:
    """The error names the setting."""
    with pytest.raises(LedgerError, match=sentence):
        Database(LedgerSettings.model_validate({"url": url}))


@pytest.mark.parametrize(
    "password", ["s3cret@w0rd:x", "s3cret@w0rd", "s3cret@w0rd/x", "s3cret@w0rd?x", "@s3cret"]
)
def test_a_password_with_an_at_sign_is_asked_for_encoded(password: str) -> None:
    """Before anything is connected, and without any part of it: neither in the error nor in what it
    came from. Encoded it is the password.
    """
    url = f"postgresql://linewatch:{password}@127.0.0.1:1/linewatch"
    with pytest.raises(LedgerError, match="%40") as caught:
        Database(LedgerSettings.model_validate({"url": url})).close()
    said = "".join(traceback.format_exception(caught.value))
    assert not [part for part in ("s3cret", "w0rd") if part in said]
    encoded = url.replace(password, quote(password, safe=""))
    with contextlib.closing(Database(LedgerSettings.model_validate({"url": encoded}))) as database:
        assert database.engine.url.password == password
        assert database.engine.url.host == "127.0.0.1"


@pytest.mark.parametrize("place", ["linewatch:s3cret/db", "linewatch:p%40w@db.example:s3cret/db"])
def test_a_port_that_is_no_number_is_not_repeated(place: str) -> None:
    """It may be the password, where the host was forgotten."""
    with pytest.raises(LedgerError, match="port") as caught:
        Database(LedgerSettings.model_validate({"url": f"postgresql://{place}"})).close()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_file_may_have_an_at_sign_in_its_name(tmp_path: Path) -> None:
    """Of an SQLite file's URL nothing is a password."""
    url = f"sqlite:///{tmp_path}/a@b@c.sqlite"
    with contextlib.closing(Database(LedgerSettings.model_validate({"url": url}))) as database:
        migrate(database)
    assert (tmp_path / "a@b@c.sqlite").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """The error names the folder."""
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot be made"):
        Database(LedgerSettings(path=tmp_path / "file" / "l.sqlite"))


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    """Nothing is written into a file that is something else."""
    path = tmp_path / "l.sqlite"
    path.write_bytes(b"no database" * 1000)
    with (
        contextlib.closing(Database(LedgerSettings(path=path))) as database,
        pytest.raises(LedgerError, match="not a database"),
    ):
        migrate(database)
    assert path.read_bytes() == b"no database" * 1000
