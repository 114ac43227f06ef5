"""How many streams a direction needs, and when its warm-up is over: pure rules over samples.

`Ramp.next` is asked once in every step of the warm-up. Published ways are behind it: RPM
(draft-ietf-ippm-responsiveness) adds connections until goodput no longer grows, RMBT and
Breitbandmessung measure with a fixed three and four.
"""

from dataclasses import dataclass
from typing import Literal

from probe.transfer.window import Series, rate

Next = Literal["more", "wait", "measure"]


@dataclass(frozen=True, slots=True)
class Ramp:
    """The rule.

    A direction begins with `first_streams`. After each step the mean rate of the step's second half
    is compared with that of the step before:

    - it grew by more than `settled_ratio`: the streams are doubled, up to `most_streams`, as they
      may not be enough for the line's bandwidth-delay product, or for its losses;
    - it fell by more: another step, the line has not settled;
    - otherwise the streams are enough and the line has settled: the measuring window begins.

    The first step has none before it and always doubles, so that a line that held the first
    streams back is told from one that they filled.

    Attributes:
        first_streams: at the direction's first byte.
        most_streams: never more.
        step_seconds: a slow start over 80 ms to 900 Mbit/s takes one step.
        settled_ratio: two means of half a second of one settled line differ by less.
        limit_seconds: the window begins then whatever the line does.
    """

    first_streams: int = 2
    most_streams: int = 16
    step_seconds: float = 1.0
    settled_ratio: float = 0.05
    limit_seconds: float = 8.0

    def next(self, totals: Series, step: int, streams: int) -> Next:
        """Return what follows step ``step`` (counted from 1), whose end was just sampled.

        Args:
            totals: bytes of all streams since the direction began.
            step: how many steps are over.
            streams: how many there are.
        """
        end = step * self.step_seconds
        if end >= self.limit_seconds:
            return "measure"
        half = self.step_seconds / 2
        now = rate(totals, end, half)
        before = rate(totals, end - self.step_seconds, half) if step > 1 else 0.0
        if now > before * (1 + self.settled_ratio):
            return "more" if streams < self.most_streams else "wait"
        if now < before * (1 - self.settled_ratio):
            return "wait"
        return "measure"


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

    def next(self, totals: Series, step: int, streams: int) -> Next:
        """Return what follows the warm-up."""
        del totals, step, streams
        return "measure"
