"""The monthly data budget of a path, spent evenly. Pure.

Without a pace, a budget that is too small for its schedule is gone in the first week, and the rest
of the month has no evidence. So each day may use its share of the month and what earlier days left
over, and a test outside of the evening leaves room for the evening's.
"""

from calendar import monthrange
from datetime import date


def month_of(day: date) -> str:
    """Return the month that a local day's data counts for, ``YYYY-MM``."""
    return f"{day.year:04d}-{day.month:02d}"


def allows(
    budget_bytes: int, used_bytes: int, test_bytes: int, day: date, *, evening_follows: bool
) -> bool:
    """Return whether a speed test may run today.

    Args:
        budget_bytes: of the month.
        used_bytes: by the path's tests of this month so far, those that were cut short included.
        test_bytes: what the path's last test moved; 0 where there was none.
        day: today, local.
        evening_follows: whether a test of today's evening is still to come.
    """
    days = monthrange(day.year, day.month)[1]
    share = budget_bytes * day.day / days
    wanted = test_bytes * (2 if evening_follows else 1)
    return used_bytes + max(wanted, 1) <= share
