"""What a measured result says of its line, by its flags: one rule for states, charts and metrics.

A flag sets a result aside: it is kept and shown, and counts nowhere. But where the only flags are
those of `protocol.flags.AT_LEAST`, device or server was the limit, and the line carries at least
what was measured. Such a lower bound counts with its value in charts and medians, which say so.
Against a threshold a median tells only what holds however much the bounds hide (`Median.reaches`).

That holds for rates alone. A round trip of such a result may have waited in a queue of the device
or the server, and a wait is no bound of the line's in either direction: it is set aside.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from math import inf
from typing import NamedTuple

from protocol.flags import AT_LEAST, Flag

_KEPT = 1024
"""Combinations of flags that are remembered; a fleet has a handful."""


class Standing(StrEnum):
    """What a measured result is a value of."""

    LINE = "line"
    """The line's: it carries no flag."""

    AT_LEAST = "at_least"
    """The line's lower bound."""

    WIFI = "wifi"
    """The Wi-Fi's and the line's together: no flag but `wifi`."""

    ASIDE = "aside"
    """Nothing's: it counts nowhere."""

    @property
    def counts(self) -> bool:
        """Whether its rates are values of the line."""
        return self in OF_RATES


OF_RATES = frozenset({Standing.LINE, Standing.AT_LEAST})
"""What a rate of the line may be a value of."""

OF_LATENCY = frozenset({Standing.LINE})
"""What a latency, its variation or a loss of the line may be a value of."""


@lru_cache(_KEPT)
def standing(flags: str) -> Standing:
    """Return what a measured result with these flags, a space between, stands for."""
    raised = set(flags.split())
    if not raised:
        return Standing.LINE
    if raised <= AT_LEAST:
        return Standing.AT_LEAST
    return Standing.WIFI if raised == {Flag.WIFI} else Standing.ASIDE


class Median(NamedTuple):
    """A median of results, of which some may be lower bounds.

    Attributes:
        value: of the values as they were measured: the true one is no lower.
        highest: the true one is no higher, whatever the bounds hide; it may be infinite.
    """

    value: float
    highest: float

    @property
    def at_least(self) -> bool:
        """Whether the true one may be higher than the value."""
        return self.highest > self.value

    def reaches(self, threshold: float) -> bool | None:
        """Return whether the true one is at the threshold or above it; None: nobody knows."""
        if self.value >= threshold:
            return True
        return False if self.highest < threshold else None


def median_of(results: Iterable[tuple[float | None, bool]]) -> Median | None:
    """Return the median; None where nothing was measured.

    Args:
        results: values, each with whether it is a lower bound.
    """
    known = [(value, bound) for value, bound in results if value is not None]
    if not known:
        return None
    value = middle(sorted(value for value, _ in known))
    highest = middle(sorted(inf if bound else value for value, bound in known))
    return Median(value, highest)


def middle(ordered: Sequence[float]) -> float:
    """Return the median of values in ascending order; there is at least one."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2
