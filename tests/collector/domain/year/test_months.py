"""What a year keeps of a line's month, and what is known of each: one thing, never two."""

from dataclasses import replace
from datetime import date

import pytest

from collector.domain.findings import Verdict
from collector.domain.year.months import Known, LineMonth, days_in, line_year, month_of
from tests.collector.domain.year.test_targets import EMPTY


def months(*given: tuple[int, int]) -> list[LineMonth]:
    """Return months of 2026, each of its number and its days with tests."""
    return [
        replace(EMPTY, month=f"2026-{number:02}", days=days, has_records=days > 0)
        for number, days in given
    ]


def test_months_before_a_line_was_there_are_no_gaps() -> None:
    """They are told apart; of the month of its registration the days since then count."""
    found = line_year(
        "l", "Nhà 1", "fibre", date(2026, 2, 20), None, months((1, 0), (2, 0), (3, 12), (4, 0))
    )
    assert [one.known for one in found.known] == [
        Known.BEFORE_REGISTRATION,
        Known.NO_RECORDS,
        Known.NOT_ENOUGH_DATA,
        Known.NO_RECORDS,
    ]
    assert [(one.days, one.of_days) for one in found.known] == [(0, 0), (0, 9), (12, 31), (0, 30)]


def test_of_the_month_in_which_a_line_was_given_up_the_days_before_count() -> None:
    """One that came and went within a month had the days between."""
    given = months((1, 9), (2, 0))
    found = line_year("l", "Nhà 1", "fibre", date(2026, 1, 11), date(2026, 1, 20), given)
    assert [one.known for one in found.known] == [Known.NOT_ENOUGH_DATA, Known.GIVEN_UP]
    assert [one.of_days for one in found.known] == [10, 0]


def test_a_registry_that_is_younger_than_its_records_hides_no_gap() -> None:
    """A ledger that was brought in: what lies behind the first data is missing."""
    found = line_year(
        "l", "Nhà 1", "fibre", date(2026, 11, 1), None, months((1, 0), (2, 9), (3, 0))
    )
    assert [one.known for one in found.known] == [
        Known.BEFORE_REGISTRATION,
        Known.NOT_ENOUGH_DATA,
        Known.NO_RECORDS,
    ]
    assert [one.of_days for one in found.known] == [0, 28, 31]


@pytest.mark.parametrize(
    "verdict,has_records,has_limit,known",
    [
        (Verdict.PASS, True, True, Known.JUDGED),
        (Verdict.FAIL, True, True, Known.JUDGED),
        (Verdict.NOT_ENOUGH_DATA, True, True, Known.NOT_ENOUGH_DATA),
        (Verdict.NOT_ENOUGH_DATA, True, False, Known.NO_LIMIT),
        (Verdict.NOT_ENOUGH_DATA, False, False, Known.NO_RECORDS),
        (Verdict.NOT_ENOUGH_DATA, False, True, Known.NO_RECORDS),
    ],
)
def test_a_month_without_a_verdict_says_why(
    verdict: Verdict, has_records: bool, has_limit: bool, known: Known
) -> None:
    """Enough tests and no number to hold them against are no lack of tests."""
    one = replace(EMPTY, verdict=verdict, has_records=has_records, has_limit=has_limit)
    (found,) = line_year("l", "Nhà 1", "fibre", date(2026, 1, 1), None, [one]).known
    assert found.known is known


def test_a_month_without_any_standard_has_nothing_to_be_held_against() -> None:
    """As those of the year before."""
    found = month_of("2026-02", [], [], Verdict.NOT_ENOUGH_DATA, has_records=True)
    assert not found.has_limit
    assert (found.tests, found.download, found.watched_seconds) == (0, None, 0)


def test_a_month_has_its_days() -> None:
    """February of a leap year, too."""
    assert [days_in(month) for month in ("2026-12", "2026-02", "2028-02")] == [31, 28, 29]
