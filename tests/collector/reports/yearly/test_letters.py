"""A year's letters: those about its months, and how many about earlier ones went out in it."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

import pytest
from sqlalchemy import Connection

from collector.domain.cases.steps import Event, Role, Step
from collector.domain.year.again import Stated
from collector.ledger.cases import CaseLine, add_event, open_case
from collector.ledger.database import Database
from collector.reports.yearly.finding import find_year, months_of
from collector.reports.yearly.letters import Letters, read_letters
from tests.collector import year_ledger
from tests.collector.conftest import ON_BOTH, NewLedger

AT = datetime(2025, 9, 1, tzinfo=UTC)
FINDING: Final[dict[str, Any]] = {
    "standard": "ward",
    "version": 1,
    "sha256": "a" * 64,
    "first_day": "2025-01-01",
    "last_day": "2025-01-31",
    "indicator": "download",
    "window": "peak",
    "verdict": "fail",
    "value": 2e8,
    "limit": 3e8,
}


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a new ledger with the registry of the planted year."""
    with contextlib.closing(Database(new_ledger())) as made:
        with made.write() as connection:
            year_ledger.fill(connection)
        yield made


def complain(connection: Connection, month: str, line: str, sent: date | None) -> int:
    """Open a case about a line's month; return its number."""
    row = {"carrier_id": "a", "carrier_name": "Nhà mạng A", "ward": None, "month": month}
    opened = Event(1, Step.OPENED, AT, AT.date(), Role.CLERK)
    number = open_case(connection, row, [CaseLine(line, "Nhà", [FINDING])], [], opened)
    if sent:
        for step in (Step.APPROVED, Step.SENT):
            add_event(connection, number, step, at=AT, day=sent, role=Role.CLERK)
    return number


def letters(database: Database, ward: str | None = None) -> Letters:
    """Return the year's letters."""
    months = months_of(year_ledger.YEAR, year_ledger.ZONE, year_ledger.TODAY)
    year = database.read_now(lambda c: find_year(c, months, ward))
    return database.read_now(lambda c: read_letters(c, year))


@ON_BOTH
def test_letters_are_of_the_months_they_complain_about(database: Database) -> None:
    """One about December that went out in January is the year before's, and is counted here."""
    with database.write() as connection:
        complain(connection, "2024-12", "slow", date(2025, 1, 6))
        complain(connection, "2024-11", "slow", date(2024, 12, 6))
        complain(connection, "2024-10", "slow", None)
        first = complain(connection, "2025-01", "slow", date(2025, 2, 5))
        draft = complain(connection, "2025-08", "nobody", None)
    found = letters(database)
    assert [case.id for case, _ in found.found] == [first, draft]
    assert found.earlier == 1
    values = {name: one for name, one in FINDING.items() if name != "verdict"}
    stated = {"2025-01": {"slow": {first: [Stated(**values)]}}}
    assert letters(database, year_ledger.WARD).stated() == stated
    elsewhere = letters(database, year_ledger.OTHER_WARD)
    assert [case.id for case, _ in elsewhere.found] == [draft]
    assert elsewhere.earlier == 0
