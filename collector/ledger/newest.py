"""The newest record of every line, task and series, by `latest`."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, select, true

from collector.ledger.schema import is_latest, latest, records


def newest_records(connection: Connection, names: Iterable[str]) -> Select[Any]:
    """Return the query of the newest records: line_id, task, measured_at, and columns of theirs.

    PostgreSQL finds each by its key in the month that has it. Joined as tables, where many are
    asked for, it would hold reading every month from end to end for the cheaper way: it does not
    know that a look at a month that cannot have a record costs nothing.

    Args:
        connection: to the ledger.
        names: of columns of `records`.
    """
    of_latest = (latest.c.line_id, latest.c.task, latest.c.measured_at)
    columns = [records.c[name] for name in names]
    if connection.dialect.name != "postgresql":
        return select(*of_latest, *columns).join_from(latest, records, is_latest())
    # Its limit keeps it from being turned into a join of tables.
    record = select(*columns).where(is_latest()).limit(1).lateral("record")
    return select(*of_latest, *record.c).join_from(latest, record, true())
