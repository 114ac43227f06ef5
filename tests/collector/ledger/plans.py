"""How a database would run a statement: what of a table it reads, and by which index."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, event

from collector.ledger.database import Database


def statements_of(database: Database, query: Callable[[Connection], Any]) -> list[tuple[str, Any]]:
    """Return what a query sends to the database, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(*happened: Any) -> None:
        sent.append((happened[2], happened[3]))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        database.read_now(query)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return sent


def steps(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """Return the steps of a plan that read something, in words."""
    if connection.dialect.name == "sqlite":
        explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in explained]
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    tree = found.scalar_one()
    (whole,) = json.loads(tree) if isinstance(tree, str) else tree
    return [
        " ".join(str(step.get(word, "")) for word in ("Node Type", "Relation Name", "Index Name"))
        for step in _walk(whole["Plan"])
        if "Relation Name" in step or "Index Name" in step
    ]


def looked_into(connection: Connection, statement: str, parameters: Any, alias: str) -> set[str]:
    """Return the tables in which PostgreSQL looks for something, once it runs a statement.

    Args:
        connection: to it.
        statement: what it runs.
        parameters: of the statement.
        alias: what the statement calls the table that they are parts of.
    """
    found = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
    tree = found.scalar_one()
    (whole,) = json.loads(tree) if isinstance(tree, str) else tree
    return {
        step["Relation Name"]
        for step in _walk(whole["Plan"])
        if step.get("Alias", "").rstrip("_0123456789") == alias and step["Actual Loops"]
    }


def _walk(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for below in step.get("Plans", ()):
        yield from _walk(below)


def joins(connection: Connection, statement: str, parameters: Any) -> set[str]:
    """Return by which kinds of joins PostgreSQL would run a statement."""
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    tree = found.scalar_one()
    (whole,) = json.loads(tree) if isinstance(tree, str) else tree
    kinds = {step["Node Type"] for step in _walk(whole["Plan"])}
    return kinds & {"Nested Loop", "Hash Join", "Merge Join"}
