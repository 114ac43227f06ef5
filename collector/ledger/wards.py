"""Wards of the registry. Sites name theirs by its name, whether it is registered or not."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, select, update

from collector.errors import RegistryError
from collector.ledger import registry
from collector.ledger.schema import sites, wards


def refuse_taken(connection: Connection, name: str, but: str | None = None) -> None:
    """Raise `RegistryError` where a ward, but for one, has the name: sites would be of both."""
    taken = connection.scalar(select(wards.c.id).where(wards.c.name == name))
    if taken is not None and taken != but:
        raise RegistryError(f"ward '{taken}' has the name '{name}' already: sites go by it")


def change_ward(
    connection: Connection, table: Table, ward: str, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Give a ward new values, its sites a new name with it; return what it held before.

    Raises:
        RegistryError: as `collector.ledger.registry.change`, or another has the name.
    """
    name = changes.get("name")
    if name is not None:
        refuse_taken(connection, name, but=ward)
    before = registry.change(connection, table, ward, changes)
    if name is not None:
        renamed = update(sites).where(sites.c.ward == before["name"]).values(ward=name)
        connection.execute(renamed)
    return before
