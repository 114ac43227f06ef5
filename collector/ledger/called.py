"""Which ward and which carrier somebody means: by id or name, whatever its capitals and marks."""

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Connection, select

from collector.domain.words import clean, fold
from collector.errors import RegistryError
from collector.ledger.schema import carriers, sites, wards

_MOST_NAMED: Final = 30
"""In a sentence of an error."""


def find_ward(connection: Connection, wanted: str) -> str:
    """Return a ward's name as sites have it.

    Args:
        connection: to the ledger.
        wanted: its name or its id, however it is written.

    Raises:
        RegistryError: no site is in it, or several wards are called so; says which there are.
    """
    of_sites = select(sites.c.ward).where(sites.c.ward.is_not(None)).distinct()
    ids, names = _registered(connection), sorted(connection.scalars(of_sites))
    found = _meant(wanted, {name: {name, ids.get(name, name)} for name in names})
    if found is not None:
        return found
    raise RegistryError(f"no site is in ward '{wanted}'; wards with sites are {_named(names)}")


def name_ward(connection: Connection, said: str) -> str:
    """Return how a site is to name its ward: as it is registered, where it is.

    Args:
        connection: to the ledger.
        said: its name or its id, however it is written; of one that is not registered, its name.
    """
    ids = _registered(connection)
    return _meant(said, {name: {name, one} for name, one in ids.items()}) or clean(said)


def _registered(connection: Connection) -> dict[str, str]:
    """Return the ids of wards by their names."""
    return {row.name: row.id for row in connection.execute(select(wards.c.id, wards.c.name))}


def find_carrier(connection: Connection, wanted: str) -> str:
    """Return a carrier's id.

    Args:
        connection: to the ledger.
        wanted: its id or its name, however it is written.

    Raises:
        RegistryError: there is none, or several are called so; says which there are.
    """
    rows = connection.execute(select(carriers.c.id, carriers.c.name).order_by(carriers.c.id))
    called = {row.id: {row.id, row.name} for row in rows}
    found = _meant(wanted, called)
    if found is not None:
        return found
    raise RegistryError(f"there is no carrier '{wanted}'; known are {_named(list(called))}")


def _meant(wanted: str, called: Mapping[str, Collection[str]]) -> str | None:
    """Return the one that is called so, to the letter before otherwise; None: none, or several."""
    exact = [one for one, words in called.items() if wanted in words]
    alike = exact or [one for one, words in called.items() if fold(wanted) in map(fold, words)]
    return alike[0] if len(alike) == 1 else None


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(f"'{name}'" for name in names[:_MOST_NAMED]) or "none") + more
