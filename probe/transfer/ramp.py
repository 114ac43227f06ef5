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

QUEUE_SHARE: Final = 0.5
"""Where as many of a step's round trips waited, the queue fills: more streams would overfill it."""

LOSS_BASED: Final = "cubic"
MODEL_BASED: Final = "bbr"


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
    """The rule, asked at the end of each step.

    A rate is the mean over the second half of a step; a change by more than `settled_ratio` is
    growth or fall. Since the direction began, or streams were last added:

    - two steps in which all round trips waited in a queue: the streams fill the line. Once the rate
      neither grows nor falls from step to step, the window begins. (A queue that comes and goes
      leaves the line idle in between, and the one that a slow start leaves behind is gone a step
      later.)
    - `patience_steps` without that: the streams are doubled, up to `most_streams`. After an
      addition only if the rate has grown by it, and most round trips of the last step found no
      queue: more would only push each other out of it.
    - `patience_steps`, and neither: once the rate neither grows nor falls, the window begins.

    It is asked on within the window, up to `limit_seconds`: where streams have to be added after
    all, the window begins anew behind them.

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
    limit_seconds: float = 10.0

    def congestion_control(self, stream: int) -> str:
        """Return what a stream of this number asks its sender for."""
        return LOSS_BASED if stream < self.first_streams else MODEL_BASED

    def next(self, totals: Series, step: int, streams: int, queued: Sequence[float]) -> Next:
        """Return what follows step ``step`` (counted from 1), whose end was just sampled.

        Args:
            totals: bytes of all streams since the direction began.
            step: how many steps are over.
            streams: how many there are.
            queued: of each step since streams were last added, the share of round trips that
                waited in a queue.
        """
        if step * self.step_seconds >= self.limit_seconds:
            return "measure"
        since = len(queued)
        if since == 1:
            return "wait"
        settled = abs(self._growth(totals, step, 1)) <= self.settled_ratio
        if min(queued[-2:]) == 1:
            return "measure" if settled else "wait"
        if since < self.patience_steps:
            return "wait"
        first = since == step
        grew = self._growth(totals, step, since) > self.settled_ratio
        if (first or (grew and queued[-1] < QUEUE_SHARE)) and streams < self.most_streams:
            return "more"
        return "measure" if settled else "wait"

    def _growth(self, totals: Series, step: int, steps: int) -> float:
        """Return by which share the rate differs from that so many steps ago."""
        half = self.step_seconds / 2
        now = rate(totals, step * self.step_seconds, half)
        before = rate(totals, (step - steps) * self.step_seconds, half)
        return now / before - 1 if before else float(now > 0)


@dataclass(frozen=True, slots=True)
class Fixed:
    """So many streams from the first byte on, and a warm-up of fixed length.

    Attributes:
        first_streams: how many.
        limit_seconds: the warm-up.
        sender: the congestion control of all.
    """

    first_streams: int
    limit_seconds: float
    sender: str = LOSS_BASED

    @property
    def most_streams(self) -> int:
        """The same as at first."""
        return self.first_streams

    @property
    def step_seconds(self) -> float:
        """The whole warm-up is one step."""
        return self.limit_seconds

    def congestion_control(self, stream: int) -> str:
        """Return what a stream asks its sender for."""
        del stream
        return self.sender

    def next(self, totals: Series, step: int, streams: int, queued: Sequence[float]) -> Next:
        """Return what follows the warm-up."""
        del totals, step, streams, queued
        return "measure"
