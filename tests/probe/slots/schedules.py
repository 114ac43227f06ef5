"""Schedules for the tests of slots: usual ones, and any."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from probe.slots import Plan, Slot
from probe.slots.places import RESERVED_SECONDS
from protocol.messages import (
    LatencySchedule,
    MeasuredPath,
    ReachSchedule,
    Schedule,
    SpeedSchedule,
    Window,
)
from protocol.records import Task

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
DAY = date(2026, 11, 21)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Berlin's clocks change on these days."""

Families = tuple[Literal[4, 6], ...]
FOUR: Families = (4,)
SIX: Families = (6,)
BOTH: Families = (4, 6)

DEFAULT_WINDOWS = (
    Window(name="night", start=time(23), end=time(6), tests=2),
    Window(name="day", start=time(6), end=time(18), tests=4),
    Window(name="evening", start=time(18), end=time(23), tests=3),
)


@dataclass(frozen=True)
class Rhythm:
    """A path's plan: windows, and the periods of the light tasks in seconds."""

    windows: tuple[Window, ...] = DEFAULT_WINDOWS
    latency: int = 300
    reach: int = 300


def path(
    name: str = "eth0",
    rhythm: Rhythm = Rhythm(),
    line: str | None = None,
    families: Families = FOUR,
    beside: str | None = None,
) -> MeasuredPath:
    """Return a path with a usual schedule, changed as asked."""
    schedule = Schedule(
        speed=SpeedSchedule(windows=rhythm.windows),
        latency=LatencySchedule(every_seconds=rhythm.latency),
        reach=ReachSchedule(every_seconds=rhythm.reach),
    )
    return MeasuredPath(name=name, schedule=schedule, line=line, families=families, beside=beside)


def of_task(plan: Plan, task: Task) -> list[Slot]:
    """Return a plan's slots of one task."""
    return [slot for slot in plan.slots if slot.task is task]


def overlaps(slots: list[Slot]) -> list[tuple[Slot, Slot]]:
    """Return neighbours whose reserved times overlap."""
    ordered = sorted(slots)
    return [
        (a, b)
        for a, b in pairwise(ordered)
        if a.moment + timedelta(seconds=RESERVED_SECONDS[a.task]) > b.moment
    ]


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
windows = st.lists(st.tuples(times, times, st.integers(0, 8)), min_size=1, max_size=4).map(
    lambda found: tuple(
        Window(name=f"w{number}", start=start, end=end, tests=tests)
        for number, (start, end, tests) in enumerate(found)
    )
)
families = st.sampled_from([FOUR, SIX, BOTH])
paths = st.lists(
    st.tuples(
        windows,
        st.sampled_from([90, 120, 300, 7000]),
        st.sampled_from([45, 300]),
        st.sampled_from([None, "line-a", "line-b"]),
        families,
    ),
    min_size=1,
    max_size=3,
).map(
    lambda found: [
        path(f"p{number}", Rhythm(w, every, reach), line, families)
        for number, (w, every, reach, line, families) in enumerate(found)
    ]
)
days = st.sampled_from([(DAY, HANOI), (SPRING, BERLIN), (AUTUMN, BERLIN), (DAY, KOLKATA)])
