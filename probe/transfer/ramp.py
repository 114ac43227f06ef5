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
"""A queue stands where no round trip under load is shorter than 1.25 times those before it, and
1 ms."""

LOSS_BASED: Final = "cubic"
MODEL_BASED: Final = "bbr"


def congestion_control(stream: int) -> str:
    """Return what a stream of this number asks its sender for."""
    return LOSS_BASED if stream < FIRST_STREAMS else MODEL_BASED


def queue_stands(idle_seconds: float, answered: Sequence[float], waiting_seconds: float) -> bool:
    """Tell whether packets waited for the line all through a step.

    A queue stands where even the shortest wait is long (RFC 8289 judges so); one that comes and
    goes leaves the line idle in between. Where no answer came, the lost or late one tells.

    Args:
        idle_seconds: the round trip of the line before any load.
        answered: the round trips of the step.
        waiting_seconds: how long one has been waited for at its end; 0 where none is.
    """
    long = idle_seconds * QUEUE_RATIO + QUEUE_SECONDS
    return min(answered, default=waiting_seconds) > long


@dataclass(frozen=True, slots=True)
class Ramp:
    """The rule, asked at the end of each step of the warm-up.

    The mean rate of the step's second half is compared with that of the step before; a change by
    more than `settled_ratio` is growth or fall. Nothing is decided after the first step.

    - A queue stands: the line is full. Once it neither grows nor falls, the window begins.
    - None stands, and only the first streams are there: while they grow by themselves, up to
      `patience_steps`, they are waited for; otherwise the streams are doubled.
    - None stands although streams were added: while each doubling lets the rate grow, the next
      one follows, up to `most_streams`. Once more streams do not help, the window begins.

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

    def next(self, totals: Series, step: int, streams: int, *, queue: bool) -> Next:
        """Return what follows step ``step`` (counted from 1), whose end was just sampled.

        Args:
            totals: bytes of all streams since the direction began.
            step: how many steps are over.
            streams: how many there are.
            queue: whether packets waited for the line in this step.
        """
        end = step * self.step_seconds
        if end >= self.limit_seconds:
            return "measure"
        if step == 1:
            return "wait"
        half = self.step_seconds / 2
        now, before = rate(totals, end, half), rate(totals, end - self.step_seconds, half)
        grew = now > before * (1 + self.settled_ratio)
        fell = now < before * (1 - self.settled_ratio)
        if queue:
            return "wait" if grew or fell else "measure"
        if streams == self.first_streams:
            return "wait" if grew and step < self.patience_steps else "more"
        if grew and streams < self.most_streams:
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

    def next(self, totals: Series, step: int, streams: int, *, queue: bool) -> Next:
        """Return what follows the warm-up."""
        del totals, step, streams, queue
        return "measure"
