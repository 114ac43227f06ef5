"""Insert many rows at once, at the driver's own cost; find many at once, each by its index.

SQLAlchemy takes each row of an INSERT apart and puts it together again, which costs more than
storing it. Here a table's statement is made once, and rows go to the driver as they are bound:

- SQLite gets many rows in one statement. Its driver lets go of the interpreter for each statement
  that it runs, and has to win it back from the threads that check batches.
- PostgreSQL gets them by COPY, whose rows it stores a page at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, repeat
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
    Result,
    SmallInteger,
    String,
    Table,
    TextualSelect,
    bindparam,
    event,
    insert,
    text,
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


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    with_ids: bool = False,
) -> None:
    """Insert rows that have every column of a table but those that number themselves.

    Args:
        connection: of the writer.
        table: where to.
        rows: their values as Python has them; moments are aware.
        with_ids: whether they have the numbers, too.

    Raises:
        DBAPIError: as of any other statement.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows, with_ids=with_ids)
        return
    bound = _bind(table, rows, with_ids=with_ids)
    for part in _parts(bound):
        statement = _inserting(table, len(part), with_ids=with_ids)
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(part)))


def _copy(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, with_ids: bool
) -> None:
    if len(rows) == 1:
        # It is no executemany for SQLAlchemy, and no gain.
        connection.execute(insert(table), rows)
        return
    columns = _columns(table, with_ids=with_ids)
    types = {_TYPES: tuple(map(_type_of, columns))}
    bound = _bind(table, rows, with_ids=with_ids)
    statement = _copying(table, with_ids=with_ids)
    connection.exec_driver_sql(statement, bound, execution_options=types)


def find_at(
    connection: Connection,
    what: tuple[Column[Any], ...],
    by: tuple[Column[Any], ...],
    places: Sequence[tuple[Any, ...]],
) -> Result[Any]:
    """Return the rows that have one of some places.

    It is a join, as SQLite goes through all of a table for an IN of several columns. Places are
    filled up to a power of two by such as nothing has, so that there are few statements to prepare.

    Args:
        connection: any.
        what: columns of one table.
        by: its columns that make a place; an index begins with most of them.
        places: values of these, at least one; none twice.
    """
    size = 1 << (len(places) - 1).bit_length()
    filled = chain(places, repeat((None,) * len(by), size - len(places)))
    values = dict(enumerate(chain.from_iterable(filled)))
    return connection.execute(
        _finding(what, by, size), {f"v{number}": value for number, value in values.items()}
    )


@cache
def _finding(
    what: tuple[Column[Any], ...], by: tuple[Column[Any], ...], size: int
) -> TextualSelect:
    table = by[0].table
    numbers = iter(range(size * len(by)))
    rows = ", ".join(f"({', '.join(f':v{next(numbers)}' for _ in by)})" for _ in range(size))
    names = ", ".join(own.name for own in by)
    same = " AND ".join(f"{table.name}.{own.name} = wanted.{own.name}" for own in by)
    query = text(
        f"WITH wanted({names}) AS (VALUES {rows}) "  # noqa: S608 - our own names
        f"SELECT {', '.join(f'{table.name}.{own.name}' for own in what)} "
        f"FROM wanted JOIN {table.name} ON {same}"
    )
    types = [own.type for own in by] * size
    return query.bindparams(
        *(bindparam(f"v{number}", type_=type_) for number, type_ in enumerate(types))
    ).columns(*what)


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
def _columns(table: Table, *, with_ids: bool = False) -> tuple[Column[Any], ...]:
    numbers = None if with_ids else table.autoincrement_column
    return tuple(column for column in table.columns if column is not numbers)


def _bind(
    table: Table, rows: Sequence[Mapping[str, Any]], *, with_ids: bool = False
) -> list[tuple[Any, ...]]:
    columns = _columns(table, with_ids=with_ids)
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
def _inserting(table: Table, rows: int, *, with_ids: bool = False) -> str:
    columns = _columns(table, with_ids=with_ids)
    names = ", ".join(column.name for column in columns)
    places = f"({', '.join('?' * len(columns))})"
    values = ", ".join([places] * rows)
    return f"INSERT INTO {table.name} ({names}) VALUES {values}"  # noqa: S608 - our own names


@cache
def _copying(table: Table, *, with_ids: bool = False) -> str:
    names = ", ".join(column.name for column in _columns(table, with_ids=with_ids))
    return f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"


def _type_of(column: Column[Any]) -> str:
    return next(name for kind, name in _ON_THE_WIRE if isinstance(column.type, kind))
