"""Where a part has its slot: a random moment when its line is free, off full hours. Pure."""

import random
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from probe.slots.parts import Day, Part, dice_of, utc
from protocol.constants import HOUR_GUARD_SECONDS, SPEED_RESERVED_SECONDS
from protocol.records import Task

RESERVED_SECONDS: Final = {
    Task.SPEED: SPEED_RESERVED_SECONDS,
    Task.LATENCY: 65,
    Task.REACH: 15,
}
"""How long a slot keeps its line for itself. latency: a minute of packets and waiting for the last.
reach: its targets' timeouts side by side. A period is longer: see `protocol.messages`."""

QUARTER_SECONDS: Final = 900
"""Slots beside each other lie wholly in the same quarter of an hour, counted from the epoch: short
enough that a line is the same for both, long enough that their order and distance stay random."""

ATTEMPTS: Final = 16
"""How often the speed slots of a crowded line are drawn anew before one is left out."""

_FIRST_ATTEMPT: Final = "0"


def place_speed(day: Day, parts: Sequence[Part], seed: str) -> dict[Part, int]:
    """Return a moment for each part, as many as `ATTEMPTS` draws find room for."""
    best: dict[Part, int] = {}
    for attempt in range(ATTEMPTS):
        busy: list[tuple[int, int]] = []
        found: dict[Part, int] = {}
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
    day: Day, part: Part, busy: Sequence[tuple[int, int]], seed: str, salt: str
) -> dict[Part, int]:
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
        at = place(day, part, busy, seed, salt)
        return {} if at is None else {part: at}
    dice = dice_of(seed, part, salt)
    if _is_given(part, salt):
        moments = [_at(runs, part, dice)] * len(members)
    else:
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


def place(
    day: Day, part: Part, busy: Sequence[tuple[int, int]], seed: str, salt: str
) -> int | None:
    """Return a random moment of a part at which its line is free, or None where there is none."""
    reserved = RESERVED_SECONDS[part.task]
    free = _free(day, part, busy, reserved)
    if not free:
        return None
    return _at(free, part, dice_of(seed, part, salt), given=_is_given(part, salt))


def _is_given(part: Part, salt: str) -> bool:
    """Tell whether the part's place counts: on a crowded line only in the first attempt."""
    return part.place is not None and salt == _FIRST_ATTEMPT


def _at(
    free: Sequence[tuple[int, int]], part: Part, dice: random.Random, *, given: bool = True
) -> int:
    """Return a moment in ranges of free seconds: at the part's place in them, or drawn."""
    total = sum(last - first + 1 for first, last in free)
    step = int(total * (part.place or 0)) if given else dice.randrange(total)
    for first, last in free:
        if step <= last - first:
            return first + step
        step -= last - first + 1
    raise AssertionError("a step beyond all free seconds")


def _free(
    day: Day, part: Part, busy: Sequence[tuple[int, int]], reserved: int
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
    offset = utc(first).astimezone(zone).utcoffset() or timedelta()
    shift = int(offset.total_seconds()) % 3600
    guard = HOUR_GUARD_SECONDS - 1
    hour = (first + shift) // 3600 * 3600 - shift
    while hour - guard <= last:
        yield hour - guard, hour + guard
        hour += 3600
