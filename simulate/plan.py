"""What a simulated fleet is made from: its size, days and seed. The same plan, the same fleet."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from protocol.messages import (
    LatencySchedule,
    ReachSchedule,
    Schedule,
    SpeedSchedule,
    Window,
)
from simulate.stories import GROUPS, Group

ZONE_NAME: Final = "Asia/Ho_Chi_Minh"
ZONE: Final = ZoneInfo(ZONE_NAME)

USUAL: Final = Schedule(
    speed=SpeedSchedule(
        windows=(
            Window(name="night", start=time(0), end=time(7), tests=1),
            Window(name="day", start=time(7), end=time(19), tests=4),
            Window(name="evening", start=time(19), end=time(23), tests=3),
        )
    ),
    latency=LatencySchedule(every_seconds=900),
    reach=ReachSchedule(every_seconds=300),
)
"""The collector's own default, which a test holds it to: 392 records a day and path."""


def rhythm(tests_a_day: int, latency_seconds: int | None, reach_seconds: int | None) -> Schedule:
    """Return a schedule of so many speed tests spread over the day; None: that task does not run.

    Raises:
        ValueError: a period is shorter than a slot, or a number is out of range.
    """
    day = Window(name="day", start=time(0), end=time(0), tests=tests_a_day)
    return Schedule(
        speed=SpeedSchedule(windows=(day,)) if tests_a_day else None,
        latency=LatencySchedule(every_seconds=latency_seconds) if latency_seconds else None,
        reach=ReachSchedule(every_seconds=reach_seconds) if reach_seconds else None,
    )


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """A fleet that never was.

    Attributes:
        probes: how many.
        days: how many local days, from ``start`` on.
        seed: everything that is drawn follows from it and from the other attributes.
        start: the first day.
        schedule: of every path; a path beside another has its speed slots there.
        trouble: how often something breaks: 1.0 is a plausible fleet, 0.0 one without a fault.
        batch_records: the most records in a batch.
        stories: what the lines of the first probes live through, in the place of what is drawn.
    """

    probes: int
    days: int
    seed: int
    start: date = date(2026, 10, 1)
    schedule: Schedule = USUAL
    trouble: float = 1.0
    batch_records: int = 200
    stories: tuple[Group, ...] = ()

    @property
    def begins(self) -> int:
        """The first day's midnight, in seconds since the epoch."""
        return midnight(self.start)

    @property
    def ends(self) -> int:
        """The midnight after the last day, in seconds since the epoch."""
        return midnight(self.start + timedelta(self.days))

    def days_of(self) -> list[date]:
        """Return the days."""
        return [self.start + timedelta(number) for number in range(self.days)]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON's types, from which it can be made again."""
        return {
            "probes": self.probes,
            "days": self.days,
            "seed": self.seed,
            "start": self.start.isoformat(),
            "schedule": self.schedule.model_dump(mode="json"),
            "trouble": self.trouble,
            "batch_records": self.batch_records,
            "stories": GROUPS.dump_python(self.stories, mode="json"),
        }

    def dice(self, *words: object) -> random.Random:
        """Return dice for one purpose: what is drawn for another moves none of them."""
        # Not for secrets: a fleet must come out the same again.
        return random.Random(f"{self.seed}|{'|'.join(map(str, words))}")  # noqa: S311


def midnight(day: date) -> int:
    """Return a local day's beginning in seconds since the epoch."""
    return int(datetime.combine(day, time(), ZONE).timestamp())


def moment_text(seconds: float) -> str:
    """Return a moment as records write it: RFC 3339, UTC, `Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[: -len("+00:00")] + "Z"
