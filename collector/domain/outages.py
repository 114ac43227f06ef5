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
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from collector.domain.line_month import CARRIERS_OWN, Outage, Where
from collector.domain.line_state import ReachCheck
from protocol.failures import Failure

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


def check_of(
    at_seconds: float, outcome: str, failure: str | None, found: ReachCheck
) -> Check | None:
    """Return what a reach record says; None: nothing of the line."""
    tells, cut = _told(outcome, failure, found)
    return Check(at_seconds, cut) if tells else None


@lru_cache(1024)
def _told(outcome: str, failure: str | None, found: ReachCheck) -> tuple[bool, Where | None]:
    """Return whether a record says anything of the line, and where its way ended then."""
    if outcome == "missed" and failure == Failure.PROBE_OFF:
        return True, Where.POWER
    asked = (found.gateway, found.resolver, *found.far_ends)
    if outcome != "measured" or all(answer is None for answer in asked):
        return False, None
    return True, cut_of(found)


def usual_step(checks: Sequence[Check]) -> float:
    """Return how far apart checks in order usually lie, the middle one of all steps; 0: no step."""
    steps = sorted(later.at_seconds - earlier.at_seconds for earlier, later in pairwise(checks))
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
    run: list[Check] = []
    before: Check | None = None
    for one in ordered:
        joined = bool(run) and one.at_seconds - run[-1].at_seconds <= longest
        if run and not (joined and one.cut == run[-1].cut):
            found += _outage(run, before, one if joined else None, zone)
            before, run = (run[-1] if joined else None), []
        run.append(one)
    return found + _outage(run, before, None, zone)


def _outage(
    run: Sequence[Check], before: Check | None, behind: Check | None, zone: tzinfo
) -> list[Outage]:
    if not run or run[0].cut is None:
        return []
    first, last = run[0].at_seconds, run[-1].at_seconds
    since, until = (before or run[0]).at_seconds, (behind or run[-1]).at_seconds
    return [
        Outage(
            begins_at=datetime.fromtimestamp(first, zone),
            ends_at=datetime.fromtimestamp(until, zone),
            where=run[0].cut,
            shortest_seconds=last - first,
            longest_seconds=until - since,
        )
    ]


def watched_seconds(checks: Iterable[Check]) -> float:
    """Return for how long anything is known of the carrier's part of the way.

    It is the time between checks that are not too far apart, but for what the house's own outages
    touch.

    Args:
        checks: of one way out, in any order.
    """
    ordered = sorted(checks, key=attrgetter("at_seconds"))
    longest = KNOWN_STEPS * usual_step(ordered)
    return sum(
        step
        for earlier, later in pairwise(ordered)
        if (step := later.at_seconds - earlier.at_seconds) <= longest
        and not {earlier.cut, later.cut} & _HOUSES
    )
