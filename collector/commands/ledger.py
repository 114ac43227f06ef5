"""What every command that works on the ledger directly does first and last."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.engines import sqlite_file
from collector.ledger.migrate import newest_version, version_of
from collector.settings import CollectorSettings
from protocol.settings import Configuration

T = TypeVar("T")


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


async def write_beside(database: Database, job: Callable[[Connection], T]) -> T:
    """Return what ``job`` returns, once it is committed: in a thread, in its own transaction.

    Raises:
        LedgerError: the ledger cannot be written; nothing of the job was.
    """

    def run() -> T:
        with database.write() as connection:
            return job(connection)

    return await asyncio.to_thread(run)


def local_day(settings: CollectorSettings) -> date:
    """Return today, where the lines are."""
    return datetime.now(ZoneInfo(settings.timezone)).date()
