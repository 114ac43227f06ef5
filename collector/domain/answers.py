"""What a statistic of a sample is, how sure that is, and how likely where a limit just holds."""

from typing import Final, NamedTuple

import numpy as np

from collector.domain.quantities import Statistic
from collector.domain.samples import Losses, Sample
from collector.domain.statistics import days, quantiles, shares
from collector.domain.statistics.days import Days, Estimate, Floats

MEDIAN: Final = 50


class Threshold(NamedTuple):
    """A limit in bit/s, seconds or a share, resolved by a line's terms."""

    side: str
    value: float

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return self.side == "at_least"

    def keeps(self, value: float) -> bool:
        """Return whether a value is on its good side, or on it."""
        return value >= self.value if self.at_least else value <= self.value


class Answer(NamedTuple):
    """A figure with its interval, in bit/s, seconds or a share.

    Attributes:
        estimate: with the interval, where the data are enough for one.
        chance: two-sided, of such data where the limit just holds; None: no limit, or no interval.
        widening: how much wider the interval is as neighbouring days resemble each other.
    """

    estimate: Estimate
    chance: float | None = None
    widening: float = 1.0

    def friendly_end(self, limit: Threshold) -> float | None:
        """Return the end of the interval that speaks for the line, None where there is none."""
        return self.estimate.high if limit.at_least else self.estimate.low

    def widened_end(self, limit: Threshold) -> float | None:
        """Return the same end as far out as days that resemble each other need."""
        end = self.friendly_end(limit)
        if end is None:
            return None
        return self.estimate.value + (end - self.estimate.value) * self.widening


def of_sample(
    sample: Sample,
    statistic: Statistic,
    percent: int | None = None,
    test: Threshold | None = None,
    limit: Threshold | None = None,
) -> Answer:
    """Return a statistic of a sample that has values.

    Args:
        sample: it has one value at least.
        statistic: mean, median, quantile or share.
        percent: of a quantile.
        test: which tests a share counts: those that keep it.
        limit: which the statistic is held against.
    """
    values = sample.values
    assert values is not None  # noqa: S101 - the caller's part
    if statistic is Statistic.SHARE and test is not None:
        return _share(values, Threshold(test.side, test.value * sample.units), limit)
    inside = limit and Threshold(limit.side, limit.value * sample.units)
    if statistic is Statistic.MEAN:
        found = _ratio(values.mean(), values.sums, values.sizes, inside)
    else:
        found = _quantile(values, percent or MEDIAN, inside)
    # Divided: a whole number of microseconds is then the float that its decimal text is.
    scaled = (None if one is None else one / sample.units for one in found.estimate[1:])
    return found._replace(estimate=Estimate(found.estimate.value / sample.units, *scaled))


def of_losses(losses: Losses, limit: Threshold | None = None) -> Answer:
    """Return packets lost over packets sent."""
    found = days.ratio(losses.lost, losses.records)
    return _ratio(found, losses.lost, losses.records, limit)


def hits_of(values: Days, test: Threshold) -> Floats:
    """Return how many tests of each day keep a limit that is in the values' unit."""
    rank = int(np.searchsorted(values.values, test.value, "left" if test.at_least else "right"))
    lowest = values.lowest(rank)
    return values.sizes - lowest if test.at_least else lowest


def _ratio(found: Estimate, above: Floats, below: Floats, limit: Threshold | None) -> Answer:
    if found.low is None:
        return Answer(found)
    chance = limit and days.ratio_chance(above, below, limit.value, at_least=limit.at_least)
    return Answer(found, _two_sided(chance), days.widening(above - found.value * below))


def _quantile(values: Days, percent: int, limit: Threshold | None) -> Answer:
    found = quantiles.quantile(values, percent)
    too_few = quantiles.how_many_beyond(values, found.value) < quantiles.FEWEST_BEYOND
    if found.low is None or too_few:
        return Answer(Estimate(found.value))
    chance = limit and quantiles.quantile_chance(
        values, percent, limit.value, at_least=limit.at_least
    )
    below = values.lowest(int(np.searchsorted(values.values, found.value, "right")))
    residuals = below - below.sum() / values.sizes.sum() * values.sizes
    return Answer(found, _two_sided(chance), days.widening(residuals))


def _share(values: Days, test: Threshold, limit: Threshold | None) -> Answer:
    hits = hits_of(values, test)
    found = shares.share_of(hits, values.sizes)
    if found.low is None:
        return Answer(found)
    chance = limit and shares.share_chance(hits, values.sizes, limit.value)
    return Answer(found, _two_sided(chance), days.widening(hits - found.value * values.sizes))


def _two_sided(chance: float | None) -> float | None:
    return None if chance is None else min(1.0, 2 * chance)
