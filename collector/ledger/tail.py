"""How far a reader that follows the ledger may go."""

from sqlalchemy import func, select

from collector.ledger.database import Database
from collector.ledger.schema import records


def horizon(database: Database) -> int:
    """Return the id up to which every record is committed: none will come below it any more."""
    found: int | None = database.read_now(
        lambda c: c.execute(select(func.max(records.c.id))).scalar()
    )
    return found or 0
