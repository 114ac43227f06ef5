"""What every command that works on the ledger directly does first and last."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.engines import sqlite_file
from collector.ledger.migrate import newest_version, version_of
from collector.settings import CollectorSettings
from protocol.settings import Configuration


@contextlib.contextmanager
def opened(configuration: Configuration) -> Iterator[tuple[Database, CollectorSettings]]:
    """Yield the ledger and the collector's settings.

    A collector that runs on the same ledger goes on: SQLite and PostgreSQL both take turns. An
    older ledger is left alone: the collector that runs on it would not know the new tables. None is
    made: in the wrong folder, or without the right configuration, it would be one more ledger.

    Raises:
        LedgerError: there is no ledger, it cannot be used, or its tables are of another version.
    """
    settings = configuration.section("collector", CollectorSettings)
    file = sqlite_file(settings.ledger)
    if file is not None and not _exists(file):
        raise _no_ledger(f"at {file.absolute()}")
    database = Database(settings.ledger)
    try:
        version = version_of(database)
        if version is None:
            place = file.absolute() if file else "collector.ledger.url"
            raise _no_ledger(f"in {place}: it is empty")
        if version != newest_version():
            raise LedgerError(
                f"the ledger's tables are of version {version}, this program's are of "
                f"{newest_version()}: stop the collector, then run 'linewatch collector migrate'"
            )
        yield database, settings
    finally:
        database.close()


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise LedgerError(f"{file.absolute()}: cannot be looked at: {error.strerror}") from None


def _no_ledger(where: str) -> LedgerError:
    return LedgerError(
        f"there is no ledger {where}. Name yours by --config FILE or collector.ledger.path; "
        "'linewatch collector run' or 'linewatch collector migrate' makes a new one"
    )


def now() -> datetime:
    """Return this moment, aware, UTC."""
    return datetime.now(UTC)
