"""Who writes to whom, from the registry."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from collector.errors import ReportError
from collector.ledger import registry, schema
from collector.ledger.database import Database
from collector.papers.parties import Parties, read_parties
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry
from tests.collector.letters import CARRIER, PERSON, WARD, fill_letters

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a ledger with one ward, one person, one carrier."""
    made = Database(new_ledger())
    fill_registry(made, NOW)
    with made.write() as connection:
        fill_letters(connection, NOW)
    yield made
    made.close()


def read(database: Database, ward: str | None) -> Parties:
    """Return who writes to VNPT for a ward."""
    return database.read_now(lambda connection: read_parties(connection, "vnpt", ward))


@ON_BOTH
def test_the_registry_says_who_writes_to_whom(database: Database) -> None:
    """The ward by its name, its signer, its clerk or else technician, the carrier's address."""
    with database.write() as connection:
        for role in ("technician", "clerk"):
            row = {**PERSON, "id": role, "role": role, "name": f"Người {role}"}
            registry.add(connection, schema.persons, row, NOW)
    found = read(database, WARD["name"])
    assert found.carrier == CARRIER["legal_name"]
    assert found.carrier_address == CARRIER["postal_address"]
    assert (found.ward.authority, found.ward.letter_code) == (WARD["authority"], "UBND-VHXH")
    assert found.signer is not None
    assert (found.signer.name, found.signer.title) == (PERSON["name"], PERSON["title"])
    assert found.contact is not None
    assert found.contact.name == "Người clerk"
    assert list(found.missing()) == []


@ON_BOTH
def test_what_is_missing_is_named_with_the_command_that_registers_it(database: Database) -> None:
    """A ward that nobody registered, one without people, lines of several wards; no names."""
    assert list(read(database, "Phường Khác").missing()) == [
        "ward 'Phường Khác' has no authority, place, letter-code: 'linewatch ward add|set'",
        "ward 'Phường Khác' has no signer, clerk: 'linewatch person add'",
    ]
    assert list(read(database, None).missing()) == [
        "the lines are of several wards, or of none: name one by --ward"
    ]
    with database.write() as connection:
        registry.remove(connection, schema.persons, str(PERSON["id"]))
        registry.change(connection, schema.carriers, "vnpt", {"postal_address": None})
    assert list(read(database, WARD["name"]).missing()) == [
        f"ward '{WARD['name']}' has no signer, clerk: 'linewatch person add'",
        "the carrier has no postal address: 'linewatch carrier set --postal-address'",
    ]


def test_a_carrier_that_is_not_there_is_said(database: Database) -> None:
    """With the command that lists them."""
    with pytest.raises(ReportError, match="no carrier 'x': 'linewatch carrier list'"):
        database.read_now(lambda connection: read_parties(connection, "x", None))
