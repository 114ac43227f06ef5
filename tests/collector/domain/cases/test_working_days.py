"""Working days: the laws of counting them, with the calendar of Viet Nam and with any other."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cases.calendar import vietnam
from collector.domain.cases.working_days import LONGEST_REST, WorkingDays

VIETNAM = vietnam()
DAYS = st.dates(date(2024, 1, 1), date(2029, 12, 31))
COUNTS = st.integers(1, 60)


@st.composite
def calendars(draw: st.DrawFn) -> WorkingDays:
    """Return Viet Nam's calendar, or one with other days off."""
    if draw(st.booleans()):
        return VIETNAM
    off = draw(st.frozensets(st.integers(0, 27), max_size=12))
    return WorkingDays(lambda day: day.toordinal() % 28 in off)


@given(calendars(), DAYS, COUNTS)
def test_a_deadline_is_a_working_day_after_the_first(
    calendar: WorkingDays, day: date, count: int
) -> None:
    """So many working days are behind the day, up to the deadline and with it."""
    due = calendar.after(day, count)
    assert calendar.is_working(due)
    assert due > day
    between = (day + timedelta(days=n) for n in range(1, (due - day).days + 1))
    assert sum(map(calendar.is_working, between)) == count
    assert calendar.between(day, due) == count


@given(calendars(), DAYS, COUNTS, COUNTS)
def test_deadlines_add_up(calendar: WorkingDays, day: date, one: int, other: int) -> None:
    """So many days, and so many behind them, are all of them at once."""
    assert calendar.after(calendar.after(day, one), other) == calendar.after(day, one + other)


@given(calendars(), DAYS, DAYS, COUNTS, COUNTS)
def test_deadlines_never_pass_each_other(
    calendar: WorkingDays, day: date, other: date, one: int, two: int
) -> None:
    """Who is sent later, or has more days, has his deadline no earlier."""
    early, late = min(day, other), max(day, other)
    few, many = min(one, two), max(one, two)
    assert calendar.after(early, few) <= calendar.after(late, few) <= calendar.after(late, many)
    assert few == many or calendar.after(late, few) < calendar.after(late, many)


@given(calendars(), DAYS, DAYS, DAYS)
def test_counts_between_days_add_up(
    calendar: WorkingDays, one: date, two: date, three: date
) -> None:
    """Forwards and backwards."""
    parts = calendar.between(one, two) + calendar.between(two, three)
    assert parts == calendar.between(one, three)


def test_a_calendar_without_working_days_ends_in_a_sentence() -> None:
    """And not never."""
    with pytest.raises(ValueError, match=f"no working day for {LONGEST_REST} days"):
        WorkingDays(lambda _: True).after(date(2026, 11, 2), 1)
