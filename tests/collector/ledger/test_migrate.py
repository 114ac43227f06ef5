"""Migrations on real files: they make what the schema says, and never touch what is newer."""

import contextlib
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import UniqueConstraint, insert, inspect

from collector.domain.series import SeriesId
from collector.domain.time_correction import TimeQuality
from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.migrate import migrate, newest_version, version_of
from collector.ledger.schema import latest, metadata, probes, quarantine, records
from collector.settings import LedgerSettings
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


@ON_BOTH
def test_the_steps_make_what_the_schema_says(empty: Database, engine: str) -> None:
    """An empty database gets exactly the tables of the schema; a second time nothing is done. On
    PostgreSQL the keys of the tables by month end with what divides them, and nothing else differs.
    """
    assert version_of(empty) is None
    assert migrate(empty) == (None, newest_version())
    assert migrate(empty) == (newest_version(), newest_version())
    options = {
        "compare_type": True,
        "include_name": lambda name, kind, _: kind != "table" or not MONTH.search(name),
    }
    difference = empty.read_now(
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
