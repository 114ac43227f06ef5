"""Bring a ledger's tables to this version, or say that it is newer than this program."""

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.engines import Lock, take_time
from collector.ledger.months import MONTHS_AHEAD, ensure_month

_STEPS = Path(__file__).parent / "migrations"


def newest_version() -> str:
    """Return the version of the tables that this program works with."""
    version = _steps().get_current_head()
    if version is None:
        raise LedgerError(f"{_STEPS}: no migrations there: the program is not installed whole")
    return version


def version_of(database: Database) -> str | None:
    """Return the version of a ledger's tables; None where it is empty."""
    return database.read_now(_version)


def migrate(database: Database) -> tuple[str | None, str]:
    """Bring a ledger to this program's version: all steps in one transaction.

    Returns:
        Its version before (None: it was empty) and after.

    Raises:
        LedgerError: the ledger is of a newer program, or cannot be written; it is unchanged.
    """
    target = newest_version()
    with database.write() as connection:
        _take_turn(connection)
        before = _version(connection)
        if before != target:
            refuse_unknown(before)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        ensure_month(connection, datetime.now(UTC), MONTHS_AHEAD)
    return before, target


def _take_turn(connection: Connection) -> None:
    """Wait until nobody else migrates: of two collectors that start at once one finds it done.

    However long that and the steps take.
    """
    take_time(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({Lock.MIGRATING:d})")


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def refuse_unknown(version: str | None) -> None:
    """Raise `LedgerError` where tables are of a version that this program does not know."""
    known = {step.revision for step in _steps().walk_revisions()}
    if version is not None and version not in known:
        raise LedgerError(
            f"the ledger's tables are of version {version}, which this program does not know "
            f"(its own is {newest_version()}): run the newer linewatch that made them"
        )


def _steps() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    # Percent signs mean something to the configuration's reader.
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    return config
