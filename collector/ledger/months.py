"""The months that a ledger on PostgreSQL is divided into, so that one can leave at once.

A month is of UTC, by the moment of arrival, which never changes. Its tables are made before it
begins, and by the writer where one is missing all the same. SQLite keeps all months in one table:
there is nothing to make.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Table

from collector.ledger.engines import Lock
from collector.ledger.schema import quarantine, records, seals, to_microseconds

BY_MONTH: Final = (records, seals, quarantine)
"""The tables that grow without end."""

MONTHS_AHEAD: Final = 2
"""Made besides the one that runs: a collector that nobody looks after for so long needs no luck."""

_KNOWN: Final = "linewatch_months"


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
        if _is_there(connection, start):
            known.add(start)
        else:
            _make(connection, start)


def name_of(table: Table, start: datetime) -> str:
    """Return the name of the table of a month: ``records_2026_11``."""
    return f"{table.name}_{start:%Y_%m}"


def span_of(start: datetime) -> tuple[datetime, datetime]:
    """Return the moments at which a moment's month begins and ends."""
    return _first(start), _next(_first(start))


def drop_month(connection: Connection, start: datetime) -> None:
    """Drop a month's tables, where there are any; who reads the others waits no longer than that.

    See `collector.ledger.gone` for what else a month's end needs.
    """
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({Lock.MAKING_MONTHS:d})")
    for table in BY_MONTH:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name_of(table, start)}")
    connection.info.pop(_KNOWN, None)


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
