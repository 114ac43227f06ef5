"""Working days: Monday to Friday, but for the days off that a calendar knows. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5

LONGEST_REST: Final = 60
"""Days off in a row, at most: a calendar that has more is wrong, and nobody waits for its end."""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Counts working days.

    Attributes:
        is_holiday: whether a day is off besides Saturdays and Sundays.
    """

    is_holiday: Callable[[date], bool]

    def is_working(self, day: date) -> bool:
        """Return whether people work on a day."""
        return day.weekday() < _SATURDAY and not self.is_holiday(day)

    def after(self, day: date, count: int) -> date:
        """Return the working day that is so many behind a day; the day itself does not count.

        Args:
            day: from which on, working or not.
            count: one at least.

        Raises:
            ValueError: the calendar has no working day for `LONGEST_REST` days.
        """
        rest = 0
        # Ends: each round is a working day of those wanted, or one more of a rest that is bounded.
        while count > 0:
            day += _DAY
            if self.is_working(day):
                count, rest = count - 1, 0
                continue
            rest += 1
            if rest > LONGEST_REST:
                msg = f"there is no working day for {LONGEST_REST} days before {day}"
                raise ValueError(msg)
        return day

    def between(self, first: date, last: date) -> int:
        """Return how many working days are behind the first day, up to the last one and with it.

        Negative where the last day is before the first one.
        """
        if last < first:
            return -self.between(last, first)
        days = (last - first).days
        return sum(self.is_working(first + _DAY * number) for number in range(1, days + 1))
