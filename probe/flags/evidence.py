"""What the rules look at, and the ways into it."""

from collections.abc import Iterator
from dataclasses import dataclass

from probe.engine import Counts, Profile, Section
from protocol.conditions import Conditions, Snapshot, WindowTraffic
from protocol.records import ClockState
from protocol.results import Speed, Transfer


@dataclass(frozen=True, slots=True)
class Evidence:
    """A measurement, as far as it came.

    Attributes:
        clock: what the probe's clock was worth at the start.
        conditions: before, during and after.
        section: what was measured.
        demanded_seconds: how long the method's window has to be; None where it may end early.
        profile: that was measured; None of a task that has none.
        counts: what both ends counted of the same time.
    """

    clock: ClockState
    conditions: Conditions
    section: Section | None
    demanded_seconds: float | None = None
    profile: Profile | None = None
    counts: tuple[Counts, ...] = ()


def moments(conditions: Conditions) -> Iterator[Snapshot]:
    """Yield the snapshots before and after."""
    yield conditions.before
    if conditions.after is not None:
        yield conditions.after


def windows(conditions: Conditions) -> list[WindowTraffic]:
    """Return what moved in each direction's window, where that is known."""
    during = conditions.during
    both = (during.download, during.upload) if during else ()
    return [window for window in both if window is not None]


def directions(speed: Speed) -> list[Transfer]:
    """Return the directions that were measured."""
    return [transfer for transfer in (speed.download, speed.upload) if transfer is not None]
