"""What a line with a story lives through: drawn once from its group, so that it is the truth.

Moments are seconds since the epoch, shares are of what the contract promises.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

from simulate.plan import FleetPlan, midnight
from simulate.stories import Group, Where

MENDED: Final = 0.95
"""What a line that was mended has in the evening, of its best hours."""

BLIP_HOURS: Final = (0.2, 1.5)
"""An outage a month that any good line has: well within what standards leave it."""

_LAST_HOUR: Final = 14
"""At which a long cut may begin: it ends on its day."""

_KEPT: Final = 4096


class Cut(NamedTuple):
    """A time in which the way is cut."""

    start: float
    end: float
    where: Where


class Days(NamedTuple):
    """Days, both included, and what the line carries in their evenings."""

    first: date
    last: date
    share: float


class Fault(NamedTuple):
    """What is wrong with the way's first server in the evening, and what it carries then."""

    kind: Literal["limited", "refuses", "slow"]
    share: float


@dataclass(frozen=True, slots=True)
class Story:
    """What one line lives through.

    Attributes:
        group: that it is one of.
        share, evening, noise, days: as drawn between the group's ends.
        fault: of its first server.
        cuts: in the order of time.
    """

    group: Group
    share: float
    evening: float
    noise: float
    days: float
    fault: Fault | None
    cuts: tuple[Cut, ...]

    @property
    def mended(self) -> float | None:
        """The moment from which on the evening is as it should be; None: nothing is mended."""
        day = self.group.mended_on
        return None if day is None else midnight(day)

    @property
    def changed(self) -> float | None:
        """The moment from which on there is another plan; None: there is none."""
        day = self.group.plan_on
        return None if day is None else midnight(day)

    def carried(self, moment: float, sunk: float) -> float:
        """Return what the line carries, of its first contract.

        Args:
            moment: when.
            sunk: how far the evening has come, 0 to 1.
        """
        is_mended = self.mended is not None and moment >= self.mended
        evening = self.share * MENDED if is_mended else self.evening
        share = self.share + (evening - self.share) * sunk
        is_other = self.changed is not None and moment >= self.changed
        return share * self.group.plan_factor if is_other and self.group.delivered else share

    def promised(self, moment: float) -> float:
        """Return what the contract promises, of the first one."""
        is_other = self.changed is not None and moment >= self.changed
        return self.group.plan_factor if is_other else 1.0

    def evenings(self, first: date, last: date) -> list[Days]:
        """Return what the line carries of its contract in the evenings of these days."""
        changes = {day for day in (self.group.mended_on, self.group.plan_on) if day}
        behind = last + timedelta(1)
        starts = sorted({first, behind, *(day for day in changes if first < day < behind)})
        return [
            Days(start, end - timedelta(1), self.carried(at, 1.0) / self.promised(at))
            for start, end in pairwise(starts)
            for at in [midnight(start)]
        ]

    def as_json(self, line: str, first: date, last: date) -> dict[str, Any]:
        """Return it for people and tests: JSON's types."""
        claimed = self.group.claimed_on
        return {
            "line": line,
            "kind": self.group.kind,
            "wifi": self.group.wifi,
            "server": self.fault and self.fault.kind,
            "cut": self.group.cut,
            "claimed_on": claimed and claimed.isoformat(),
            "evenings": [
                {"from": one.first.isoformat(), "until": one.last.isoformat(), "share": one.share}
                for one in self.evenings(first, last)
            ],
        }


@lru_cache(_KEPT)
def story_of(plan: FleetPlan, number: int) -> Story | None:
    """Return what the line of a probe lives through; None: it has no story."""
    left = number
    for group in plan.stories:
        if left < group.lines:
            return _drawn(plan, number, group)
        left -= group.lines
    return None


def _drawn(plan: FleetPlan, number: int, group: Group) -> Story:
    dice = plan.dice("story", number)
    share, evening, noise, days, server_share = (
        dice.uniform(*ends)
        for ends in (group.share, group.evening, group.noise, group.days, group.server_share)
    )
    return Story(
        group,
        share,
        evening,
        noise,
        days,
        Fault(group.server, server_share) if group.server else None,
        tuple(_cuts(plan, number, group)),
    )


def _cuts(plan: FleetPlan, number: int, group: Group) -> Iterator[Cut]:
    """Yield a line's cuts: each month's on days of their own, whole in it."""
    dice = plan.dice("cuts", number)
    hours = group.cut_hours if group.cut else BLIP_HOURS
    days = plan.days_of()
    for month in sorted({(day.year, day.month) for day in days}):
        of_month = [day for day in days if (day.year, day.month) == month]
        # Part of a month has its part of them: rounded down, one at least where there is one.
        wanted = group.cuts if group.cut else 1
        wanted = max(1, wanted * len(of_month) // monthrange(*month)[1])
        for day in sorted(dice.sample(of_month, min(wanted, len(of_month)))):
            start = midnight(day) + dice.uniform(0, _LAST_HOUR) * 3600
            yield Cut(start, start + dice.uniform(*hours) * 3600, group.cut or "access")
