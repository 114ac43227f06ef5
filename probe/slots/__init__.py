"""When to measure: stratified random slots. Pure: no clock, no I/O, the same answer every time.

Each window of the day is cut into as many equal parts as it has tests, each period of a light task
is a part of its own, and one moment is drawn in each part. A part's slot is therefore known by its
part: drawing again after a restart or a new instruction never measures a part twice.

Two rules keep days independent of each other, so that no day needs to know what another drew: a
slot's reserved time ends within its part, and a part that lies across midnight is cut there and
belongs to one side, drawn by length.

A path beside another on its line has no speed parts of its own: each speed slot of the other one
draws it a slot in the same quarter of an hour, before or after, so that what differs between the
two is the way to the line, not the hour.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from probe.slots.parts import (
    Day,
    Family,
    Part,
    epoch,
    periodic_parts,
    speed_parts,
    utc,
)
from probe.slots.places import RESERVED_SECONDS, place, place_speed
from protocol.messages import EVENING_END, EVENING_START, MeasuredPath
from protocol.records import Task


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A planned moment for a task on a path.

    Attributes:
        moment: when it starts, UTC, whole seconds.
        task: what it measures.
        path: on which path.
        family: over which address family; None where the task looks at all of them.
        profile: of a speed slot.
        server: the name of the server that a speed slot goes to; None where its path names none.
        engine: what speaks with that server; None for the usual one.
        part_start, part_end: the part of the day that it stands for, UTC.
        evening: whether its moment is within the evening hours.
        evening_follows: whether another speed slot of the path comes later in the day, in the
            evening: a data budget must leave room for it.
    """

    moment: datetime
    task: Task
    path: str
    family: Family | None
    profile: Literal["full", "quick"]
    part_start: datetime
    part_end: datetime
    evening: bool
    evening_follows: bool = False
    server: str | None = None
    engine: str | None = None

    @property
    def planned(self) -> bool:
        """Whether it stands for a part of the day, and was not asked for by a person."""
        return self.part_start < self.part_end


@dataclass(frozen=True, slots=True)
class Done:
    """A slot of the past that has its record."""

    task: Task
    path: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """A day's slots in order, and how many parts of each task found no room on their line."""

    slots: tuple[Slot, ...]
    without_room: Mapping[Task, int]


def plan_day(day: date, zone: ZoneInfo, paths: Sequence[MeasuredPath], seed: str) -> Plan:
    """Return all slots of a local day, from its midnight to the next.

    Args:
        day: the local date.
        zone: the zone that the schedules' times are in.
        paths: the paths with their schedules. Those that name the same line never overlap.
        seed: tells one probe's moments from another's: the probe's id.
    """
    bounds = Day(day, zone, epoch(day, time(), zone), epoch(day + timedelta(1), time(), zone))
    lines: dict[str, list[MeasuredPath]] = {}
    for path in paths:
        lines.setdefault(line_key(path), []).append(path)
    slots: list[Slot] = []
    without_room = dict.fromkeys(Task, 0)
    for members in lines.values():
        placed, missing = _plan_line(bounds, members, seed)
        slots += _with_evenings(placed)
        for task in Task:
            without_room[task] += missing[task]
    return Plan(tuple(sorted(slots, key=lambda slot: (slot.moment, slot.path))), without_room)


def unserved(slots: Iterable[Slot], past: Iterable[Done]) -> list[Slot]:
    """Return the slots that have no record yet.

    A record serves the slot of its own moment; one from before a change of the schedule serves
    one slot whose part it lies in.
    """
    moments: dict[tuple[Task, str], list[datetime]] = {}
    for done in sorted(past, key=lambda done: done.moment):
        moments.setdefault((done.task, done.path), []).append(done.moment)
    rest = []
    for slot in sorted(slots, key=lambda slot: slot.moment):
        of_task = moments.get((slot.task, slot.path), [])
        at = bisect_left(of_task, slot.moment)
        if at < len(of_task) and of_task[at] == slot.moment:
            of_task.pop(at)
        else:
            rest.append(slot)
    return [slot for slot in rest if not _serve(moments.get((slot.task, slot.path), []), slot)]


def _serve(moments: list[datetime], slot: Slot) -> bool:
    """Take a moment within the slot's part out of ``moments``; return whether there was one."""
    at = bisect_left(moments, slot.part_start)
    served = at < len(moments) and moments[at] < slot.part_end
    if served:
        moments.pop(at)
    return served


def line_key(path: MeasuredPath) -> str:
    """Return what names the line of a path: paths without a line have one each."""
    return f"line {path.line}" if path.line else f"path {path.name}"


def _plan_line(
    day: Day, paths: Sequence[MeasuredPath], seed: str
) -> tuple[list[Slot], Counter[Task]]:
    """Return the slots of one line, speed first, and how many parts have none, by task."""
    speed = sorted(
        (
            replace(part, beside=_beside(path, paths))
            for path in paths
            if _partner(path, paths) is None
            for part in speed_parts(day, path, seed)
        ),
        # Who has least room chooses first, the evening before all others.
        key=lambda part: (not part.evening, part.end - part.start, part.start, part.path),
    )
    moments = place_speed(day, speed, seed)
    busy = sorted((at, at + RESERVED_SECONDS[Task.SPEED]) for at in moments.values())
    placed: list[tuple[Part, int]] = sorted(moments.items(), key=lambda item: item[1])
    wanted = sum(1 + len(part.beside) for part in speed)
    missing = Counter({Task.SPEED: wanted - len(placed)})
    for task in (Task.LATENCY, Task.REACH):
        for path in paths:
            for part in periodic_parts(day, path, task, seed):
                at = place(day, part, busy, seed, "")
                if at is None:
                    missing[task] += 1
                else:
                    insort(busy, (at, at + RESERVED_SECONDS[task]))
                    placed.append((part, at))
    return list(_slots(day, placed)), missing


def _partner(path: MeasuredPath, paths: Sequence[MeasuredPath]) -> MeasuredPath | None:
    """Return the path that this one is measured beside: on the same line, with slots of its own."""
    return next(
        (
            other
            for other in paths
            if path.line
            and other.name == path.beside != path.name
            and other.beside is None
            and other.schedule.speed
        ),
        None,
    )


def _beside(path: MeasuredPath, paths: Sequence[MeasuredPath]) -> tuple[str, ...]:
    """Return the names of the paths whose speed is measured beside this one's."""
    return tuple(
        other.name for other in paths if _partner(other, paths) == path and other.schedule.speed
    )


def _slots(day: Day, placed: Iterable[tuple[Part, int]]) -> Iterator[Slot]:
    for part, at in placed:
        moment = utc(at)
        local = moment.astimezone(day.zone).time()
        yield Slot(
            moment=moment,
            task=part.task,
            path=part.path,
            family=part.family,
            profile=part.profile,
            part_start=utc(part.start),
            part_end=utc(part.end),
            evening=EVENING_START <= local < EVENING_END,
            server=part.server,
        )


def _with_evenings(slots: Iterable[Slot]) -> Iterator[Slot]:
    """Yield the slots with `Slot.evening_follows` set."""
    slots = list(slots)
    last_evening = {
        slot.path: slot.moment for slot in sorted(slots) if slot.task is Task.SPEED and slot.evening
    }
    for slot in slots:
        last = last_evening.get(slot.path)
        follows = slot.task is Task.SPEED and not slot.evening and last and last > slot.moment
        yield replace(slot, evening_follows=True) if follows else slot
