"""A planted year in a ledger, read once for all who look at its papers."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.reports.pool import Workers
from collector.reports.standards import read_standards
from collector.reports.yearly.finding import find_year, months_of
from collector.reports.yearly.months import Standards
from collector.reports.yearly.reading import read_year
from collector.reports.yearly.report import YearReport
from collector.settings import LedgerSettings
from tests.collector import year_ledger


def read(
    database: Database, ward: str | None = year_ledger.WARD, workers: Workers | None = None
) -> YearReport:
    """Return the planted year's report; without workers this process reads it."""
    months = months_of(year_ledger.YEAR, year_ledger.ZONE, year_ledger.TODAY)
    found = database.read_now(lambda c: find_year(c, months, ward))
    done: list[int] = []
    own = workers or Workers(1, lambda: database, ())
    held = Standards(read_standards(None))
    report = read_year(database, own, found, held, "linewatch/0", done.append)
    assert sum(done) == found.steps
    return report


@pytest.fixture(scope="session")
def year_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield a ledger with the planted year; tests only read it."""
    path = tmp_path_factory.mktemp("year") / "ledger.sqlite"
    with contextlib.closing(Database(LedgerSettings(path=path))) as made:
        migrate(made)
        with made.write() as connection:
            year_ledger.fill(connection)
        yield made


@pytest.fixture(scope="session")
def report(year_database: Database) -> YearReport:
    """Return what the planted ward's year says."""
    return read(year_database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where papers go."""
    return tmp_path / "out"
