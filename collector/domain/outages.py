"""When a line was out, where it was cut, and for how long anybody knows.

A probe asks every few minutes what still answers (task `reach`). From one check to the next the
line is taken for what both of them found; where they differ it changed somewhere between, and how
long an outage was is known from its first bad check to its last one (at least) and between the good
ones around it (at most). Where there are no checks nobody knows anything: that time counts neither
for nor against anybody. Nor does the time in which the probe was off, or its own gateway did not
answer: that is the house's power and wiring, which the carrier need not answer for.

Times are seconds since 1970-01-01 UTC.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from operator import attrgetter, sub
from typing import Final, NamedTuple

from collector.domain.line_month import CARRIERS_OWN, Outage, Where
from collector.domain.line_state import ReachCheck
from protocol.failures import Failure
from protocol.flags import ELSEWHERE

KNOWN_STEPS: Final = 2.5
"""Checks that lie further apart than so many usual steps say nothing of the time between."""

_HOUSES: Final = frozenset(Where) - CARRIERS_OWN


class Check(NamedTuple):
    """What one check found.

    Attributes:
        at_seconds: when.
        cut: where the way ended; None: a far end answered.
    """

    at_seconds: float
    cut: Where | None


def cut_of(check: ReachCheck) -> Where | None:
    """Return where a check's way ended; None: a far end answered."""
    if True in check.far_ends:
        return None
    if check.resolver:
        return Where.BEYOND
    return Where.ACCESS if check.gateway else Where.GATEWAY


class Reach(NamedTuple):
    """What a reach record says. Most of a month's thousands say the same, and share one.

    Attributes:
        way: the probe and its path.
        tells: whether it says anything of the line.
        cut: where the way ended, if it does; None: a far end answered.
        server_away: whether other far ends answered, and the measurement server did not.
    """

    way: tuple[str, str]
    tells: bool
    cut: Where | None
    server_away: bool


Reached = tuple[float, Reach]
"""When a reach record was made, and what it says."""


def reach_of(
    way: tuple[str, str],
    timed: bool,
    outcome: str,
    failure: str,
    flags: str,
    found: ReachCheck,
) -> Reach:
    """Return what a reach record says.

    Args:
        way: the probe and its path.
        timed: whether somebody vouches for its moment.
        outcome: of the record.
        failure: '' where there is none.
        flags: a space between.
        found: what answered.
    """
    if not timed or not ELSEWHERE.isdisjoint(flags.split()):
        return Reach(way, False, None, found.server_away)
    if outcome == "missed" and failure == Failure.PROBE_OFF:
        return Reach(way, True, Where.POWER, found.server_away)
    asked = (found.gateway, found.resolver, *found.far_ends)
    if outcome != "measured" or all(answer is None for answer in asked):
        return Reach(way, False, None, found.server_away)
    return Reach(way, True, cut_of(found), found.server_away)


def usual_step(checks: Sequence[Check]) -> float:
    """Return how far apart checks in order usually lie, the middle one of all steps; 0: no step."""
    moments = [one.at_seconds for one in checks]
    steps = sorted(map(sub, moments[1:], moments))
    return steps[len(steps) // 2] if steps else 0.0


def find_outages(checks: Iterable[Check], zone: tzinfo) -> list[Outage]:
    """Return the outages of a line, cut wherever, the oldest first.

    Checks that follow each other and were cut at the same place are one outage. It lasted at least
    from its first to its last, at most between the checks around it, where these are known.

    Args:
        checks: of one way out, in any order.
        zone: in which people have their days.
    """
    ordered = sorted(checks, key=attrgetter("at_seconds"))
    longest = KNOWN_STEPS * usual_step(ordered)
    found: list[Outage] = []
    last: Check | None = None
    # The first check of an outage that goes on, where it was cut, and the check before it.
    first: Check | None = None
    where: Where | None = None
    before: Check | None = None
    for one in ordered:
        at, cut = one
        if cut is where and last is not None and at - last.at_seconds <= longest:
            last = one
            continue
        joined = last is not None and at - last.at_seconds <= longest
        if first and last and where:
            found.append(_outage(where, (before, first, last, one if joined else None), zone))
        first, where, before = one, cut, last if joined else None
        last = one
    if first and last and where:
        found.append(_outage(where, (before, first, last, None), zone))
    return found


def _outage(
    where: Where, around: tuple[Check | None, Check, Check, Check | None], zone: tzinfo
) -> Outage:
    """Return an outage by its first and last check, and those around it, where they are known."""
    before, first, last, behind = around
    since, until = (before or first).at_seconds, (behind or last).at_seconds
    return Outage(
        begins_at=datetime.fromtimestamp(first.at_seconds, zone),
        ends_at=datetime.fromtimestamp(until, zone),
        where=where,
        shortest_seconds=last.at_seconds - first.at_seconds,
        longest_seconds=until - since,
    )


def watched_seconds(checks: Iterable[Check]) -> float:
    """Return for how long anything is known of the carrier's part of the way.

    It is the time between checks that are not too far apart, but for what the house's own outages
    touch.

    Args:
        checks: of one way out, in any order.
    """
    ordered = sorted(checks, key=attrgetter("at_seconds"))
    longest = KNOWN_STEPS * usual_step(ordered)
    watched = 0.0
    for (earlier, cut), (later, cut_then) in pairwise(ordered):
        if later - earlier <= longest and cut not in _HOUSES and cut_then not in _HOUSES:
            watched += later - earlier
    return watched
