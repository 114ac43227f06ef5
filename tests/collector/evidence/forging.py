"""What somebody does who changes a file of evidence, and what is found of it."""

from pathlib import Path

from collector.evidence.faults import Fault
from collector.evidence.format import Place, read_place
from tests.collector.evidence.made import Members, named, packed, verify

RECORDS, STORED, SEALS = "/records.ndjson", "/stored.csv", "/seals.ndjson"


def faults(path: Path) -> list[Fault]:
    """Return what is found wrong with a file; something is."""
    found = verify(path)
    assert not found.good
    return found.findings.faults


def forged(members: Members, tmp_path: Path) -> list[Fault]:
    """Return what is found wrong with members whose manifest and digest were made to fit."""
    return faults(packed(members, tmp_path / "forged.zip"))


def lines_of(members: Members, ending: str) -> list[bytes]:
    """Return the lines of the one member that ends so, without their newlines."""
    return members[named(members, ending)].splitlines()


def put(members: Members, ending: str, lines: list[bytes]) -> None:
    """Give a member other lines."""
    members[named(members, ending)] = b"".join(line + b"\n" for line in lines)


def places(members: Members) -> list[Place]:
    """Return the rows of stored.csv."""
    return [read_place(row) for row in lines_of(members, STORED)[1:]]


def put_places(members: Members, rows: list[Place]) -> None:
    """Give stored.csv other rows."""
    name = named(members, STORED)
    head = members[name].splitlines(keepends=True)[0]
    members[name] = head + b"".join(row.row() for row in rows)
