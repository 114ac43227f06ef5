"""Insert, or else update: the one statement that SQLAlchemy spells per database.

The statements are built once for each kind of database: the writer runs them for every batch.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert_or(dialect: str, table: Table) -> Insert:
    """Return an INSERT that knows ``on_conflict_do_update`` and ``on_conflict_do_nothing``.

    Args:
        dialect: the database's name, as ``connection.dialect.name`` has it.
        table: where to.
    """
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def add_counts(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], counts: Sequence[str]
) -> None:
    """Insert rows; where a row with the same key is there, add the columns ``counts`` to it."""
    if rows:
        statement = _adding(connection.dialect.name, table, tuple(counts))
        connection.execute(statement, list(rows))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; those whose key is there already change nothing."""
    if rows:
        connection.execute(_ignoring(connection.dialect.name, table), list(rows))


def replace(
    connection: Connection, table: Table, row: Mapping[str, Any], changing: Sequence[str]
) -> None:
    """Insert a row; where one with the same key is there, set its columns ``changing``."""
    connection.execute(_replacing(connection.dialect.name, table, tuple(changing)), row)


@cache
def _adding(dialect: str, table: Table, counts: tuple[str, ...]) -> Insert:
    statement = insert_or(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: table.c[name] + statement.excluded[name] for name in counts},
    )


@cache
def _ignoring(dialect: str, table: Table) -> Insert:
    return insert_or(dialect, table).on_conflict_do_nothing()


@cache
def _replacing(dialect: str, table: Table, changing: tuple[str, ...]) -> Insert:
    statement = insert_or(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changing},
    )
