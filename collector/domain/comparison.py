"""A line's month beside its month before, and beside its neighbours'. Pure.

Neither makes or breaks a verdict: it shows a reader whether a line stands alone. Two months are
compared by permutation of their days' medians; lines by the middle of what lines like them have.
Only what was measured alike is: by the same method, version, profile and IP version, to the same
server. Rates are bit/s.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median
from typing import Final, NamedTuple

import numpy as np

from collector.domain.findings import Verdict
from collector.domain.line_month import LinePart, SpeedTest
from collector.domain.quantities import Quantity
from collector.domain.statistics.shift import chance_of
from collector.domain.succession import Kind

FEWEST_DAYS: Final = 7
"""Of each month, with a test that counts; fewer days hardly ever show a change."""

_RATES: Final = (Quantity.DOWNLOAD, Quantity.UPLOAD)

FEWEST_NEIGHBOURS: Final = 3
"""Other lines; of fewer, the middle would tell what one neighbour's line does."""


class Unlike(StrEnum):
    """In what two months or lines were measured differently: their numbers say nothing together."""

    METHOD = "method"
    VERSION = "version"
    PROFILE = "profile"
    IP_VERSION = "ip_version"
    SERVER = "server"


def unlike(one: Kind | None, other: Kind | None) -> list[Unlike]:
    """Return in what two kinds of series differ; nothing where one of them is not known."""
    if one is None or other is None:
        return []
    return [name for name in Unlike if getattr(one, name) != getattr(other, name)]


class ProbeChange(NamedTuple):
    """That another probe, or another path of one, measured a line from a day on."""

    probe: str
    path: str
    on: date


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
            or the months were not measured alike.
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
        unlike: in what the months were measured differently; then they are not compared.
        probe_changes: where another probe took over, since the month before began: what changed
            may be the device.
        same_promise: what is declared and contracted did not change.
        middles: of the month before.
        verdicts: of its last part, by today's standards.
    """

    month: str
    unlike: Sequence[Unlike]
    probe_changes: Sequence[ProbeChange]
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
class Traits:
    """What makes lines alike. None: not known, and so nothing that lines share."""

    ward: str | None
    technology: str
    plan: str | None


@dataclass(frozen=True, slots=True)
class Own:
    """What other lines of the carrier are told of a line.

    Attributes:
        kind: of its main series; None: no test was planned.
    """

    line: str
    traits: Traits
    kind: Kind | None
    middles: Sequence[Middle]


def middles_of(parts: Sequence[LinePart]) -> list[Middle]:
    """Return the middles of a line's month, of what was measured."""
    terms = parts[-1].terms
    found = []
    for quantity in _RATES:
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


def plan_of(parts: Sequence[LinePart]) -> str | None:
    """Return the plan of a line's month; None: it is not known, or was not one all month."""
    plans = {part.terms.plan for part in parts}
    return plans.pop() if len(plans) == 1 else None


def probe_changes(parts: Iterable[LinePart]) -> list[ProbeChange]:
    """Return where another probe took over.

    Args:
        parts: one behind the other, of several months.
    """
    found: list[ProbeChange] = []
    last: tuple[str, str] | None = None
    for part in parts:
        for turn in part.probes:
            way = turn.probe, turn.path
            if last not in (None, way):
                on = turn.since.date() if turn.since else part.first_day
                found.append(ProbeChange(*way, on))
            last = way
    return found


def changes_between(
    before: Sequence[LinePart], after: Sequence[LinePart], *, alike: bool
) -> list[Change]:
    """Return how days' medians changed, of what both months have.

    Args:
        before: the parts of the month before.
        after: of the month.
        alike: whether they were measured alike.
    """
    found = []
    for quantity in _RATES:
        sides = [day_medians(_tests(parts), quantity) for parts in (before, after)]
        if not all(sides):
            continue
        first, second = (np.array(list(side.values())) for side in sides)
        enough = min(len(first), len(second)) >= FEWEST_DAYS
        chance = chance_of(first, second) if enough and alike else None
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
        self._groups: dict[tuple[object, ...], list[tuple[Own, Middle]]] = defaultdict(list)
        for one in lines:
            for middle in one.middles:
                for key in _keys(one, middle.quantity).values():
                    self._groups[key].append((one, middle))

    def of(self, line: Own) -> list[Neighbours]:
        """Return a line's neighbours; nothing where too few lines are like it."""
        found = []
        for quantity in _RATES:
            for likeness, key in _keys(line, quantity).items():
                others = [
                    middle
                    for other, middle in self._others(line, key)
                    if line.kind is not None and other.kind == line.kind
                ]
                if len(others) >= FEWEST_NEIGHBOURS:
                    found.append(_neighbours(quantity, likeness, others))
                    break
        return found

    def unlike(self, line: Own) -> list[Unlike]:
        """Return in what the lines that would be a line's neighbours were measured differently."""
        found = {
            name
            for quantity in _RATES
            for key in _keys(line, quantity).values()
            for other, _ in self._others(line, key)
            for name in unlike(line.kind, other.kind)
        }
        return [name for name in Unlike if name in found]

    def _others(self, line: Own, key: tuple[object, ...]) -> Iterator[tuple[Own, Middle]]:
        return (one for one in self._groups.get(key, ()) if one[0].line != line.line)


def _keys(line: Own, quantity: Quantity) -> dict[Likeness, tuple[object, ...]]:
    """Return what lines share with a line, the nearest first; nothing that is not known."""
    ward, plan = line.traits.ward, line.traits.plan
    shared: dict[Likeness, tuple[str | None, ...]] = {
        Likeness.WARD_AND_PLAN: (ward, plan),
        Likeness.WARD_AND_TECHNOLOGY: (ward,),
        Likeness.PLAN: (plan,),
        Likeness.TECHNOLOGY: (),
    }
    return {
        likeness: (likeness, quantity, line.traits.technology, *names)
        for likeness, names in shared.items()
        if None not in names
    }


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
