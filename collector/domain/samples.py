"""A part's measurements as columns: what was measured in which hours, day by day.

Rates are whole bit/s here and times whole microseconds, and what a test counts is a whole number:
`collector.domain.statistics.days` says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd, lcm, nan
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.domain.line_month import LatencyHour, SpeedTest
from collector.domain.quantities import RATES, Quantity
from collector.domain.rounding import MICROSECONDS
from collector.domain.standard import Window
from collector.domain.statistics.days import Days, Floats, Places, Weights, by_day

MOST_WEIGHT: Final = 4
"""Of one test; the default plan's are from 0.5 to 2.4. Few tests of a block must not be it all."""

HOURS: Final = 24

FROM_TESTS: Final = RATES | {Quantity.LATENCY_IDLE, Quantity.LATENCY_LOADED}
"""What speed tests measure; the rest is measured by minutes of small packets."""


class Sample(NamedTuple):
    """The values of a quantity in a window.

    Attributes:
        values: whole ones, in units; None: there is none.
        units: how many of them one bit/s or one second is.
        bounds: how many of them are lower bounds.
    """

    values: Days | None
    units: int
    bounds: int

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.values.values) if self.values else 0

    @property
    def days(self) -> int:
        """How many days have one."""
        return self.values.days if self.values else 0


class Losses(NamedTuple):
    """Of each day the packets lost, in records that lost all of theirs, and the records."""

    lost: Floats
    records: Floats


class _Moments(NamedTuple):
    """When each value of a column is from."""

    days: Places
    hours: Places
    weekdays: Places

    def within(self, window: Window) -> NDArray[np.bool_]:
        """Return which are in a window."""
        hours = np.isin(self.hours, list(window.open_hours))
        return hours & np.isin(self.weekdays, list(window.weekdays))


@dataclass(frozen=True)
class Measurements:
    """What was measured to one server; columns and samples are made once.

    Attributes:
        tests: in any order.
        latency: in any order.
    """

    tests: Sequence[SpeedTest]
    latency: Sequence[LatencyHour] = ()
    _kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def sample(self, quantity: Quantity, window: Window, credit: float | None = None) -> Sample:
        """Return a quantity's values in a window.

        Args:
            quantity: no loss, no availability.
            window: of the day and week.
            credit: what a lower bound counts as at least; None: as it was measured.
        """
        if not self._column(quantity)[2].any():
            credit = None
        key = quantity, window.id, credit
        if key not in self._kept:
            self._kept[key] = self._sample(quantity, window, credit)
        found: Sample = self._kept[key]
        return found

    def _sample(self, quantity: Quantity, window: Window, credit: float | None) -> Sample:
        values, moments, bounds = self._column(quantity)
        used = moments.within(window) & ~np.isnan(values)
        if credit is not None:
            values = np.where(bounds, np.maximum(values, credit), values)
        units = 1 if quantity in RATES else MICROSECONDS
        if not used.any():
            return Sample(None, units, 0)
        weights = _weights(moments.hours[used], window)
        found = by_day(moments.days[used], values[used], weights, units)
        return Sample(found, units, int(bounds[used].sum()))

    def losses(self, window: Window) -> Losses | None:
        """Return the packets lost in a window; None: none was sent."""
        hours = [one for one in self.latency if one.lost_ratio is not None]
        moments = _moments([one.at for one in hours])
        used = moments.within(window)
        if not used.any():
            return None
        _, places = np.unique(moments.days[used], return_inverse=True)
        records = np.array([one.records for one in hours], np.float64)[used]
        ratios = np.array([one.lost_ratio for one in hours], np.float64)[used]
        lost, sent = (np.bincount(places, weights) for weights in (records * ratios, records))
        return Losses(lost.astype(np.float64), sent.astype(np.float64))

    def _column(self, quantity: Quantity) -> tuple[Floats, _Moments, NDArray[np.bool_]]:
        """Return a quantity's values (bit/s, seconds), their moments and which are bounds."""
        if quantity not in self._kept:
            if quantity in FROM_TESTS:
                values = np.array([_of_test(one, quantity) for one in self.tests], np.float64)
                moments = self._moments_of_tests()
            else:
                values, moments = self._of_latency(quantity)
            bounds = np.zeros(len(values), np.bool_)
            if quantity in RATES:
                bounds = np.array([one.at_least for one in self.tests], np.bool_)
            self._kept[quantity] = values, moments, bounds
        found: tuple[Floats, _Moments, NDArray[np.bool_]] = self._kept[quantity]
        return found

    def _moments_of_tests(self) -> _Moments:
        if "tests" not in self._kept:
            self._kept["tests"] = _moments([one.at for one in self.tests])
        found: _Moments = self._kept["tests"]
        return found

    def _of_latency(self, quantity: Quantity) -> tuple[Floats, _Moments]:
        lists = [
            one.round_trips_seconds
            if quantity is Quantity.LATENCY
            else one.delay_variations_seconds
            for one in self.latency
        ]
        sizes = [len(values) for values in lists]
        values = np.array([value for values in lists for value in values], np.float64)
        moments = _moments([one.at for one in self.latency])
        return values, _Moments(*(np.repeat(column, sizes) for column in moments))


def _moments(moments: Sequence[Any]) -> _Moments:
    days = np.array([one.toordinal() for one in moments], np.int64)
    hours = np.array([one.hour for one in moments], np.int64)
    # The first of January of the year 1, day 1, was a Monday.
    return _Moments(days, hours, (days - 1) % 7 + 1)


def block_weights(counts: Sequence[int], lengths: Sequence[int]) -> tuple[int, ...]:
    """Return what a test of each block counts, so that blocks count by their lengths.

    A block without a test is left out; a test counts as `MOST_WEIGHT` at most, where all count one
    in the mean before that. Whole numbers in their lowest terms: what matters is their ratio.

    Args:
        counts: tests of each block, one at least in all.
        lengths: of each block.
    """
    there = sum(length for count, length in zip(counts, lengths, strict=True) if count)
    common = lcm(*(count for count in counts if count))
    # By the definition length * tests / (there * count), or the most: times what makes all whole.
    most = MOST_WEIGHT * there * common
    found = [
        min(length * sum(counts) * common // count, most) if count else 0
        for count, length in zip(counts, lengths, strict=True)
    ]
    least = gcd(*found)
    return tuple(one // least for one in found)


def blocks_of(window: Window) -> tuple[Places, list[int]]:
    """Return the block of each hour of the day, and the blocks' lengths."""
    block_of = np.zeros(HOURS, np.int64)
    for number, (first, end) in enumerate(window.blocks):
        block_of[first:end] = number
    return block_of, [end - first for first, end in window.blocks]


def _weights(hours: Places, window: Window) -> Weights | None:
    """Return what tests in these hours count; None: all alike."""
    if not window.blocks:
        return None
    block_of, lengths = blocks_of(window)
    blocks = block_of[hours]
    counts = np.bincount(blocks, minlength=len(lengths)).tolist()
    return Weights(blocks, block_weights(counts, lengths))


def _of_test(test: SpeedTest, quantity: Quantity) -> float:
    """Return what a test measured; not a number: it did not."""
    if quantity is Quantity.LATENCY_LOADED:
        loaded = (test.download_latency_seconds, test.upload_latency_seconds)
        return max((value for value in loaded if value is not None), default=nan)
    value = {
        Quantity.DOWNLOAD: test.download_bits_per_second,
        Quantity.UPLOAD: test.upload_bits_per_second,
        Quantity.LATENCY_IDLE: test.idle_latency_seconds,
    }[quantity]
    return nan if value is None else value
