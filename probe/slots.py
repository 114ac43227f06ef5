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

import hashlib
import random
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from protocol.messages import MeasuredPath, Window
from protocol.records import Task

HOUR_GUARD_SECONDS: Final = 60
"""No slot within a minute of a full hour: that is when everybody's cron jobs, backups and other
people's speed tests start, and a line measured there looks worse than it is."""

RESERVED_SECONDS: Final = {Task.SPEED: 120, Task.LATENCY: 65, Task.REACH: 15}
"""How long a slot keeps its line for itself.

speed: 26 s of load, idle latency, connecting, and a server that answers late. latency: a minute of
packets and waiting for the last. reach: its targets' timeouts side by side. A period is longer:
see `protocol.messages`."""

QUARTER_SECONDS: Final = 900
"""Slots beside each other lie wholly in the same quarter of an hour, counted from the epoch: short
enough that a line is the same for both, long enough that their order and distance stay random."""

EVENING_START: Final = time(19)
EVENING_END: Final = time(23)
"""When homes use their lines most: the peak hours (19 to 23 h) of regulators' measurements."""

ATTEMPTS: Final = 16
"""How often the speed slots of a crowded line are drawn anew before one is left out."""

Family = Literal[4, 6]


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


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a day, in seconds since the epoch. ``window`` is empty for a light task.

    ``turn`` counts on from part to part and from day to day: families and servers take turns by it.
    ``family`` and ``server`` are the path's whose turn it is; ``beside`` are the paths that are
    measured with it.
    """

    start: int
    end: int
    task: Task
    path: str
    window: str = ""
    profile: Literal["full", "quick"] = "full"
    evening: bool = False
    turn: int = 0
    family: Family | None = None
    server: str | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Day:
    """A local day: its date, and its bounds in seconds since the epoch."""

    date: date
    zone: ZoneInfo
    start: int
    end: int


def plan_day(day: date, zone: ZoneInfo, paths: Sequence[MeasuredPath], seed: str) -> Plan:
    """Return all slots of a local day, from its midnight to the next.

    Args:
        day: the local date.
        zone: the zone that the schedules' times are in.
        paths: the paths with their schedules. Those that name the same line never overlap.
        seed: tells one probe's moments from another's: the probe's id.
    """
    bounds = _Day(day, zone, _epoch(day, time(), zone), _epoch(day + timedelta(1), time(), zone))
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
    day: _Day, paths: Sequence[MeasuredPath], seed: str
) -> tuple[list[Slot], Counter[Task]]:
    """Return the slots of one line, speed first, and how many parts have none, by task."""
    speed = sorted(
        (
            replace(part, beside=_beside(path, paths))
            for path in paths
            if _partner(path, paths) is None
            for part in _speed_parts(day, path, seed)
        ),
        # Who has least room chooses first, the evening before all others.
        key=lambda part: (not part.evening, part.end - part.start, part.start, part.path),
    )
    moments = _place_speed(day, speed, seed)
    busy = sorted((at, at + RESERVED_SECONDS[Task.SPEED]) for at in moments.values())
    placed: list[tuple[_Part, int]] = sorted(moments.items(), key=lambda item: item[1])
    wanted = sum(1 + len(part.beside) for part in speed)
    missing = Counter({Task.SPEED: wanted - len(placed)})
    for task in (Task.LATENCY, Task.REACH):
        for path in paths:
            for part in _periodic_parts(day, path, task, seed):
                at = _place(day, part, busy, seed, "")
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


def _slots(day: _Day, placed: Iterable[tuple[_Part, int]]) -> Iterator[Slot]:
    for part, at in placed:
        moment = _utc(at)
        local = moment.astimezone(day.zone).time()
        yield Slot(
            moment=moment,
            task=part.task,
            path=part.path,
            family=part.family,
            profile=part.profile,
            part_start=_utc(part.start),
            part_end=_utc(part.end),
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


def _place_speed(day: _Day, parts: Sequence[_Part], seed: str) -> dict[_Part, int]:
    """Return a moment for each part, as many as `ATTEMPTS` draws find room for."""
    best: dict[_Part, int] = {}
    for attempt in range(ATTEMPTS):
        busy: list[tuple[int, int]] = []
        found: dict[_Part, int] = {}
        for part in parts:
            for member, at in _place_together(day, part, busy, seed, str(attempt)).items():
                insort(busy, (at, at + RESERVED_SECONDS[Task.SPEED]))
                found[member] = at
        if len(found) > len(best):
            best = found
        if len(best) == sum(1 + len(part.beside) for part in parts):
            break
    return best


def _place_together(
    day: _Day, part: _Part, busy: Sequence[tuple[int, int]], seed: str, salt: str
) -> dict[_Part, int]:
    """Return a moment for a speed part, and for each path beside it, all in one quarter of an hour.

    Their order is random. Where no quarter has room for all of them, the part has its moment
    alone: the line itself is what the plan is for.
    """
    seconds = RESERVED_SECONDS[part.task]
    members = [part, *(replace(part, path=name, beside=()) for name in part.beside)]
    others = seconds * len(part.beside)
    free = _free(day, part, busy, seconds)
    runs = [(first, last - others) for first, last in _by_quarter(free) if last - others >= first]
    if len(members) == 1 or not runs:
        at = _place(day, part, busy, seed, salt)
        return {} if at is None else {part: at}
    dice = _random(seed, part, salt)
    ((first, last),) = dice.choices(runs, weights=[last - first + 1 for first, last in runs])
    moments = sorted(dice.randint(first, last) for _ in members)
    dice.shuffle(members)
    return {
        member: at + number * seconds
        for number, (member, at) in enumerate(zip(members, moments, strict=True))
    }


def _by_quarter(free: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut ranges of free seconds so that each slot of a range lies wholly in one quarter."""
    for first, last in free:
        for quarter in range(first // QUARTER_SECONDS, last // QUARTER_SECONDS + 1):
            start = quarter * QUARTER_SECONDS
            end = start + QUARTER_SECONDS - RESERVED_SECONDS[Task.SPEED]
            if max(first, start) <= min(last, end):
                yield max(first, start), min(last, end)


def _place(
    day: _Day, part: _Part, busy: Sequence[tuple[int, int]], seed: str, salt: str
) -> int | None:
    """Return a random moment of a part at which its line is free, or None where there is none."""
    reserved = RESERVED_SECONDS[part.task]
    free = _free(day, part, busy, reserved)
    total = sum(last - first + 1 for first, last in free)
    if total <= 0:
        return None
    step = _random(seed, part, salt).randrange(total)
    for first, last in free:
        if step <= last - first:
            return first + step
        step -= last - first + 1
    return None


def _free(
    day: _Day, part: _Part, busy: Sequence[tuple[int, int]], reserved: int
) -> list[tuple[int, int]]:
    """Return the inclusive ranges of seconds at which a slot of the part may start."""
    first, last = part.start, part.end - reserved
    near = busy[
        bisect_left(busy, (first - max(RESERVED_SECONDS.values()), 0)) : bisect_left(
            busy, (part.end, 0)
        )
    ]
    blocked = [(start - reserved + 1, end - 1) for start, end in near]
    blocked += _hour_guards(day.zone, first, last)
    free: list[tuple[int, int]] = []
    for start, end in sorted(blocked):
        if start > first:
            free.append((first, min(start - 1, last)))
        first = max(first, end + 1)
        if first > last:
            break
    if first <= last:
        free.append((first, last))
    return free


def _hour_guards(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the inclusive ranges around the local full hours that touch ``first`` to ``last``."""
    offset = _utc(first).astimezone(zone).utcoffset() or timedelta()
    shift = int(offset.total_seconds()) % 3600
    guard = HOUR_GUARD_SECONDS - 1
    hour = (first + shift) // 3600 * 3600 - shift
    while hour - guard <= last:
        yield hour - guard, hour + guard
        hour += 3600


def _speed_parts(day: _Day, path: MeasuredPath, seed: str) -> Iterator[_Part]:
    """Yield the parts of a path's windows that belong to the day."""
    schedule = path.schedule.speed
    if schedule is None:
        return
    for window in schedule.windows:
        for begins in (day.date - timedelta(1), day.date):
            start, end = _window(window, begins, day.zone)
            for number in range(window.tests):
                # Another family begins each day, so that a window with one test serves both.
                turn = begins.toordinal() + number
                part = _Part(
                    start + (end - start) * number // window.tests,
                    start + (end - start) * (number + 1) // window.tests,
                    Task.SPEED,
                    path.name,
                    window.name,
                    schedule.profile,
                    evening=_holds_evening(window),
                    turn=turn,
                    family=path.families[turn % len(path.families)],
                    server=_server(path, turn, seed),
                )
                yield from _within(day, part, seed)


def _server(path: MeasuredPath, turn: int, seed: str) -> str | None:
    """Return the server whose turn it is, by its name; None where the path names none.

    The main one, the first, has every other turn: its series is the line's. The others share the
    rest evenly. One moves on when every family has had the one before, so that each window has
    every server over every family, each its share, within as many days as there are such pairs.
    Probes begin with different ones, or they would all meet at the same server.
    """
    if not path.servers:
        return None
    main, *others = path.servers
    turns = [name for other in others for name in (main, other)] or [main]
    digest = hashlib.sha256(f"{seed}|{path.name}|server".encode()).digest()
    begin = int.from_bytes(digest[:4], "big")
    return turns[(begin + turn // len(path.families)) % len(turns)]


def _periodic_parts(day: _Day, path: MeasuredPath, task: Task, seed: str) -> Iterator[_Part]:
    """Yield a light task's periods that belong to the day. They count from the epoch in UTC."""
    schedule = path.schedule.latency if task is Task.LATENCY else path.schedule.reach
    if schedule is None:
        return
    every = schedule.every_seconds
    for turn in range(day.start // every, -(-day.end // every)):
        family = path.families[turn % len(path.families)] if task is Task.LATENCY else None
        part = _Part(turn * every, (turn + 1) * every, task, path.name, turn=turn, family=family)
        yield from _within(day, part, seed)


def _within(day: _Day, part: _Part, seed: str) -> Iterator[_Part]:
    """Yield the part, cut at midnight, where it belongs to the day."""
    start, end = max(part.start, day.start), min(part.end, day.end)
    if start >= end:
        return
    # The same number for both days that look at the part: exactly one of them gets it.
    drawn = _random(seed, part, "side").randrange(part.start, part.end)
    if start <= drawn < end:
        yield replace(part, start=start, end=end)


def _window(window: Window, day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return a window's bounds on the local day where it begins.

    It is as long as its times say also on a day when the clocks change, so that its tests find
    the same room.
    """
    start = _epoch(day, window.start, zone)
    length = (_seconds(window.end) - _seconds(window.start)) % 86400 or 86400
    return start, start + length


def _holds_evening(window: Window) -> bool:
    start = _seconds(window.start)
    end = start + ((_seconds(window.end) - start) % 86400 or 86400)
    evening = (_seconds(EVENING_START), _seconds(EVENING_END))
    return any(start < evening[1] + shift and evening[0] + shift < end for shift in (0, 86400))


def _random(seed: str, part: _Part, salt: str) -> random.Random:
    text = f"{seed}|{part.path}|{part.task}|{part.window}|{part.start}|{part.end}|{salt}"
    digest = hashlib.sha256(text.encode()).digest()
    # Not for secrets: moments must be the same whenever the day is planned again.
    return random.Random(digest)  # noqa: S311


def _epoch(day: date, at: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, at.replace(tzinfo=None), zone).timestamp())


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
