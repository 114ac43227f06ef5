"""Insert many rows at once, at the driver's own cost.

SQLAlchemy takes each row of an INSERT apart and puts it together again, which costs more than
storing it. Here a table's statement is made once, and rows go to the driver as they are bound:

- SQLite gets many rows in one statement. Its driver lets go of the interpreter for each statement
  that it runs, and has to win it back from the threads that check batches.
- PostgreSQL gets them by COPY, whose rows it stores a page at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    event,
    insert,
)

from collector.ledger.schema import Moment, to_microseconds

_AT_ONCE: Final = (64, 8, 1)
"""Rows of one statement on SQLite: 64 of the widest table have fewer values than it takes."""

_TYPES: Final = "linewatch_copied_types"

_ON_THE_WIRE: Final = (
    (Moment, "int8"),
    (SmallInteger, "int2"),
    (BigInteger, "int8"),
    (Boolean, "bool"),
    (Float, "float8"),
    (String, "text"),
    (LargeBinary, "bytea"),
)
"""PostgreSQL's types: the first that fits a column."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have every column of a table but those that number themselves.

    Args:
        connection: of the writer.
        table: where to.
        rows: their values as Python has them; moments are aware.

    Raises:
        DBAPIError: as of any other statement.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
        return
    bound = _bind(table, rows)
    for part in _parts(bound):
        connection.exec_driver_sql(_inserting(table, len(part)), tuple(chain.from_iterable(part)))


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if len(rows) == 1:
        # It is no executemany for SQLAlchemy, and no gain.
        connection.execute(insert(table), rows)
        return
    types = {_TYPES: tuple(_type_of(column) for column in _columns(table))}
    connection.exec_driver_sql(_copying(table), _bind(table, rows), execution_options=types)


def copy_where_asked(engine: Engine) -> None:
    """Teach an engine on PostgreSQL the COPY of `insert_rows`."""

    @event.listens_for(engine, "do_executemany")
    def copy(cursor: Any, statement: str, rows: Sequence[tuple[Any, ...]], context: Any) -> bool:  # noqa: ANN401 - SQLAlchemy's and the driver's
        types = context.execution_options.get(_TYPES)
        if types is None:
            return False
        with cursor.copy(statement) as copied:
            copied.set_types(types)
            for row in rows:
                copied.write_row(row)
        return True


@cache
def _columns(table: Table) -> tuple[Column[Any], ...]:
    return tuple(column for column in table.columns if column is not table.autoincrement_column)


def _bind(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    columns = _columns(table)
    take = itemgetter(*(column.name for column in columns))
    moments = [place for place, column in enumerate(columns) if isinstance(column.type, Moment)]
    bound = []
    for row in rows:
        values = list(take(row))
        for place in moments:
            if values[place] is not None:
                values[place] = to_microseconds(values[place])
        bound.append(tuple(values))
    return bound


def _parts(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows in parts of a few sizes, so that there are few statements to keep prepared."""
    first = 0
    for size in _AT_ONCE:
        while len(rows) - first >= size:
            yield rows[first : first + size]
            first += size


@cache
def _inserting(table: Table, rows: int) -> str:
    columns = _columns(table)
    names = ", ".join(column.name for column in columns)
    places = f"({', '.join('?' * len(columns))})"
    values = ", ".join([places] * rows)
    return f"INSERT INTO {table.name} ({names}) VALUES {values}"  # noqa: S608 - our own names


@cache
def _copying(table: Table) -> str:
    names = ", ".join(column.name for column in _columns(table))
    return f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"


def _type_of(column: Column[Any]) -> str:
    return next(name for kind, name in _ON_THE_WIRE if isinstance(column.type, kind))
