"""What is looked at of a line, what becomes of its values, and the units of its numbers."""

from enum import StrEnum
from typing import Final

MEGABIT: Final = 1e6
MILLISECOND: Final = 1e-3


class Quantity(StrEnum):
    """What is looked at."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    LATENCY = "latency"
    """Round trips of minutes of small UDP packets, all day, the line mostly idle."""

    LATENCY_IDLE = "latency_idle"
    """Round trips just before a speed test."""

    LATENCY_LOADED = "latency_loaded"
    """Round trips during a speed test: of its two directions the higher median."""

    LOSS = "loss"
    DELAY_VARIATION = "delay_variation"
    AVAILABILITY = "availability"


RATES: Final = frozenset({Quantity.DOWNLOAD, Quantity.UPLOAD})
TIMES: Final = frozenset(
    {
        Quantity.LATENCY,
        Quantity.LATENCY_IDLE,
        Quantity.LATENCY_LOADED,
        Quantity.DELAY_VARIATION,
    }
)


class Statistic(StrEnum):
    """What becomes of a quantity's values."""

    MEAN = "mean"
    """Of a loss: packets lost over packets sent; of availability: time in service over time."""

    MEDIAN = "median"
    QUANTILE = "quantile"
    SHARE = "share"
    """Of tests that keep the limit of a test."""

    DAYS_REACHED = "days_reached"
    """Days of a campaign on which one test at least keeps the limit of a test."""

    DAYS_KEPT = "days_kept"
    """Days of a campaign on which every test keeps the limit of a test."""


COUNTED: Final = frozenset({Statistic.DAYS_REACHED, Statistic.DAYS_KEPT})
OF_TESTS: Final = frozenset({Statistic.SHARE, *COUNTED})
"""What needs a limit for each test."""


class Unit(StrEnum):
    """Of a number that stands for itself."""

    MEGABITS = "Mbit/s"
    MILLISECONDS = "ms"
    SHARE = "share"
    DAYS = "days"

    @property
    def factor(self) -> float:
        """What one of it is in bit/s, seconds or one."""
        return {Unit.MEGABITS: MEGABIT, Unit.MILLISECONDS: MILLISECOND}.get(self, 1.0)
