"""SQLite and PostgreSQL: how each is opened, how a transaction begins, which errors pass by."""

import sqlite3
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from collector.errors import CollisionError, LedgerBusyError, LedgerError
from collector.ledger.bulk import copy_where_asked
from collector.settings import LedgerSettings

READERS: Final = 4
"""Threads that read, each with a connection."""

_CONNECTIONS: Final = READERS + 4
"""Of one collector at most: besides the readers its writer, and what walks through the ledger."""

_WRITES: Final = "linewatch_writes"

_TCP: Final = {
    # A server that vanished without a word is noticed within half a minute, idle or in the middle.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class Lock(IntEnum):
    """PostgreSQL's advisory locks of a ledger: numbers of our own, so that nobody else's is met."""

    MIGRATING = 0x6C77_0001
    MAKING_MONTHS = 0x6C77_0002
    WRITING = 0x6C77_0003
    """Shared by all who write: see `collector.ledger.tail`."""


_PASSING: Final = frozenset(
    {
        "55P03",  # a lock was not given in time
        "57014",  # the statement took longer than it may
        "53300",  # there are as many connections as the server takes
    }
)
_COLLIDED: Final = frozenset({"40P01", "40001"})
"""A deadlock; a serialisation failure."""

_TOO_COMPLEX: Final = "54"
"""The class of states of a value that is larger than an index takes, and the like."""


def kind_of(error: SQLAlchemyError) -> type[LedgerError]:
    """Return which of our errors a database's error is."""
    state = _state_of(error)
    if state in _COLLIDED:
        return CollisionError
    passing = isinstance(error, PoolTimeoutError) or state in _PASSING
    return LedgerBusyError if passing else LedgerError


def is_of_its_data(error: SQLAlchemyError) -> bool:
    """Return whether a statement failed for what it was to write, not for the database's state."""
    of_class = (_state_of(error) or "").startswith(_TOO_COMPLEX)
    return of_class or isinstance(error, IntegrityError | DataError)


def said(error: SQLAlchemyError) -> str:
    """Return a database's words, on one line, and what may be done where the settings are wrong."""
    words = str(getattr(error, "orig", None) or error).strip()
    first = words.partition("\n")[0].rstrip(".")
    if not isinstance(getattr(error, "orig", None), psycopg.Error):
        return first
    # PostgreSQL was not reached, or refused: no statement came so far.
    if isinstance(error, OperationalError) and error.statement is None:
        return (
            f"{first}. Does PostgreSQL run, and are its host, database, user and password those of "
            "collector.ledger.url? docs/ledger.md, 'Setting up', makes them"
        )
    if _state_of(error) == _NOT_ALLOWED:
        return f"{first}. The user of collector.ledger.url has to own the database and its tables"
    return first


_NOT_ALLOWED: Final = "42501"


def _state_of(error: SQLAlchemyError) -> str | None:
    """Return PostgreSQL's SQLSTATE of an error; None where there is none."""
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state


def for_reading(engine: Engine) -> Engine:
    """Return the engine whose transactions see the ledger as of one moment, and change nothing."""
    if engine.dialect.name != "postgresql":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def for_writing(engine: Engine) -> Engine:
    """Return the engine whose transactions write; each begins with `begin_write`."""
    return engine.execution_options(**{_WRITES: True})


def begin_write(connection: Connection) -> None:
    """Tell those who follow the ledger that something is being written, until the commit."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({Lock.WRITING:d})")


def sqlite_file(settings: LedgerSettings) -> Path | None:
    """Return the ledger's SQLite file; None where it is in another database.

    Raises:
        LedgerError: `collector.ledger.url` is no URL of a database.
    """
    if settings.url is None:
        return settings.path
    url = _read_url(settings.url.get_secret_value())
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database:
        raise LedgerError("collector.ledger.url names no file: sqlite:////var/lib/…/ledger.sqlite")
    return Path(url.database)


def _read_url(text: str) -> URL:
    """Return a database's URL.

    Raises:
        LedgerError: it is none, or its password is cut off in the middle; no part of it is said.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        # The port, where that is what is wrong, may be a password as well.
        what = "it is no URL" if isinstance(error, ArgumentError) else "its port is no number"
        raise LedgerError(f"collector.ledger.url cannot be used: {what}; {_WRITE}") from None
    # A user's password ends at the first: what is behind it would be the host's name.
    if url.get_backend_name() != "sqlite" and text.count("@") > 1:
        raise LedgerError(f"collector.ledger.url cannot be used: it has more than one @; {_WRITE}")
    return url


_WRITE: Final = (
    "write postgresql://USER:PASSWORD@HOST/DATABASE, with each @ : / ? # and % of user and "
    "password percent-encoded: @ is %40, % is %25"
)


def take_time(connection: Connection) -> None:
    """Let the rest of a transaction's statements take as long as they do: for an operator's own."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def take_breaks(connection: Connection) -> None:
    """Let the rest of a transaction wait for as long as it does for a disk, or another database."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def open_engine(settings: LedgerSettings) -> Engine:
    """Return the ledger's engine; nothing is connected yet.

    Raises:
        LedgerError: the settings name no database that can be used.
    """
    file = sqlite_file(settings)
    if file is not None:
        return _open_sqlite(file, settings.busy_timeout_seconds)
    url = _read_url(settings.url.get_secret_value() if settings.url else "")
    # PostgreSQL's own programs take both.
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    try:
        if url.get_backend_name() == "postgresql":
            return _open_postgresql(url, settings)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise LedgerError(f"collector.ledger.url cannot be used: {error}") from None
    raise LedgerError(
        f"collector.ledger.url cannot be used: {url.drivername} is neither sqlite nor postgresql; "
        "write postgresql://USER:PASSWORD@HOST/DATABASE"
    )


def _open_postgresql(url: URL, settings: LedgerSettings) -> Engine:
    options = {
        # Compiling a query over the months takes longer than running it.
        "jit": "off",
        "lock_timeout": _milliseconds(settings.busy_timeout_seconds),
        "statement_timeout": _milliseconds(settings.statement_timeout_seconds),
        # Longer than any statement: a collector that hangs lets go of what it locked.
        "idle_in_transaction_session_timeout": _milliseconds(settings.statement_timeout_seconds),
    }
    engine = create_engine(
        url,
        pool_size=READERS + 1,
        max_overflow=_CONNECTIONS - READERS - 1,
        pool_timeout=settings.busy_timeout_seconds,
        # After a restart of the server the first to come would meet a dead connection.
        pool_pre_ping=True,
        connect_args={
            "application_name": "linewatch",
            "connect_timeout": settings.connect_timeout_seconds,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            **_TCP,
        },
    )
    copy_where_asked(engine)
    return engine


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _open_sqlite(path: Path, busy_timeout_seconds: float) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"{path.parent}: the ledger's folder cannot be made: {error}") from None
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": busy_timeout_seconds}, pool_size=READERS + 2
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
