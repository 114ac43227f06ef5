"""How many streams a direction needs, of which kind, and when its warm-up is over: pure rules.

A line is full when packets wait for it: then the small requests beside the streams take longer than
on the idle line. While it is not, streams are added, as RPM does (draft-ietf-ippm-responsiveness)
until goodput no longer grows. The first streams back off at a loss (CUBIC, RFC 9438), as nearly all
traffic does: they fill a line that loses nothing but by its own queue, to the last bit. Those that
are added do not take a random loss for a full line (BBR): with 0.1 % of loss and 80 ms CUBIC alone
leaves nine tenths of 900 Mbit/s unused, which is not what the line can carry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from probe.transfer.window import Series, rate

Next = Literal["more", "wait", "measure"]

FIRST_STREAMS: Final = 4
"""Streams of a direction at first. A lost packet holds back one of them, not all; Germany's
regulator measures with four, Austria's with three."""

MOST_STREAMS: Final = 16
"""Never more: with the 4 MB that Linux lets a connection keep under way, 80 ms to 6 Gbit/s."""

QUEUE_RATIO: Final = 1.25
QUEUE_SECONDS: Final = 0.001
"""A round trip beside the streams that is longer than 1.25 times those before them, and 1 ms,
waited in the line's queue."""

_MOST: Final = 0.5

LOSS_BASED: Final = "cubic"
MODEL_BASED: Final = "bbr"


def congestion_control(stream: int) -> str:
    """Return what a stream of this number asks its sender for."""
    return LOSS_BASED if stream < FIRST_STREAMS else MODEL_BASED


def queued_ratio(idle_seconds: float, answered: Sequence[float], waiting_seconds: float) -> float:
    """Return which share of a step's round trips waited in the line's queue, 0 to 1.

    Where no answer came at all, the one that is still waited for tells.

    Args:
        idle_seconds: the round trip of the line before any load.
        answered: the round trips of the step.
        waiting_seconds: how long one has been waited for at its end; 0 where none is.
    """
    long = idle_seconds * QUEUE_RATIO + QUEUE_SECONDS
    trips = answered or [waiting_seconds]
    return sum(trip > long for trip in trips) / len(trips)


@dataclass(frozen=True, slots=True)
class Ramp:
    """The rule, asked at the end of each step of the warm-up.

    The mean rate of the step's second half is compared with that of the step before: a change by
    more than `settled_ratio` is growth or fall. The first streams:

    - all round trips of this step and of the one before waited in a queue: they fill the line. Once
      the rate neither grows nor falls, the window begins. (A queue that comes and goes leaves the
      line idle in between, and the one that a slow start leaves behind is gone a step later.)
    - otherwise they have `patience_steps` to get there; then the streams are doubled.

    With streams added:

    - the rate grew, and most round trips found no queue: the streams are doubled again, up to
      `most_streams`. More would only push each other out of a full queue.
    - it grew all the same, or fell: another step; otherwise the window begins.

    Attributes:
        first_streams: at the direction's first byte.
        most_streams: never more.
        step_seconds: between two looks.
        patience_steps: a slow start over 80 ms to 2.5 Gbit/s is over by then.
        settled_ratio: two means of half a second of one settled line differ by less.
        limit_seconds: the window begins then whatever the line does.
    """

    first_streams: int = FIRST_STREAMS
    most_streams: int = MOST_STREAMS
    step_seconds: float = 1.0
    patience_steps: int = 3
    settled_ratio: float = 0.05
    limit_seconds: float = 8.0

    def next(self, totals: Series, streams: int, queued: Sequence[float]) -> Next:
        """Return what follows a step whose end was just sampled.

        Args:
            totals: bytes of all streams since the direction began.
            streams: how many there are.
            queued: of each step so far, the share of round trips that waited in a queue.
        """
        step = len(queued)
        end = step * self.step_seconds
        if end >= self.limit_seconds:
            return "measure"
        if step == 1:
            return "wait"
        half = self.step_seconds / 2
        now, before = rate(totals, end, half), rate(totals, end - self.step_seconds, half)
        grew = now > before * (1 + self.settled_ratio)
        fell = now < before * (1 - self.settled_ratio)
        if streams == self.first_streams:
            if min(queued[-2:]) == 1:
                return "wait" if grew or fell else "measure"
            return "wait" if step < self.patience_steps else "more"
        if grew and queued[-1] < _MOST and streams < self.most_streams:
            return "more"
        return "wait" if grew or fell else "measure"


@dataclass(frozen=True, slots=True)
class Fixed:
    """So many streams from the first byte on, and a warm-up of fixed length.

    Attributes:
        first_streams: how many.
        limit_seconds: the warm-up.
    """

    first_streams: int
    limit_seconds: float

    @property
    def most_streams(self) -> int:
        """The same as at first."""
        return self.first_streams

    @property
    def step_seconds(self) -> float:
        """The whole warm-up is one step."""
        return self.limit_seconds

    def next(self, totals: Series, streams: int, queued: Sequence[float]) -> Next:
        """Return what follows the warm-up."""
        del totals, streams, queued
        return "measure"
