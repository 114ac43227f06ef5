"""The parts of a day, of which each has one slot: of windows, and of periods. Pure.

A part that lies across midnight is cut there and belongs to one side, drawn by length.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from protocol.messages import MeasuredPath, Window
from protocol.records import Task

EVENING_START: Final = time(19)

EVENING_END: Final = time(23)
"""When homes use their lines most: the peak hours (19 to 23 h) of regulators' measurements."""

Family = Literal[4, 6]


@dataclass(frozen=True, slots=True)
class Part:
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
class Day:
    """A local day: its date, and its bounds in seconds since the epoch."""

    date: date
    zone: ZoneInfo
    start: int
    end: int


def speed_parts(day: Day, path: MeasuredPath, seed: str) -> Iterator[Part]:
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
                part = Part(
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


def periodic_parts(day: Day, path: MeasuredPath, task: Task, seed: str) -> Iterator[Part]:
    """Yield a light task's periods that belong to the day. They count from the epoch in UTC."""
    schedule = path.schedule.latency if task is Task.LATENCY else path.schedule.reach
    if schedule is None:
        return
    every = schedule.every_seconds
    for turn in range(day.start // every, -(-day.end // every)):
        family = path.families[turn % len(path.families)] if task is Task.LATENCY else None
        part = Part(turn * every, (turn + 1) * every, task, path.name, turn=turn, family=family)
        yield from _within(day, part, seed)


def _within(day: Day, part: Part, seed: str) -> Iterator[Part]:
    """Yield the part, cut at midnight, where it belongs to the day."""
    start, end = max(part.start, day.start), min(part.end, day.end)
    if start >= end:
        return
    # The same number for both days that look at the part: exactly one of them gets it.
    drawn = dice_of(seed, part, "side").randrange(part.start, part.end)
    if start <= drawn < end:
        yield replace(part, start=start, end=end)


def _window(window: Window, day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return a window's bounds on the local day where it begins.

    It is as long as its times say also on a day when the clocks change, so that its tests find
    the same room.
    """
    start = epoch(day, window.start, zone)
    length = (_seconds(window.end) - _seconds(window.start)) % 86400 or 86400
    return start, start + length


def _holds_evening(window: Window) -> bool:
    start = _seconds(window.start)
    end = start + ((_seconds(window.end) - start) % 86400 or 86400)
    evening = (_seconds(EVENING_START), _seconds(EVENING_END))
    return any(start < evening[1] + shift and evening[0] + shift < end for shift in (0, 86400))


def dice_of(seed: str, part: Part, salt: str) -> random.Random:
    """Return dice that fall the same whenever a probe asks them the same of a part."""
    text = f"{seed}|{part.path}|{part.task}|{part.window}|{part.start}|{part.end}|{salt}"
    digest = hashlib.sha256(text.encode()).digest()
    # Not for secrets: moments must be known again.
    return random.Random(digest)  # noqa: S311


def epoch(day: date, at: time, zone: ZoneInfo) -> int:
    """Return a local moment in seconds since the epoch."""
    return int(datetime.combine(day, at.replace(tzinfo=None), zone).timestamp())


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def utc(seconds: int) -> datetime:
    """Return a moment that is given in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
