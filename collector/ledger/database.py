"""How the ledger's database is opened, read and written: the same for SQLite and PostgreSQL.

Reads run in a few threads of their own, each with its own connection; writes belong to
`collector.ledger.writer` alone. How each kind of database is opened: `collector.ledger.engines`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from collector.errors import LedgerBusyError
from collector.ledger import engines
from collector.settings import LedgerSettings

T = TypeVar("T")

MOST_WAITING: Final = 4096
"""Reads that wait for a thread: one for each connection that a collector takes as it is made."""


class Database:
    """The ledger's database, open.

    Args:
        settings: where it is.

    Raises:
        LedgerError: it cannot be opened.
    """

    def __init__(self, settings: LedgerSettings) -> None:
        self.engine = engines.open_engine(settings)
        self._reading = engines.for_reading(self.engine)
        self._writing = engines.for_writing(self.engine)
        self._readers = ThreadPoolExecutor(engines.READERS, thread_name_prefix="ledger-read")

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Return what ``query`` returns, given a connection, from a reader thread.

        Everything that one query reads is of one moment (a read transaction).

        Raises:
            LedgerBusyError: as many wait already as may.
            LedgerError: the database does not answer.
        """
        # Where the database hangs, those who gave up waiting are still in the queue.
        if self._readers._work_queue.qsize() >= MOST_WAITING:  # noqa: SLF001 - nobody else knows
            raise LedgerBusyError("too much is waiting for the ledger; try again later")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, query)

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """Return what ``query`` returns, in this thread. As `read`."""
        with translated("reading the ledger"), self._reading.connect() as connection:
            return query(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that writes; for the writer, migrations and single commands.

        Raises:
            LedgerBusyError: the database takes nothing just now; nothing was written.
            LedgerError: it cannot be written; nothing was.
        """
        with translated("writing the ledger"), self._writing.begin() as connection:
            engines.begin_write(connection)
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
        raise engines.kind_of(error)(f"{doing}: {engines.said(error)}") from error
