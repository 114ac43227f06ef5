"""Simulated months of a line with a known truth: what intervals and verdicts are held against.

Tests are drawn around one: days differ by their own amount, the hours within them by a chain that
goes on over midnight, and from 19 to 23 h all is lower. A plan takes some hours of each day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import isnan, sqrt
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from collector.domain.line_month import LinePart, RecordRef, SpeedTest
from collector.domain.terms import Terms

Floats = NDArray[np.float64]
Hours = NDArray[np.int64]

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST_DAY = date(2026, 9, 1)
PEAK = range(19, 23)
HOURS = 24

DEFAULT_PLAN = ((0, 7, 1), (7, 19, 4), (19, 23, 3))
"""Windows of `collector.settings`: from, to, tests, each in a part of its own."""

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Model:
    """How a line's tests vary, as shares of its usual rate.

    Attributes:
        within: standard deviation of the hours of a day.
        hours_alike: correlation of neighbouring hours.
        between: standard deviation of days.
        days_alike: correlation of neighbouring days.
        dip: by how much the evening is lower.
    """

    within: float = 0.10
    hours_alike: float = 0.5
    between: float = 0.05
    days_alike: float = 0.0
    dip: float = 0.15

    def below(self, value: float, peak_share: float) -> float:
        """Return the true share of tests below a value, where so many are of the evening."""
        spread = sqrt(self.within**2 + self.between**2)
        day = _NORMAL.cdf((value - 1) / spread)
        return (1 - peak_share) * day + peak_share * _NORMAL.cdf((value - 1 + self.dip) / spread)

    def quantile(self, share: float, peak_share: float) -> float:
        """Return the true value below which a share of the tests is."""
        low, high = 0.0, 2.0
        for _ in range(60):
            middle = (low + high) / 2
            if self.below(middle, peak_share) < share:
                low = middle
            else:
                high = middle
        return low

    def mean(self, peak_share: float) -> float:
        """Return the true mean."""
        return 1 - self.dip * peak_share

    def draw(self, months: int, days: int, chance: np.random.Generator) -> Floats:
        """Return months of tests: by month, day and hour."""
        hours = _chain(days * HOURS, months, self.hours_alike, chance).T
        levels = _chain(days, months, self.days_alike, chance).T
        found = 1 + self.within * hours.reshape(months, days, HOURS)
        found += self.between * levels[:, :, None]
        found[:, :, PEAK.start : PEAK.stop] -= self.dip
        return found


def _chain(length: int, width: int, alike: float, chance: np.random.Generator) -> Floats:
    """Return chains (columns) of standard normal values whose neighbours correlate."""
    found = chance.standard_normal((length, width))
    for step in range(1, length):
        found[step] = alike * found[step - 1] + sqrt(1 - alike**2) * found[step]
    return found


def planned(months: Floats, per_day: int, chance: np.random.Generator) -> tuple[Floats, Hours]:
    """Return what a plan measures of each month and day, and in which hours.

    Args:
        months: by month, day and hour.
        per_day: 24: every hour; 8: the default plan; 4: every other test of it, as where two
            servers take turns. What is not measured is not a number.
        chance: draws the hours.
    """
    if per_day == HOURS:
        return months, np.broadcast_to(np.arange(HOURS), months.shape)
    drawn = []
    for first, end, tests in DEFAULT_PLAN:
        for part in range(tests):
            places = part + chance.random(months.shape[:2])
            drawn.append((first + (end - first) / tests * places).astype(np.int64))
    hours = np.stack(drawn, axis=-1)
    found = np.take_along_axis(months, hours, axis=-1)
    if per_day < len(drawn):
        turns = np.add.outer(np.arange(months.shape[1]), np.arange(len(drawn))) % 2
        found = np.where(turns == 0, found, np.nan)
    return found, hours


def speed_tests(rates: Floats, hours: Hours, server: str = "hn1") -> list[SpeedTest]:
    """Return the tests of one month: rates (bit/s), of both directions, by day and test."""
    begins = datetime.combine(FIRST_DAY, datetime.min.time(), ZONE)
    found = []
    for day, (of_day, at_hours) in enumerate(zip(rates.tolist(), hours.tolist(), strict=True)):
        for turn, (rate, hour) in enumerate(zip(of_day, at_hours, strict=True)):
            if not isnan(rate):
                at = begins + timedelta(days=day, hours=hour, minutes=7 * turn % 60)
                record = RecordRef("p", server, day * HOURS + turn)
                found.append(SpeedTest(at, rate, rate, False, 0.01, 0.02, 0.02, record))
    return found


def part_of(tests: Sequence[SpeedTest], terms: Terms, days: int = 30) -> LinePart:
    """Return a fibre line's part of a month that has these tests."""
    last = FIRST_DAY + timedelta(days=days - 1)
    return LinePart("l", "fibre", "2026-09", FIRST_DAY, last, terms, "hn1", "VNIX", tuple(tests))
