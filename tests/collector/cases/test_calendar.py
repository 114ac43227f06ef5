"""The calendar of Viet Nam."""

from datetime import date

import pytest

from collector.cases.calendar import vietnam


@pytest.mark.parametrize(
    "day,works",
    [
        (date(2026, 11, 23), True),
        (date(2026, 11, 21), False),  # a Saturday
        (date(2026, 2, 17), False),  # Tết
        (date(2026, 2, 23), True),
        (date(2026, 4, 26), False),  # the Hùng Kings' day, a Sunday
        (date(2026, 4, 27), False),  # in lieu of it
        (date(2026, 8, 31), False),  # swapped for a Saturday
        (date(2026, 8, 22), False),  # that Saturday: it binds the state's offices, not all carriers
        (date(2026, 9, 1), False),
        (date(2027, 1, 1), False),
    ],
)
def test_holidays_days_in_lieu_and_swapped_days_are_off(day: date, works: bool) -> None:
    """A deadline never comes too early for want of a day off."""
    assert vietnam().is_working(day) is works


def test_days_off_that_nobody_knew_are_added() -> None:
    """As the settings name them."""
    day = date(2027, 2, 11)
    assert vietnam().is_working(day)
    assert not vietnam([day]).is_working(day)
