"""The months that a ledger on PostgreSQL is divided into, so that one can leave at once.

A month is of UTC, by the moment of arrival, which never changes. Its tables are made before it
begins, and by the writer where one is missing all the same. SQLite keeps all months in one table:
there is nothing to make.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Table

from collector.ledger.engines import Lock
from collector.ledger.schema import quarantine, records, seals, to_microseconds

BY_MONTH: Final = (records, seals, quarantine)
"""The tables that grow without end."""

MONTHS_AHEAD: Final = 2
"""Made besides the one that runs: a collector that nobody looks after for so long needs no luck."""

_TRY_MILLISECONDS: Final = 200
"""Whoever comes while a month's tables are to be dropped waits as long as that."""

_KNOWN: Final = "linewatch_months"
_MAKING: Final = "linewatch_making_months"


def ensure_month(connection: Connection, at: datetime, ahead: int = 0) -> None:
    """Make the month of a moment, and some after it, where they are missing.

    Whoever waits for the commit of another's new month takes a moment; who finds all of them there,
    as nearly always, no time: a connection remembers what it saw.

    Args:
        connection: that writes.
        at: the moment, aware.
        ahead: how many months after its own.
    """
    if connection.dialect.name != "postgresql":
        return
    known: set[datetime] = connection.info.setdefault(_KNOWN, set())
    for start in _months_from(at, ahead):
        if start in known:
            continue
        if not _is_there(connection, start):
            _make(connection, start)
            connection.info[_MAKING] = connection.get_transaction()
        elif connection.info.get(_MAKING) is not connection.get_transaction():
            # What this transaction made is gone again if it is undone.
            known.add(start)


def name_of(table: Table, start: datetime) -> str:
    """Return the name of the table of a month: ``records_2026_11``."""
    return f"{table.name}_{start:%Y_%m}"


def span_of(start: datetime) -> tuple[datetime, datetime]:
    """Return the moments at which a moment's month begins and ends."""
    return _first(start), _next(_first(start))


def drop_month(connection: Connection, start: datetime) -> None:
    """Drop a month's tables, where there are any: of PostgreSQL alone.

    Dropping waits for all who read them, and whoever comes meanwhile waits behind it: so nothing of
    this transaction waits for longer than a moment from here on. Until its commit nobody reads any
    month. See `collector.ledger.removing` for what else a month's end needs.
    """
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_TRY_MILLISECONDS}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({Lock.MAKING_MONTHS:d})")
    names = ", ".join(name_of(table, start) for table in BY_MONTH)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {names}")
    connection.info.pop(_KNOWN, None)


class Holder(NamedTuple):
    """Who has been reading a month's tables for a while: a backup, a long query.

    Attributes:
        process: its number.
        program: as it calls itself.
        user: whose it is; None: of another user, of whom the database says no more.
        seconds: since its transaction began; None: as above.
    """

    process: int
    program: str
    user: str | None
    seconds: int | None

    def __str__(self) -> str:
        age = "" if self.seconds is None else f", for {self.seconds} s"
        return f"{self.program} of {self.user or 'another user'}, process {self.process}{age}"


def holders(connection: Connection, start: datetime) -> list[Holder]:
    """Return who has been reading a month's tables for a while; in SQLite none is in the way."""
    if connection.dialect.name != "postgresql":
        return []
    query = """
        SELECT DISTINCT a.pid, coalesce(nullif(a.application_name, ''), 'a program'),
               a.usename,
               extract(epoch FROM clock_timestamp() - a.xact_start)::int
        FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.granted AND l.database = (SELECT oid FROM pg_database
                                          WHERE datname = current_database())
          AND l.relation = ANY (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
          AND a.pid <> pg_backend_pid()
          AND coalesce(a.xact_start < clock_timestamp() - interval '1 second', true)
        ORDER BY a.pid"""
    names = [name_of(table, start) for table in BY_MONTH]
    return [Holder(*row) for row in connection.exec_driver_sql(query, (names,))]


def _months_from(at: datetime, ahead: int) -> Iterator[datetime]:
    start = _first(at)
    for _ in range(ahead + 1):
        yield start
        start = _next(start)


def _first(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next(start: datetime) -> datetime:
    years, month = divmod(start.month, 12)
    return start.replace(year=start.year + years, month=month + 1)


def _is_there(connection: Connection, start: datetime) -> bool:
    """Return whether a month is there: its last table, as all are made in one transaction."""
    query = "SELECT to_regclass(%s) IS NOT NULL"
    return bool(connection.exec_driver_sql(query, (name_of(BY_MONTH[-1], start),)).scalar_one())


def _make(connection: Connection, start: datetime) -> None:
    """Make a month's tables beside the others, then attach them: nobody who reads has to wait."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({Lock.MAKING_MONTHS:d})")
    if _is_there(connection, start):
        return
    begin, end = map(to_microseconds, span_of(start))
    for table in BY_MONTH:
        name = name_of(table, start)
        connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS)")
        connection.exec_driver_sql(
            f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"
        )
