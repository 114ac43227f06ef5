"""The mark of a month that is being removed: by it a removal notices that its month was changed.

It is the fact `removing_month`: the month, and a token that whoever changes the month draws anew.
How it is used: `collector.ledger.removing`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, delete, exists, select, update

from collector.errors import LedgerBusyError
from collector.ledger.gone import month_name
from collector.ledger.schema import facts, gone

MARK: Final = "removing_month"
"""The fact's name."""


class ChangedError(LedgerBusyError):
    """The month is another than the one that was read."""


def disturb(connection: Connection, months: Iterable[datetime]) -> None:
    """Let a removal of one of these months, if there is one, notice that it was changed.

    Args:
        connection: that changes them.
        months: moments in them.
    """
    found = marked(connection)
    if found is not None and found in set(map(month_name, months)):
        # Not where it is done meanwhile: then there is none.
        row = update(facts).where(facts.c.name == MARK)
        connection.execute(row.values(value=new_mark(found)))


def is_half_removed(connection: Connection, month: datetime) -> bool:
    """Tell whether a part of a month may have left without the rest: of SQLite alone."""
    return connection.dialect.name != "postgresql" and marked(connection) == month_name(month)


def settle_removal(connection: Connection, month: datetime) -> None:
    """Forget a removal that did not come to its end, if nothing of its month is missing."""
    name = month_name(month)
    if marked(connection) == name:
        missing = connection.scalar(select(exists().where(gone.c.month == name)))
        if not missing:
            connection.execute(delete(facts).where(facts.c.name == MARK))


def marked(connection: Connection) -> str | None:
    """Return the month whose removal was begun."""
    value: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == MARK))
    return value and value.partition(" ")[0]


def new_mark(month: str) -> str:
    """Return a mark of a month that no other removal has."""
    return f"{month} {uuid4().hex}"


def refuse_changed(connection: Connection, mark: str) -> None:
    """Raise unless a month is as it was when it was marked; it stays so until the commit."""
    own = (facts.c.name == MARK, facts.c.value == mark)
    if connection.scalar(select(facts.c.value).where(*own).with_for_update()) is None:
        raise ChangedError(
            f"{mark.partition(' ')[0]} is being changed: records of it are folded, put back or "
            "removed by somebody else. Run this again later"
        )
