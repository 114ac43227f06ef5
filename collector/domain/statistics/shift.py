"""Before and after: whether days changed, by permutation of their medians, and with which power.

If nothing changed, days could have come in any order: how far apart the two sides' means are is
held against random orders of the same days (Fisher's randomisation test; Good, Permutation,
Parametric and Bootstrap Tests of Hypotheses, 2005, chapter 3). A day is one value, its median, as
the tests of a day resemble each other. What is drawn depends on the numbers of days alone.

Days resemble those beside them, too: their means wander further than days in any order would. So a
difference counts less the more they do, by the effective number of days of a first-order chain
(Zwiers and von Storch, Taking Serial Correlation into Account in Tests of the Mean, 1995).
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from collector.domain.statistics.days import Floats

LEVEL: Final = 0.05
WANTED_POWER: Final = 0.8
"""A change that is there is found four times of five: what studies are usually planned for."""

MOST_DAYS: Final = 120
"""More than a season after a repair nobody waits for."""

_ORDERS: Final = 1999
_PLANNED_ORDERS: Final = 399
_PLANNED_MONTHS: Final = 500
"""So many make a power true to 0.02."""

_MOST_ALIKE: Final = 0.9
"""What neighbouring days are taken to have in common at most: so few days tell no more of it."""

_SEED: Final = 1935
_TINY: Final = 1e-9
"""Of a difference: rounding makes equal orders unequal by less."""


class Shift(NamedTuple):
    """Two spans of days, compared.

    Attributes:
        difference: of the means of day medians, after minus before.
        chance: of one so far from zero, either way, if nothing had changed (two-sided).
        power: the chance that such days find the shift that was asked for.
        days_needed: after the change, for `WANTED_POWER`; None: not even `MOST_DAYS` are enough.
    """

    difference: float
    chance: float
    power: float
    days_needed: int | None

    @property
    def found(self) -> bool:
        """Whether the days changed, at the level of 5 %."""
        return self.chance <= LEVEL


def compare(before: Floats, after: Floats, looked_for: float) -> Shift:
    """Return whether the second days differ from the first, and what could have been found.

    Args:
        before: the medians of days, two at least, in their order.
        after: the same of the second days.
        looked_for: the size of the change that would matter, in the same unit.
    """
    # Each side about its own mean; as wide as the days' true spread, which that mean took from.
    around = np.concatenate([before - before.mean(), after - after.mean()])
    around = around * np.sqrt(len(around) / (len(around) - 2))
    difference = float(after.mean() - before.mean())
    counted = counts(before, after)
    # In the orders of days with their change in it a clear one would hide itself.
    (chance,) = _chances(around[None, :], len(after), _ORDERS, np.array([counted * difference]))
    return Shift(
        difference,
        float(chance),
        power(around, counted * looked_for, len(before), len(after)),
        days_needed(around, counted * looked_for, len(before), len(after)),
    )


def counts(*sides: Floats) -> float:
    """Return what a difference between days counts, of what it would if they were independent.

    The autocorrelation of neighbouring days about their side's mean, less what so few of them
    understate it by (Kendall, Note on Bias in the Estimation of Autocorrelation, 1954).

    Args:
        sides: the medians of days in their order, two at least each.
    """
    abouts = [side - side.mean() for side in sides]
    whole = sum(float(np.square(about).sum()) for about in abouts)
    if not whole:
        return 1.0
    alike = sum(float((about[1:] * about[:-1]).sum()) for about in abouts) / whole
    alike += (1 + 3 * alike) * len(sides) / sum(map(len, sides))
    alike = min(max(alike, 0.0), _MOST_ALIKE)
    return float(np.sqrt((1 - alike) / (1 + alike)))


def chance_of(before: Floats, after: Floats) -> float:
    """Return the two-sided chance of such a difference of means if nothing had changed.

    Args:
        before: the medians of days, two at least.
        after: the same of the second days.
    """
    both = np.concatenate([before, after])[None, :]
    return float(_chances(both, len(after), _ORDERS, _seen(both, len(after)))[0])


def power(around: Floats, shift: float, before: int, after: int) -> float:
    """Return how often so many days find a shift, in months drawn of days as they were.

    Args:
        around: days' medians about their mean.
        shift: what is added to the days after.
        before: how many days there are before it.
        after: how many from it on.
    """
    days = before + after
    months = around[_raw(days, _PLANNED_MONTHS) % np.uint64(len(around))]
    months[:, before:] += shift
    chances = _chances(months, after, _PLANNED_ORDERS, _seen(months, after))
    return float(np.mean(chances <= LEVEL))


def days_needed(around: Floats, shift: float, before: int, after: int) -> int | None:
    """Return with how many days after the change its shift would be found often enough."""
    low, high = max(2, after), MOST_DAYS
    if power(around, shift, before, low) >= WANTED_POWER:
        return low
    if power(around, shift, before, high) < WANTED_POWER:
        return None
    # Ends: halves. More days find more, but for the error of the simulation.
    while high - low > 1:
        middle = (low + high) // 2
        if power(around, shift, before, middle) >= WANTED_POWER:
            high = middle
        else:
            low = middle
    return high


def _seen(months: Floats, after: int) -> Floats:
    """Return of each month (row) how far its last days' mean is from that of the days before."""
    found: Floats = months[:, -after:].mean(axis=1) - months[:, :-after].mean(axis=1)
    return found


def _chances(months: Floats, after: int, orders: int, seen: Floats) -> Floats:
    """Return of each month (row) the two-sided chance of the difference that was seen in it."""
    chosen = _orders(months.shape[1], after, orders)
    before = months.shape[1] - after
    total = months.sum(axis=1, keepdims=True)
    later = months @ chosen
    differences = np.abs(later / after - (total - later) / before)
    reached = differences >= (np.abs(seen) * (1 - _TINY))[:, None]
    return (reached.sum(axis=1) + 1) / (orders + 1)  # type: ignore[no-any-return]


@lru_cache(maxsize=16)
def _orders(days: int, after: int, orders: int) -> Floats:
    """Return which days (rows) come after in each order (column): 1 or 0."""
    places = np.argsort(_raw(days, orders), axis=1, kind="stable")
    return np.ascontiguousarray((places < after).T.astype(np.float64))


def _raw(columns: int, rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Return numbers of the raw stream of PCG64, which numpy keeps for ever."""
    stream = np.random.PCG64([_SEED, columns, rows]).random_raw(columns * rows)
    return stream.reshape(rows, columns)
