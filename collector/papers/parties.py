"""Who writes a letter and to whom, as far as the registry knows."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select

from collector.errors import ReportError
from collector.ledger.schema import carriers, persons, wards


@dataclass(frozen=True, slots=True)
class Ward:
    """What letters of a ward begin with; None: not registered."""

    name: str | None = None
    superior: str | None = None
    authority: str | None = None
    place: str | None = None
    letter_code: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a letter names: personal data."""

    name: str
    title: str | None
    signs_for: str | None
    telephone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes.

    Attributes:
        ward: that does.
        signer: the first who is registered; None: nobody.
        contact: the ward's clerk, else its technician.
    """

    ward: Ward
    signer: Person | None
    contact: Person | None


@dataclass(frozen=True, slots=True)
class Parties:
    """Who writes to whom.

    Attributes:
        carrier: as a letter addresses it.
        carrier_address: where letters go; None: not registered.
        ward: that writes.
        signer: the first who is registered; None: nobody.
        contact: the ward's clerk, else its technician.
    """

    carrier: str
    carrier_address: str | None
    ward: Ward
    signer: Person | None
    contact: Person | None

    def missing(self) -> Iterator[str]:
        """Yield what has to be filled in by hand, and how it is registered."""
        named = self.ward.name
        if named is None:
            yield "the lines are of several wards, or of none: name one by --ward"
            return
        ward = (
            ("authority", self.ward.authority),
            ("place", self.ward.place),
            ("letter-code", self.ward.letter_code),
        )
        people = (("signer", self.signer), ("clerk", self.contact))
        for command, known in (("ward add|set", ward), ("person add", people)):
            lacking = [what for what, value in known if value is None]
            if lacking:
                yield f"ward '{named}' has no {', '.join(lacking)}: 'linewatch {command}'"
        if self.carrier_address is None:
            yield "the carrier has no postal address: 'linewatch carrier set --postal-address'"


def read_parties(connection: Connection, carrier: str, ward: str | None) -> Parties:
    """Return who writes to a carrier, and how to.

    Args:
        connection: to the ledger.
        carrier: its id.
        ward: by its name; None: not one ward's letter. Need not be registered.

    Raises:
        ReportError: there is no such carrier.
    """
    found = connection.execute(select(carriers).where(carriers.c.id == carrier)).one_or_none()
    if found is None:
        raise ReportError(f"there is no carrier '{carrier}': 'linewatch carrier list' has them")
    author = read_author(connection, ward)
    return Parties(
        carrier=found.legal_name or found.name,
        carrier_address=found.postal_address,
        ward=author.ward,
        signer=author.signer,
        contact=author.contact,
    )


def read_author(connection: Connection, ward: str | None) -> Author:
    """Return who writes for a ward.

    Args:
        connection: to the ledger.
        ward: by its name; None: not one ward's paper. Need not be registered.
    """
    row = connection.execute(select(wards).where(wards.c.name == ward)).one_or_none()
    if row is None:
        return Author(Ward(ward), None, None)
    people: dict[str, Person] = {}
    query = select(persons).where(persons.c.ward_id == row.id).order_by(persons.c.id)
    for one in connection.execute(query):
        people.setdefault(one.role, _person(one))
    known = Ward(row.name, row.superior, row.authority, row.place, row.letter_code)
    return Author(known, people.get("signer"), people.get("clerk") or people.get("technician"))


def _person(row: Row[tuple[object, ...]]) -> Person:
    return Person(row.name, row.title, row.signs_for, row.telephone, row.email)
