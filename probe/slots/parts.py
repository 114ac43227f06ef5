"""The parts of a day, of which each has one slot: of windows, and of periods. Pure.

A part that lies across midnight is cut there and belongs to one side, drawn by length.
"""

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from protocol.messages import MeasuredPath, server_turns
from protocol.records import Task

Family = Literal[4, 6]

_BELOW_ONE: Final = math.nextafter(1, 0)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day, in seconds since the epoch. ``window`` is empty for a light task.

    ``turn`` counts on from part to part and from day to day: families and servers take turns by it.
    ``family`` and ``server`` are the path's whose turn it is; ``beside`` are the paths that are
    measured with it. ``place`` is where in the part's free time the slot stands, as a share of it;
    None: drawn.
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
    place: float | None = None


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
            start = epoch(begins, window.start, day.zone)
            # As long as its times say also on a day when the clocks change, so that its tests find
            # the same room.
            for number, (after, until) in enumerate(window.parts()):
                # Another family begins each day, so that a window with one test serves both.
                turn = begins.toordinal() + number
                part = Part(
                    start + after,
                    start + until,
                    Task.SPEED,
                    path.name,
                    window.name,
                    schedule.profile,
                    evening=window.holds_evening,
                    turn=turn,
                    family=path.families[turn % len(path.families)],
                    server=_server(path, turn, seed),
                )
                yield from _within(day, replace(part, place=_place(path, part)), seed)


def _server(path: MeasuredPath, turn: int, seed: str) -> str | None:
    """Return the server whose turn it is, by its name; None where the path names none.

    One moves on when every family has had the one before, so that each window has every server
    over every family, each its share, within as many days as there are such pairs. Probes begin
    with different ones, or they would all meet at the same server.
    """
    turns = server_turns(path.servers)
    if not turns:
        return None
    if path.fleet_place is None:
        begin = _digest(seed, path.name, "server")
    else:
        begin = path.fleet_place.turn
    return turns[(begin + turn // len(path.families)) % len(turns)]


def _place(path: MeasuredPath, part: Part) -> float | None:
    """Return the path's place in a part: its own, moved by as much as all others' in this part."""
    own = path.fleet_place
    if own is None:
        return None
    moved = _digest(own.seed, part.window, str(part.start), str(part.end)) / 2**32
    return (own.place + moved) % 1


def _digest(*words: str) -> int:
    """Return a number below 2**32 that is always the same for the same words."""
    return int.from_bytes(hashlib.sha256("|".join(words).encode()).digest()[:4], "big")


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
    # The same moment for both days that look at the part: exactly one of them gets it.
    if part.place is None:
        moment = float(dice_of(seed, part, "side").randrange(part.start, part.end))
    else:
        moment = part.start + (part.end - part.start) * part.place
    if not start <= moment < end:
        return
    place = None if part.place is None else min((moment - start) / (end - start), _BELOW_ONE)
    yield replace(part, start=start, end=end, place=place)


def dice_of(seed: str, part: Part, salt: str) -> random.Random:
    """Return dice that fall the same whenever a probe asks them the same of a part."""
    text = f"{seed}|{part.path}|{part.task}|{part.window}|{part.start}|{part.end}|{salt}"
    digest = hashlib.sha256(text.encode()).digest()
    # Not for secrets: moments must be known again.
    return random.Random(digest)  # noqa: S311


def epoch(day: date, at: time, zone: ZoneInfo) -> int:
    """Return a local moment in seconds since the epoch."""
    return int(datetime.combine(day, at.replace(tzinfo=None), zone).timestamp())


def utc(seconds: int) -> datetime:
    """Return a moment that is given in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
