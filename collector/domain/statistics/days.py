"""Means with intervals, by resampling whole days (Hesterberg's expanded percentiles).

Days are drawn with replacement, each with all of its tests, as many as there are: the tests of a
day resemble each other, and a draw of single tests would take them for more than they are (the
cluster bootstrap; Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).

The plain percentile interval of D days is too short, as a sample's spread is by (D-1)/D, and as it
takes the normal distribution where Student's t belongs. Hesterberg (What Teachers Should Know About
the Bootstrap, The American Statistician 69, 2015) takes percentiles further out, at
Phi(-sqrt(D/(D-1)) t). The chance against a limit is the same backwards, so that interval and chance
agree.

What is drawn depends on the number of days alone: the same for every line, again and everywhere.
Values are whole units (bit/s, microseconds) and so are weights: a mean is one whole number over
another, and what is reached exactly is reached. The ends of intervals are floats, whose last digits
may be other ones on another machine: who computes a figure again compares to a millionth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import sqrt
from operator import mul
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.domain.rounding import whole
from collector.domain.statistics.student import NORMAL, ONE_SIDE, t_distribution, t_quantile

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

RESAMPLES: Final = 9999
"""So many draws tell a chance of 0.0001, which Holm's method still takes in a family of fifty."""

FEWEST_DAYS: Final = 5
"""For an interval: of fewer days the outermost draw is not far enough out."""

_SEED: Final = 1979
_MOST_ALIKE: Final = 0.9

_ROUNDING: Final = 1e-12
"""Of a day's sum: what a difference of floats may be where it is none."""

_NEAR_A_HALF: Final = 1e-3
"""Of a unit: far more than a float's error, far less than a half."""


class Estimate(NamedTuple):
    """A figure and its interval of nominal 95 %; None where the days are too few for one."""

    value: float
    low: float | None = None
    high: float | None = None


@lru_cache(maxsize=40)
def drawn(days: int) -> Floats:
    """Return how often each day (row) is in each draw (column).

    By the raw stream of PCG64, which numpy keeps for ever; that of `Generator` may change.
    """
    raw = np.random.PCG64([_SEED, days]).random_raw(RESAMPLES * days)
    places = (raw % np.uint64(days)).astype(np.int64).reshape(RESAMPLES, days)
    places += np.arange(RESAMPLES)[:, None] * days
    counts = np.bincount(places.ravel(), minlength=RESAMPLES * days).astype(np.float64)
    return np.ascontiguousarray(counts.reshape(RESAMPLES, days).T)


@lru_cache(maxsize=40)
def left_out(days: int) -> float:
    """Return the share of draws beyond an interval, on each side."""
    return NORMAL.cdf(-sqrt(days / (days - 1)) * t_quantile(1 - ONE_SIDE, days - 1))


def kept(net: Floats) -> Any:  # noqa: ANN401 - a number, or one of each row
    """Return the share of draws in which a sum over days is above zero; zero itself is half of one.

    Args:
        net: of each day, by how much it speaks for what is asked, in the last dimension.
    """
    sums = net @ drawn(net.shape[-1])
    return (np.mean(sums > 0, axis=-1) + np.mean(sums >= 0, axis=-1)) / 2


def counted(share: Any) -> Any:  # noqa: ANN401 - as above
    """Return a share of the draws with one more among them: no chance is ever called zero."""
    return (share * RESAMPLES + 1) / (RESAMPLES + 1)


def chance(net: Floats) -> float:
    """Return the one-sided chance of what was seen, were what is asked just so (the p-value)."""
    days = net.shape[-1]
    share = float(counted(kept(net)))
    if share >= 1:
        return 1.0
    return t_distribution(NORMAL.inv_cdf(share) * sqrt((days - 1) / days), days - 1)


class Weights(NamedTuple):
    """What each value counts: those of a block alike.

    Attributes:
        blocks: of each value, from 0.
        each: what a value of each block counts, as whole numbers of any size.
    """

    blocks: Places
    each: tuple[int, ...]


@dataclass(frozen=True)
class Days:
    """The values of some days; there is at least one, and each day has one.

    Attributes:
        values: whole units, in ascending order.
        places: the day of each, from 0.
        weights: what each counts.
        days: how many days there are.
    """

    values: Floats
    places: Places
    weights: Weights
    days: int

    @cached_property
    def weight(self) -> int:
        """What all values count."""
        return self.weight_of(len(self.values))

    def weight_of(self, rank: int) -> int:
        """Return what so many of the lowest values count, exactly."""
        blocks, each = self.weights
        return sum(map(mul, np.bincount(blocks[:rank], minlength=len(each)).tolist(), each))

    @cached_property
    def tests_each(self) -> Floats:
        """How many tests a value of each block stands for: all of them for as many as there are."""
        return np.array([one * len(self.values) / self.weight for one in self.weights.each])

    @cached_property
    def cells(self) -> Places:
        """The cell of each value in a table of days by blocks."""
        return self.places * len(self.weights.each) + self.weights.blocks

    @cached_property
    def sizes(self) -> Floats:
        """How many tests each day's values stand for."""
        return self.lowest(len(self.values))

    @cached_property
    def sums(self) -> Floats:
        """What they sum up to."""
        return self._of_days(self._cell_sums)

    @cached_property
    def _cell_sums(self) -> Floats:
        """The sum of each cell's values: of whole numbers, and so exact."""
        found = np.bincount(self.cells, self.values, self.days * len(self.weights.each))
        return found.astype(np.float64)

    def mean(self) -> Estimate:
        """Return the mean of all values: its value is that of whole numbers, rounded once."""
        blocks = self._cell_sums.reshape(self.days, -1).sum(axis=0)
        total = sum(map(mul, map(int, blocks.tolist()), self.weights.each))
        return ratio(self.sums, self.sizes, total / self.weight)

    def mean_chance(self, limit: float, *, at_least: bool) -> float:
        """Return the chance of such values where the true mean just keeps the limit."""
        return ratio_chance(self.sums, self.sizes, limit, at_least=at_least)

    def lowest(self, rank: int) -> Floats:
        """Return how many tests each day's share of the lowest values stands for."""
        size = self.days * len(self.weights.each)
        return self._of_days(np.bincount(self.cells[:rank], minlength=size))

    def _of_days(self, cells: NDArray[Any]) -> Floats:
        found: Floats = cells.reshape(self.days, -1) @ self.tests_each
        return found


def by_day(
    days: Sequence[Any] | NDArray[Any],
    values: Sequence[float] | Floats,
    weights: Weights | None = None,
    units: int = 1,
) -> Days:
    """Return values with their days, whatever numbers those have and in whatever order they are.

    Args:
        days: of each value.
        values: as they stand in their records.
        weights: of each; None: all the same.
        units: to how many of them a value of one is rounded.
    """
    names, places = np.unique(np.asarray(days), return_inverse=True)
    rounded = _all_whole(np.asarray(values, np.float64), units)
    if weights is None:
        weights = Weights(np.zeros(len(rounded), np.int64), (1,))
    order = np.argsort(rounded, kind="stable")
    weights = weights._replace(blocks=weights.blocks[order])
    return Days(rounded[order], places[order], weights, len(names))


def _all_whole(values: Floats, units: int) -> Floats:
    """Return `whole` of each value; a float's product tells it wherever it is not near a half."""
    scaled = values * units
    found: Floats = np.rint(scaled)
    for place in np.flatnonzero(np.abs(scaled - np.floor(scaled) - 0.5) < _NEAR_A_HALF):
        found[place] = whole(values[place], units)
    return found


def ratio(above: Floats, below: Floats, value: float | None = None) -> Estimate:
    """Return the sum of what days have above over the sum of what they have below.

    A mean is the values over their number, a loss the packets lost over those sent.

    Args:
        above: of each day.
        below: the same.
        value: of all days, where it is known better than by their floats.
    """
    days = len(above)
    if value is None:
        value = float(above.sum() / below.sum())
    if days < FEWEST_DAYS:
        return Estimate(value)
    draws = drawn(days)
    # The outermost draws that are not left out.
    first = int(left_out(days) * (RESAMPLES + 1)) - 1
    last = RESAMPLES - 1 - first
    found = np.partition((above @ draws) / (below @ draws), (first, last))
    low, high = float(found[first]), float(found[last])
    return Estimate(value, min(low, value), max(high, value))


def ratio_chance(above: Floats, below: Floats, limit: float, *, at_least: bool) -> float:
    """Return the chance of such days where the true ratio just keeps the limit."""
    spare = above - limit * below
    # Where all tests of a day are just at the limit, rounding must not take a side.
    spare[np.abs(spare) <= _ROUNDING * np.abs(above)] = 0
    return chance(spare if at_least else -spare)


def widening(residuals: Floats) -> float:
    """Return by how much an interval has to be wider as days resemble the days before them; 1: not.

    Resampling takes days for independent. Where the sum over days is of a chain whose neighbours
    correlate by r, its variance is (1+r)/(1-r) times as large. A sample's r is too small by about
    (1+3r)/D (Kendall, Note on Bias in the Estimation of Autocorrelation, Biometrika 41, 1954).

    Args:
        residuals: of each day in their order, by how much it is off the whole's value; a day that
            is missing is passed over.
    """
    squares = float((residuals**2).sum())
    if squares == 0:
        return 1.0
    found = float((residuals[1:] * residuals[:-1]).sum()) / squares
    true = min(found + (1 + 3 * found) / len(residuals), _MOST_ALIKE)
    return sqrt((1 + true) / (1 - true)) if found > 0 else 1.0
