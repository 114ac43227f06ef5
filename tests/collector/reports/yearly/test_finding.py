"""Which months, ward and lines a year's report is of; what cannot be is a sentence."""

import contextlib
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from collector.errors import ReportError
from collector.ledger.database import Database
from collector.reports.yearly.finding import find_year, months_of
from tests.collector.conftest import NewLedger
from tests.collector.year_ledger import ZONE


def test_months_are_those_that_are_over() -> None:
    """On the first of a month the one before is; a year that is not begun is a sentence."""
    assert [one.name for one in months_of(2026, ZONE, date(2026, 3, 1))] == ["2026-01", "2026-02"]
    assert len(months_of(2026, ZONE, date(2026, 12, 9))) == 11
    assert len(months_of(2025, ZONE, date(2026, 12, 9))) == 12
    with pytest.raises(ReportError, match="2027 has not begun: ask again from 2027-02-01 on"):
        months_of(2027, ZONE, date(2026, 12, 9))
    with pytest.raises(ReportError, match="2026 has no month yet that is over"):
        months_of(2026, ZONE, date(2026, 1, 31))


def test_a_registry_without_sites_has_no_year(new_ledger: NewLedger) -> None:
    """The sentence says how they come there."""
    months = months_of(2025, ZoneInfo("UTC"), date(2026, 1, 1))
    with (
        contextlib.closing(Database(new_ledger())) as empty,
        pytest.raises(ReportError, match="registry import"),
    ):
        empty.read_now(lambda c: find_year(c, months, None))
