"""Scales of charts: round numbers on the value axis, local time on the time axis. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from math import ceil, floor, isclose, log10
from zoneinfo import ZoneInfo

WIDTH = 1000.0
"""The data layer's own width: it is stretched to whatever the page gives it."""

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_DIGITS = 20
"""Decimals of the smallest step that anything measured could ask for, and more."""


class Period(StrEnum):
    """How much time a page shows."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30}
LATENCY_BUCKET_SECONDS = {Period.DAY: 300, Period.WEEK: 1800, Period.MONTH: 7200}
"""At most 288, 336 and 360 buckets: about one for each pixel or two of a phone."""

MEDIAN_BUCKET_SECONDS = {Period.DAY: 3600, Period.WEEK: 6 * 3600, Period.MONTH: 24 * 3600}
HOVER_SECONDS = {Period.DAY: 900, Period.WEEK: 7200, Period.MONTH: 8 * 3600}
"""The width of the strips that answer the pointer: 96, 84 and 90 of them."""


@dataclass(frozen=True)
class Frame:
    """The span of time that the charts of a page share.

    Attributes:
        period: what was asked for.
        start, end: aware; for week and month they are local midnights.
    """

    period: Period
    start: datetime
    end: datetime

    @cached_property
    def start_seconds(self) -> float:
        """The start, in seconds since 1970."""
        return self.start.timestamp()

    @cached_property
    def end_seconds(self) -> float:
        """The end, in seconds since 1970."""
        return self.end.timestamp()

    def across(self, at_seconds: float) -> float:
        """Return where a moment is on the data layer, 0 to `WIDTH`."""
        return (at_seconds - self.start_seconds) * self._per_second

    @cached_property
    def _per_second(self) -> float:
        return WIDTH / (self.end_seconds - self.start_seconds)


def midnight(day: datetime, zone: ZoneInfo, offset_days: int = 0) -> datetime:
    """Return the local midnight that begins the local day of ``day``, some days later, UTC."""
    date = day.astimezone(zone).date() + timedelta(days=offset_days)
    return datetime.combine(date, time(), zone).astimezone(UTC)


def make_frame(period: Period, zone: ZoneInfo, now: datetime, until: datetime | None) -> Frame:
    """Return the frame of a page.

    Args:
        period: what was asked for.
        zone: of the pages.
        now: aware.
        until: a moment in the last day to show; None: up to now. A day up to now is the last 24
            hours, so that the page is not empty after midnight.
    """
    if until is None and period is Period.DAY:
        end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return Frame(period, end - timedelta(days=1), end)
    last = until or now
    return Frame(period, midnight(last, zone, 1 - DAYS[period]), midnight(last, zone, 1))


def value_ticks(highest: float) -> list[float]:
    """Return round values from 0 to at least ``highest``, four to seven of them."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / 5
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough * 0.999)
    return [step * index for index in range(ceil(highest / step - 1e-9) + 1)]


def tick_digits(ticks: Sequence[float]) -> int:
    """Return how many decimals the labels of an axis need, so that no step is rounded away."""
    step = ticks[1]
    return next(n for n in range(_MOST_DIGITS) if isclose(round(step, n), step, rel_tol=1e-6))


@dataclass(frozen=True, slots=True)
class TimeTick:
    """A label on the time axis: its moment, and whether it is a time of day or a day."""

    at: datetime
    is_day: bool


def time_ticks(frame: Frame, zone: ZoneInfo) -> list[TimeTick]:
    """Return the labels of the time axis: few enough for a phone."""
    if frame.period is Period.DAY:
        ticks = []
        moment = frame.start
        while moment < frame.end:
            local = moment.astimezone(zone)
            if local.hour % 4 == 0 and local.minute == 0:
                ticks.append(TimeTick(moment, is_day=False))
            moment += timedelta(hours=1)
        return ticks
    every = 1 if frame.period is Period.WEEK else 5
    return [
        TimeTick(midnight(frame.start, zone, offset), is_day=True)
        for offset in range(0, DAYS[frame.period], every)
    ]
