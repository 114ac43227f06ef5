"""A line's month beside its month before, and beside its neighbours'. Pure.

Neither makes or breaks a verdict: it shows a reader whether a line stands alone. Two months are
compared by permutation of their days' medians, where both were measured to the same server; lines
by the middle of what lines like them have. Rates are bit/s.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

import numpy as np

from collector.domain.findings import Verdict
from collector.domain.line_month import LinePart, SpeedTest
from collector.domain.quantities import Quantity
from collector.domain.statistics.shift import chance_of

FEWEST_DAYS: Final = 7
"""Of each month, with a test that counts; fewer days hardly ever show a change."""

FEWEST_NEIGHBOURS: Final = 3
"""Other lines; of fewer, the middle would tell what one neighbour's line does."""


@dataclass(frozen=True, slots=True)
class Middle:
    """The middle of a line's tests that count in a month.

    Attributes:
        promised_bits_per_second: declared, or else contracted, in the last part; None: not known.
    """

    quantity: Quantity
    bits_per_second: float
    tests: int
    days: int
    promised_bits_per_second: int | None


@dataclass(frozen=True, slots=True)
class PrimaryVerdict:
    """What a standard said to its primary question in the month before."""

    standard: str
    version: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """How days' medians changed from the month before.

    Attributes:
        before_bits_per_second, after_bits_per_second: the means of days' medians.
        before_days, after_days: that have one.
        chance: two-sided, of such a difference if nothing had changed; None: the days are too few,
            or the months were measured to different servers.
    """

    quantity: Quantity
    before_bits_per_second: float
    after_bits_per_second: float
    before_days: int
    after_days: int
    chance: float | None


@dataclass(frozen=True, slots=True)
class MonthBefore:
    """A line's month before.

    Attributes:
        month: as 2026-09.
        same_server: both months have tests to one server.
        same_promise: what is declared and contracted did not change.
        middles: of the month before.
        verdicts: of its last part, by today's standards.
    """

    month: str
    same_server: bool
    same_promise: bool
    middles: Sequence[Middle]
    verdicts: Sequence[PrimaryVerdict]
    changes: Sequence[Change]


class Likeness(StrEnum):
    """Which lines of the carrier are a line's neighbours: the nearest of which there are enough."""

    WARD_AND_PLAN = "ward_and_plan"
    WARD_AND_TECHNOLOGY = "ward_and_technology"
    PLAN = "plan"
    TECHNOLOGY = "technology"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The middle of lines like a line, without it.

    Attributes:
        bits_per_second: the middle of their medians.
        reached: of lines of which a promise is known the middle share of it that their medians
            are; None: it is known of too few.
    """

    quantity: Quantity
    likeness: Likeness
    lines: int
    bits_per_second: float
    reached: float | None


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes lines alike."""

    ward: str | None
    technology: str
    plan: str | None


@dataclass(frozen=True, slots=True)
class Own:
    """What other lines of the carrier are told of a line."""

    line: str
    kind: Kind
    middles: Sequence[Middle]


def middles_of(parts: Sequence[LinePart]) -> list[Middle]:
    """Return the middles of a line's month, of what was measured."""
    terms = parts[-1].terms
    found = []
    for quantity in (Quantity.DOWNLOAD, Quantity.UPLOAD):
        values, days = [], set()
        for test in _tests(parts):
            rate = rate_of(test, quantity)
            if rate is not None:
                values.append(rate)
                days.add(test.at.date())
        name = f"{quantity}_bits_per_second"
        promised = getattr(terms, f"declared_{name}") or getattr(terms, f"contracted_{name}")
        if values:
            found.append(Middle(quantity, median(values), len(values), len(days), promised))
    return found


def changes_between(
    before: Sequence[LinePart], after: Sequence[LinePart], *, same_server: bool
) -> list[Change]:
    """Return how days' medians changed, of what both months have."""
    found = []
    for quantity in (Quantity.DOWNLOAD, Quantity.UPLOAD):
        sides = [day_medians(_tests(parts), quantity) for parts in (before, after)]
        if not all(sides):
            continue
        first, second = (np.array(list(side.values())) for side in sides)
        enough = min(len(first), len(second)) >= FEWEST_DAYS
        chance = chance_of(first, second) if enough and same_server else None
        means = float(first.mean()), float(second.mean())
        found.append(Change(quantity, *means, len(first), len(second), chance))
    return found


def day_medians(tests: Iterable[SpeedTest], quantity: Quantity) -> dict[int, float]:
    """Return of each day with a test, by its number of the calendar, the median of its tests."""
    days: dict[int, list[float]] = defaultdict(list)
    for test in tests:
        rate = rate_of(test, quantity)
        if rate is not None:
            days[test.at.toordinal()].append(rate)
    return {day: median(days[day]) for day in sorted(days)}


def rate_of(test: SpeedTest, quantity: Quantity) -> float | None:
    """Return a test's rate."""
    if quantity is Quantity.DOWNLOAD:
        return test.download_bits_per_second
    return test.upload_bits_per_second


def _tests(parts: Iterable[LinePart]) -> list[SpeedTest]:
    return [test for part in parts for test in part.tests]


class Neighbourhood:
    """The lines of a carrier, to be asked who is like whom.

    Args:
        lines: all of the carrier's, the one that is asked about among them.
    """

    def __init__(self, lines: Iterable[Own]) -> None:
        self._groups: dict[tuple[object, ...], list[tuple[str, Middle]]] = defaultdict(list)
        for one in lines:
            for middle in one.middles:
                for likeness in Likeness:
                    self._groups[_key(likeness, one.kind, middle.quantity)].append(
                        (one.line, middle)
                    )

    def of(self, line: Own) -> list[Neighbours]:
        """Return a line's neighbours; nothing where too few lines are like it."""
        found = []
        for quantity in (Quantity.DOWNLOAD, Quantity.UPLOAD):
            for likeness in Likeness:
                group = self._groups.get(_key(likeness, line.kind, quantity), ())
                others = [middle for name, middle in group if name != line.line]
                if len(others) >= FEWEST_NEIGHBOURS:
                    found.append(_neighbours(quantity, likeness, others))
                    break
        return found


def _key(likeness: Likeness, kind: Kind, quantity: Quantity) -> tuple[object, ...]:
    by_plan = likeness in {Likeness.WARD_AND_PLAN, Likeness.PLAN}
    by_ward = likeness in {Likeness.WARD_AND_PLAN, Likeness.WARD_AND_TECHNOLOGY}
    plan = (kind.plan or "",) if by_plan else ()
    ward = (kind.ward or "",) if by_ward else ()
    return likeness, quantity, kind.technology, *ward, *plan


def _neighbours(quantity: Quantity, likeness: Likeness, others: Sequence[Middle]) -> Neighbours:
    reached = [
        one.bits_per_second / one.promised_bits_per_second
        for one in others
        if one.promised_bits_per_second
    ]
    return Neighbours(
        quantity,
        likeness,
        len(others),
        median(one.bits_per_second for one in others),
        median(reached) if len(reached) >= FEWEST_NEIGHBOURS else None,
    )
