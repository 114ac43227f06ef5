"""The data budget: spent evenly over the month, the evening first."""

from datetime import date, timedelta

import pytest

from probe.budget import allows, month_of

GIGABYTE = 10**9


@pytest.mark.parametrize(
    "used, day, evening_follows, allowed",
    [
        (0, 1, False, True),
        (0, 1, True, False),
        (GIGABYTE, 1, False, False),
        (GIGABYTE, 3, False, True),
        (29 * GIGABYTE, 30, False, True),
        (30 * GIGABYTE, 30, False, False),
    ],
)
def test_each_day_has_its_share_and_what_was_left(
    used: int, day: int, evening_follows: bool, allowed: bool
) -> None:
    """With 1 GB a day and tests of 1 GB, a test runs while the days so far have room for it, and
    outside of the evening only if the evening's still fits.
    """
    today = date(2026, 11, day)
    assert allows(30 * GIGABYTE, used, GIGABYTE, today, evening_follows=evening_follows) is allowed


def test_nothing_fits_into_nothing() -> None:
    """A budget of zero allows no test, not even before the first one told its size."""
    assert not allows(0, 0, 0, date(2026, 11, 30), evening_follows=False)


def test_month_is_spread_over_all_its_days() -> None:
    """A budget for half of the tests lets tests run in every week, and is never exceeded."""
    budget, test, used = 120 * GIGABYTE, GIGABYTE, 0
    ran = []
    for day in range(30):
        today = date(2026, 11, 1) + timedelta(day)
        for number in range(8):
            if allows(budget, used, test, today, evening_follows=number < 6):
                used += test
                ran.append(day)
    assert used <= budget
    assert [sum(day // 7 == week for day in ran) for week in range(4)] == [28, 28, 28, 28]


def test_months_are_named_in_order() -> None:
    """A month's name sorts as months follow each other."""
    assert month_of(date(2026, 9, 30)) == "2026-09" < month_of(date(2026, 10, 1))
