"""How far a reader that follows the ledger by the records' ids may go, and where it goes on.

PostgreSQL numbers a record before its commit: of two transactions the one with the higher numbers
may be there first, and a reader that went past the other's would never see them. So whoever writes
holds a lock for as long as the transaction lasts, together with all others who write; a reader that
gets it for itself, for a moment, knows that everything up to the highest id is committed. SQLite
has one writer, so its highest id is always that.
"""

from typing import Final

from sqlalchemy import Connection, func, select, update

from collector.ledger.database import Database, translated
from collector.ledger.engines import Lock
from collector.ledger.schema import records, sinks

_PATIENCE: Final = "250ms"
"""Who wants to write meanwhile waits behind the reader: that is as long as they may be kept."""


def horizon(database: Database) -> int:
    """Return the id up to which every record is committed: none will come below it any more.

    What is read after it in a transaction of its own sees all of them. 0: there are none.

    Raises:
        LedgerBusyError: somebody writes for longer; ask again later.
        LedgerError: the database does not answer.
    """
    with translated("following the ledger"), database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({Lock.WRITING:d})")
        return _highest(connection)


def step_back(connection: Connection) -> None:
    """Let sinks go on behind the newest record that is left, after some left.

    SQLite numbers from there. All that the sinks were past is on their disks, or it would not have
    left. PostgreSQL gives no number twice.

    Args:
        connection: of the writer, in the transaction that takes records out.
    """
    if connection.dialect.name == "postgresql":
        return
    newest = select(func.coalesce(func.max(records.c.id), 0)).scalar_subquery()
    places = ("cursor", "settled", "settling")
    connection.execute(
        update(sinks)
        .where(sinks.c.cursor > newest)
        .values({name: func.min(sinks.c[name], newest) for name in places})
    )


def _highest(connection: Connection) -> int:
    found: int | None = connection.execute(select(func.max(records.c.id))).scalar()
    return found or 0
