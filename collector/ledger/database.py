"""How the ledger's database is opened: one way for SQLite and PostgreSQL.

Reads run in a few threads of their own, each with its own connection; writes belong to
`collector.ledger.writer` alone.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from collector.errors import LedgerError
from collector.settings import LedgerSettings

T = TypeVar("T")

_READERS = 4
_WRITES = "linewatch_writes"


class Database:
    """The ledger's database, open.

    Args:
        settings: where it is.

    Raises:
        LedgerError: it cannot be opened.
    """

    def __init__(self, settings: LedgerSettings) -> None:
        self.engine = _open(settings)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-read")

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Return what ``query`` returns, given a connection, from a reader thread.

        Everything that one query reads is of one moment (a read transaction).

        Raises:
            LedgerError: the database does not answer.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, query)

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """Return what ``query`` returns, in this thread. As `read`."""
        with translated("reading the ledger"), self.engine.connect() as connection:
            return query(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that writes; for the writer, migrations and single commands.

        Raises:
            LedgerError: the database cannot be written; nothing was.
        """
        with translated("writing the ledger"):
            engine = self.engine.execution_options(**{_WRITES: True})
            with engine.begin() as connection:
                yield connection

    def close(self) -> None:
        """Close every connection; running reads end first."""
        self._readers.shutdown()
        self.engine.dispose()


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a database's error into a `LedgerError` that says what was being done."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise LedgerError(f"{doing}: {reason}") from error


def sqlite_file(settings: LedgerSettings) -> Path | None:
    """Return the ledger's SQLite file; None where it is in another database.

    Raises:
        LedgerError: `collector.ledger.url` is no URL of a database.
    """
    if settings.url is None:
        return settings.path
    try:
        url = make_url(settings.url.get_secret_value())
        if url.get_backend_name() != "sqlite":
            return None
    except ArgumentError as error:
        raise LedgerError(f"collector.ledger.url cannot be used: {error}") from None
    if not url.database:
        raise LedgerError("collector.ledger.url names no file: sqlite:////var/lib/…/ledger.sqlite")
    return Path(url.database)


def _open(settings: LedgerSettings) -> Engine:
    file = sqlite_file(settings)
    if file is not None:
        return _open_sqlite(file, settings.busy_timeout_seconds)
    try:
        url = settings.url.get_secret_value() if settings.url else ""
        return create_engine(url, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise LedgerError(f"collector.ledger.url cannot be used: {error}") from None


def _open_sqlite(path: Path, busy_timeout_seconds: float) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"{path.parent}: the ledger's folder cannot be made: {error}") from None
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": busy_timeout_seconds}, pool_size=_READERS + 2
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        del record
        # The library's own BEGIN comes late and breaks savepoints; `begin` below sends ours.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",  # readers never wait for the writer
            "synchronous = FULL",  # committed means on the disk, also after a power cut
            "foreign_keys = ON",
            "cache_size = -32768",  # 32 MiB a connection
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a writer takes its lock first, so it never fails half-way for another's.
        writes: Any = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
