"""Days of values for tests of statistics."""

import numpy as np
from hypothesis import strategies as st

from collector.domain.statistics.days import Days, by_day

MONTHS = st.lists(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), min_size=5, max_size=12)
"""Some days, each with some whole values."""


def days_of(month: list[list[int]]) -> Days:
    """Return a month's values with their days."""
    places = [day for day, values in enumerate(month) for _ in values]
    return by_day(places, [float(value) for values in month for value in values])


def normal_month(seed: int, days: int = 30, per_day: int = 8) -> Days:
    """Return a month of normal values about 100."""
    chance = np.random.default_rng(seed)
    level = chance.normal(0, 5, days)[:, None]
    values = 1e6 * (100 + level + chance.normal(0, 10, (days, per_day)))
    return by_day(np.repeat(np.arange(days), per_day), values.ravel())
