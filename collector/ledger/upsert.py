"""Insert, or else update: the one statement that SQLAlchemy spells per database."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT that knows ``on_conflict_do_update`` and ``on_conflict_do_nothing``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def add_counts(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], counts: Sequence[str]
) -> None:
    """Insert rows; where a row with the same key is there, add the columns ``counts`` to it."""
    if not rows:
        return
    statement = insert_or(connection, table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={name: table.c[name] + statement.excluded[name] for name in counts},
        ),
        list(rows),
    )


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; those whose key is there already change nothing."""
    if rows:
        statement = insert_or(connection, table).on_conflict_do_nothing()
        connection.execute(statement, list(rows))
