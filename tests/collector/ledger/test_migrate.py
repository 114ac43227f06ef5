"""Migrations on real files: they make what the schema says, and never touch what is newer."""

import contextlib
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.migrate import migrate, newest_version, version_of
from collector.ledger.schema import metadata
from collector.settings import LedgerSettings


def test_the_steps_make_what_the_schema_says(tmp_path: Path) -> None:
    """An empty file gets exactly the tables of the schema; a second time nothing is done."""
    with contextlib.closing(Database(LedgerSettings(path=tmp_path / "l.sqlite"))) as database:
        assert version_of(database) is None
        assert migrate(database) == (None, newest_version())
        assert migrate(database) == (newest_version(), newest_version())
        difference = database.read_now(
            lambda connection: compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True}), metadata
            )
        )
    assert difference == []


def test_a_newer_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The sentence names both versions and says what to run."""
    with contextlib.closing(Database(LedgerSettings(path=tmp_path / "l.sqlite"))) as database:
        migrate(database)
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(LedgerError, match=r"9999.*run the newer linewatch"):
            migrate(database)
        assert version_of(database) == "9999"


def test_a_step_that_fails_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    """All steps are one transaction: a table that is in the way undoes them all."""
    with contextlib.closing(Database(LedgerSettings(path=tmp_path / "l.sqlite"))) as database:
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE records (x INTEGER)")
        with pytest.raises(LedgerError, match="records"):
            migrate(database)
        tables = database.read_now(
            lambda c: c.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
        )
    assert tables == ["records"]


@pytest.mark.parametrize(
    "url,sentence",
    [
        ("nonsense", "collector.ledger.url cannot be used"),
        ("sqlite://", "names no file"),
        ("postgresql+nodriver://x/y", "collector.ledger.url cannot be used"),
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
