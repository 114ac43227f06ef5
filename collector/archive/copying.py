"""Copies a whole ledger into another database, from SQLite to PostgreSQL, or back, or alike.

Every table is copied row by row as it is, ids too: sinks go on where they were (SQLite: not beyond
the newest record), sessions and codes hold. All of it is of one moment. Until the copy was read
again and is the same, its version is one that no program knows: nobody takes half a ledger for one.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import (
    Connection,
    RowMapping,
    String,
    Table,
    func,
    inspect,
    select,
)

from collector.errors import ArchiveError
from collector.ledger.bulk import insert_rows
from collector.ledger.database import Database
from collector.ledger.engines import take_breaks, take_time
from collector.ledger.migrate import migrate, newest_version
from collector.ledger.months import BY_MONTH, ensure_month
from collector.ledger.schema import facts, ingest_totals, metadata, records, sinks
from collector.ledger.tail import step_back

_ROWS_AT_ONCE: Final = 2000
_UNFINISHED: Final = "copying"

Told = Callable[[int], None]
"""Is told of rows: each is written, and read again."""


class Content(NamedTuple):
    """What a table holds: how many rows, and the SHA-256 of them all in the order of their keys."""

    rows: int
    digest: str


def count_rows(connection: Connection) -> int:
    """Return how many rows a ledger has in all its tables."""
    take_time(connection)
    counts = (select(func.count()).select_from(table) for table in metadata.sorted_tables)
    return sum(connection.execute(query).scalar_one() for query in counts)


def copy_ledger(source: Database, target: Database, told: Told) -> int:
    """Copy a ledger; return how many rows it has.

    Args:
        source: the ledger, which no collector writes to meanwhile.
        target: a database without any table.
        told: see `Told`.

    Raises:
        ArchiveError: the target has tables; what it has in the end is not the same; or something
            came meanwhile. It is no ledger then.
        LedgerError: one of them does not answer.
    """
    there = target.read_now(lambda connection: inspect(connection).get_table_names())
    if there:
        raise ArchiveError(
            f"the database to copy to has tables already ({', '.join(sorted(there)[:3])} …): name "
            "one that is empty"
        )
    migrate(target)
    _set_version(target, _UNFINISHED)
    copied, state = source.read_now(lambda connection: _copy(connection, target, told))
    found = target.read_now(lambda connection: _contents(connection, told))
    wrong = [name for name in copied if found[name] != copied[name]]
    if wrong:
        raise ArchiveError(
            f"the copy is not the same in: {', '.join(wrong)}. It is of no use: remove it"
        )
    if source.read_now(_state) != state:
        raise ArchiveError(
            "records came meanwhile, and are not in the copy: stop every collector, remove the "
            "copy and begin anew"
        )
    with target.write() as writing:
        # PostgreSQL goes on behind its sinks' cursors, SQLite behind the newest record.
        step_back(writing)
    _set_version(target, newest_version())
    return sum(content.rows for content in copied.values())


def _set_version(database: Database, version: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608 - ours


def _state(connection: Connection) -> tuple[Any, ...]:
    """Return what is another once something came."""
    return (
        connection.scalar(select(func.max(records.c.id))),
        connection.scalar(select(func.sum(ingest_totals.c.received))),
    )


def _copy(
    connection: Connection, target: Database, told: Told
) -> tuple[dict[str, Content], tuple[Any, ...]]:
    take_time(connection)
    take_breaks(connection)
    state = _state(connection)
    with target.write() as writing:
        # What the migrations drew for a new ledger.
        writing.execute(facts.delete())
    copied = {}
    for table in metadata.sorted_tables:
        digest = _Digest()
        for part in _rows(connection, table):
            with target.write() as writing:
                _insert(writing, table, part)
            digest.add(part)
            told(len(part))
        copied[table.name] = digest.content
    with target.write() as writing:
        _go_on_counting(writing)
    return copied, state


def _insert(connection: Connection, table: Table, rows: Sequence[RowMapping]) -> None:
    if table in BY_MONTH:
        for month in {_month_of(row["received_at"]) for row in rows}:
            ensure_month(connection, month)
    insert_rows(connection, table, cast("Sequence[dict[str, Any]]", rows), with_ids=True)


def _month_of(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _go_on_counting(connection: Connection) -> None:
    """Let PostgreSQL number new rows behind all that were ever given, as sinks know them."""
    if connection.dialect.name != "postgresql":
        return
    for table in BY_MONTH:
        if "id" not in table.c:
            continue
        highest = [connection.scalar(select(func.max(table.c.id)))]
        if table is records:
            highest.append(connection.scalar(select(func.max(sinks.c.cursor))))
        last = max(filter(None, highest), default=0)
        if last:
            sequence = f"{table.name}_id_seq"
            connection.exec_driver_sql("SELECT setval(%s, %s)", (sequence, last))


# --- What a ledger holds -------------------------------------------------------------------------


def _contents(connection: Connection, told: Told) -> dict[str, Content]:
    take_time(connection)
    found = {}
    for table in metadata.sorted_tables:
        digest = _Digest()
        for part in _rows(connection, table):
            digest.add(part)
            told(len(part))
        found[table.name] = digest.content
    return found


def _rows(connection: Connection, table: Table) -> Iterator[Sequence[RowMapping]]:
    """Yield a table's rows in the order of their keys, which is the same in every database."""
    keys: list[Any] = list(table.primary_key.columns)
    if connection.dialect.name == "postgresql":
        keys = [key.collate("C") if isinstance(key.type, String) else key for key in keys]
    query = select(table).order_by(*keys)
    at_once = table.info.get("rows_at_once", _ROWS_AT_ONCE)
    with connection.execute(query, execution_options={"yield_per": at_once}) as found:
        yield from found.mappings().partitions()


class _Digest:
    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._rows = 0

    def add(self, rows: Sequence[RowMapping]) -> None:
        """Add rows, as Python has them: the same whatever database they are from."""
        for row in rows:
            # Long bytes are hashed as they are: writing them out takes longer than all the rest.
            blobs = [value for value in row.values() if isinstance(value, bytes)]
            words = [len(one) if isinstance(one, bytes) else one for one in row.values()]
            self._digest.update(b"".join((repr(words).encode(), *blobs)))
        self._rows += len(rows)

    @property
    def content(self) -> Content:
        """What was added."""
        return Content(self._rows, self._digest.hexdigest())
