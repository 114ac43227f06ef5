"""Whether a line got better since its carrier says that it is mended. Pure.

Days before, those of the complaint's month, against days since, one median each, by permutation
(`collector.domain.statistics.shift`). "Not better" is said only where a change that matters would
have been found; where it might have been missed nothing is said, but how many days are missing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from collector.domain.statistics.days import Floats
from collector.domain.statistics.shift import WANTED_POWER, compare, counts, days_needed

FEWEST_BEFORE: Final = 5
FEWEST_AFTER: Final = 7
"""A whole week: Saturdays are not Tuesdays."""

LEAST_CHANGE: Final = 0.05
"""Of the days before: what is less matters to nobody, however near the limit they were."""

UNLIMITED_CHANGE: Final = 0.1
"""Of the days before, where no limit says what was missing."""

MENDED_CHANGE: Final = 0.1
"""Of the days before, or what was missing to the limit where that is less: days wander by less
than that, and nobody who uses a line sees it mended."""


class Outcome(StrEnum):
    """What can be said."""

    BETTER = "better"
    NOT_BETTER = "not_better"
    UNKNOWN = "unknown"
    """It cannot be said yet, or not at all."""


class Why(StrEnum):
    """Why nothing can be said."""

    FEW_BEFORE = "few_before"
    FEW_AFTER = "few_after"
    NO_POWER = "no_power"
    """Its days differ so much that no number of them would tell."""

    NOT_BY_DAYS = "not_by_days"
    """What it failed by has no median of a day: a share of time or of packets."""

    NO_STANDARD = "no_standard"
    """The standard that it failed by is not there any more."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A line before and after, in bit/s or seconds.

    Attributes:
        outcome: what can be said.
        why: why nothing can be.
        days_before, days_after: that have a median.
        before, after: means of the days' medians; None: no day.
        chance: of so large a change if nothing had changed (two-sided).
        power: the chance that so many days find a change of `looked_for`.
        looked_for: the change that would matter.
        days_missing: more days that are needed to say it; None: none, or not known.
        within_limit: whether the days after keep, in the mean, the limit that was broken.
    """

    outcome: Outcome
    why: Why | None
    days_before: int
    days_after: int
    before: float | None = None
    after: float | None = None
    chance: float | None = None
    power: float | None = None
    looked_for: float | None = None
    days_missing: int | None = None
    within_limit: bool | None = None


def compare_days(
    before: Floats, after: Floats, limit: float | None, *, more_is_better: bool
) -> Mended:
    """Return whether days got better.

    Args:
        before: the medians of the days of the complaint's month.
        after: the same of the days since the mending.
        limit: that the line broke; None: not known.
        more_is_better: of rates; not of times.
    """
    days = len(before), len(after)
    if len(before) < FEWEST_BEFORE:
        return Mended(Outcome.UNKNOWN, Why.FEW_BEFORE, *days)
    start = float(before.mean())
    looked_for = _looked_for(start, limit)
    if len(after) < FEWEST_AFTER:
        wanted = _days_wanted(before, looked_for)
        missing = max(wanted, FEWEST_AFTER) - len(after) if wanted else FEWEST_AFTER - len(after)
        now = float(after.mean()) if len(after) else None
        return Mended(
            Outcome.UNKNOWN,
            Why.FEW_AFTER,
            *days,
            before=start,
            after=now,
            looked_for=looked_for,
            days_missing=missing,
        )
    shift = compare(before, after, looked_for)
    now = float(after.mean())
    outcome = Outcome.UNKNOWN
    why: Why | None = None
    missing_days: int | None = None
    gained = shift.difference if more_is_better else -shift.difference
    if shift.found and gained >= min(looked_for, MENDED_CHANGE * start):
        outcome = Outcome.BETTER
    elif (shift.found and gained < 0) or shift.power >= WANTED_POWER:
        outcome = Outcome.NOT_BETTER
    elif shift.days_needed is None:
        why = Why.NO_POWER
    else:
        why, missing_days = Why.FEW_AFTER, max(1, shift.days_needed - len(after))
    return Mended(
        outcome,
        why,
        *days,
        before=start,
        after=now,
        looked_for=looked_for,
        chance=shift.chance,
        power=shift.power,
        days_missing=missing_days,
        within_limit=None if limit is None else (now >= limit) is more_is_better or now == limit,
    )


def _looked_for(start: float, limit: float | None) -> float:
    """Return what was missing to the limit; where little was, the least change that matters."""
    gap = UNLIMITED_CHANGE * start if limit is None else abs(limit - start)
    return max(gap, LEAST_CHANGE * start)


def _days_wanted(before: Floats, looked_for: float) -> int | None:
    """Return how many days after would tell, if they differ as those before do."""
    around = (before - before.mean()) * np.sqrt(len(before) / (len(before) - 1))
    return days_needed(around, counts(before) * looked_for, len(before), FEWEST_AFTER)
