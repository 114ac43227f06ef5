"""Months read by several processes are those that one reads."""

from contextlib import closing
from datetime import date

import pytest

from collector.ledger.database import Database
from collector.reports.monthly import Month
from collector.reports.pool import Workers
from collector.reports.standards import choose_standard, read_standards
from collector.reports.yearly.months import Standards, begin
from collector.reports.yearly.report import YearReport, as_json
from collector.settings import LedgerSettings
from tests.collector import year_ledger
from tests.collector.conftest import ON_BOTH, NewLedger
from tests.collector.reports.yearly.conftest import read


@pytest.fixture
def settings(new_ledger: NewLedger) -> LedgerSettings:
    """Return where a ledger with the planted year is."""
    made = new_ledger()
    with closing(Database(made)) as database, database.write() as connection:
        year_ledger.fill(connection)
    return made


@ON_BOTH
def test_two_processes_read_the_same_year(settings: LedgerSettings, report: YearReport) -> None:
    """To the byte, whichever is ready first, on both databases."""
    with closing(Database(settings)) as database, Workers(2, begin, (settings,)) as workers:
        assert as_json(read(database, workers=workers)) == as_json(report)


def test_a_standard_holds_in_the_months_in_which_it_is_in_force() -> None:
    """One that somebody names holds in all."""
    file = choose_standard(read_standards(None), "qcvn-34-2022")
    before, after = (Month(date(2023, month, 1), year_ledger.ZONE) for month in (6, 7))
    assert Standards([file]).of(before) == []
    assert Standards([file]).of(after) == [file]
    assert Standards([file], named=True).of(before) == [file]
