"""Medians and other quantiles with intervals, by the shares of tests on either side (Woodruff).

A tenth of the tests is below the tenth percentile: a value can be it as long as a tenth can be the
true share of tests below that value, by the interval of `shares` (Woodruff, Confidence Intervals
for Medians and Other Position Measures, Journal of the American Statistical Association 47, 1952).
So an interval's ends are values that were measured, and what is said of quantiles and of shares
agrees. Resampling days does as well for medians, but not for the tenth percentile of few tests.
"""

from bisect import bisect_left
from math import sqrt
from typing import Final

import numpy as np

from collector.domain.statistics.days import FEWEST_DAYS, Days, Estimate, Places
from collector.domain.statistics.shares import effective_size, wilson
from collector.domain.statistics.student import NORMAL

FEWEST_BEYOND: Final = 6
"""Tests on the thinner side of a quantile. With fewer the interval is of 97 % and more, and its end
is the lowest test of all."""

_LOOKED_AT: Final = 512
"""Values that can be an end: of more values every so many."""


def quantile(values: Days, percent: int) -> Estimate:
    """Return a quantile: a value that was measured, or the middle between two of them.

    Args:
        values: rounded to whole units.
        percent: 50 is the median.
    """
    value = _value(values, percent)
    if values.days < FEWEST_DAYS:
        return Estimate(value)
    size = len(values.values)
    ranks = np.arange(size)
    if size > _LOOKED_AT:
        ranks = np.arange(_LOOKED_AT) * (size - 1) // (_LOOKED_AT - 1)
    ends = values.values[ranks]
    low = _possible(values, np.searchsorted(values.values, ends, "right"), percent)[1]
    high = _possible(values, np.searchsorted(values.values, ends, "left"), percent)[0]
    return Estimate(value, min(float(ends[low].min()), value), max(float(ends[high].max()), value))


def quantile_chance(values: Days, percent: int, limit: float, *, at_least: bool) -> float:
    """Return the one-sided chance of such values where the true quantile just keeps the limit.

    By the score test, whose turned-round form Wilson's interval is.
    """
    rank = np.searchsorted(values.values, limit, "left" if at_least else "right")
    hits = values.lowest(int(rank))
    wanted = percent / 100
    share = hits.sum() / values.sizes.sum()
    spread = sqrt(wanted * (1 - wanted) / float(effective_size(hits, values.sizes)))
    away = float(share - wanted) / spread
    return NORMAL.cdf(-away if at_least else away)


def _value(values: Days, percent: int) -> float:
    """Return where the wanted share of tests is reached; in whole numbers, so that it just is."""
    size = len(values.values)
    wanted = percent * values.weight
    rank = bisect_left(range(1, size), wanted, key=lambda rank: 100 * values.weight_of(rank))
    reached = 100 * values.weight_of(rank + 1) == wanted
    above = min(rank + 1, size - 1) if reached else rank
    return float(values.values[rank] + values.values[above]) / 2


def how_many_beyond(values: Days, value: float) -> int:
    """Return how many tests are on the thinner side of a value, or on it."""
    below = int(np.searchsorted(values.values, value, "right"))
    above = len(values.values) - int(np.searchsorted(values.values, value, "left"))
    return min(below, above)


def _possible(values: Days, uptos: Places, percent: int) -> tuple[Places, Places]:
    """Return where the wanted share of the lowest can be as large as is, and where as small."""
    # A table of days by what lies between two neighbouring ends, then summed up.
    between = np.searchsorted(uptos, np.arange(len(values.values)), "right")
    blocks = len(values.weights.each)
    shape = len(uptos) + 1, values.days, blocks
    counts = np.bincount(
        between * values.days * blocks + values.cells, minlength=shape[0] * shape[1] * shape[2]
    )
    hits = np.cumsum(counts.reshape(shape), axis=0)[:-1] @ values.tests_each
    sizes = np.broadcast_to(values.sizes, hits.shape)
    share = hits.sum(axis=1) / values.sizes.sum()
    lowest, highest = wilson(share, effective_size(hits, sizes))
    return lowest <= percent / 100, highest >= percent / 100
