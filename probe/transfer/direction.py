"""Runs one direction: starts streams, as many as the line needs, samples them, ends them.

Takes at most connecting + `STALL_SECONDS` + `Plan.longest_seconds`; the guard bounds all of it.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from probe.engine import MeasurementError
from probe.transfer.guard import Guard
from probe.transfer.ramp import Fixed, Ramp
from probe.transfer.stream import Stream
from probe.transfer.window import (
    Window,
    bytes_within,
    has_converged,
    rate,
    settled_window,
    unsettled_window,
)
from protocol.constants import SAMPLE_INTERVAL_SECONDS
from protocol.failures import Failure
from protocol.results import FailureReport, TcpInfo

APART_SECONDS = 0.25
"""How long the line rests between two directions: interfaces' counters are read ten times a second,
and what one direction's window ends with must be told from what the other begins with."""

STALL_SECONDS = 5.0
"""No byte on any stream for so long is a stall: longer than TCP's second repetition of a lost
packet (1 s + 2 s), so that a single loss on an idle path is none."""

_FIRST_BYTE_POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a direction runs, and with how many streams.

    Attributes:
        ramp: how many streams, and when the warm-up is over.
        window_seconds: the measuring window; its longest length where `may_converge`.
        tail_seconds: how long the bytes go on after the window, so that the far end's samples,
            which lag by its own interval, cover all of it.
        may_converge: end the window once the rate has converged (profile quick).
        stall_seconds: see `STALL_SECONDS`.
        queued: tells which share of round trips waited in the line's queue between two moments
            of `time.monotonic()`.
    """

    ramp: Ramp | Fixed
    window_seconds: float
    tail_seconds: float = 0.0
    may_converge: bool = False
    stall_seconds: float = STALL_SECONDS
    queued: Callable[[float, float], float] = lambda start, end: 0.0  # noqa: ARG005

    @property
    def longest_seconds(self) -> float:
        """From the first byte to the end."""
        return self.ramp.limit_seconds + self.window_seconds + self.tail_seconds


@dataclass(slots=True)
class Run:
    """What a direction gave.

    Attributes:
        began_at: `time.monotonic()` of the first byte; the samples count from there.
        window: the measuring window.
        samples: (seconds, bytes so far of each stream).
        tcp: the kernel's view of each stream when the window ended.
        lost: why a stream ended early, or None, for each stream.
        total_bytes: all payload of the direction.
    """

    began_at: float = 0.0
    window: Window = field(default_factory=lambda: Window(0.0, 0.0))
    samples: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    tcp: list[TcpInfo | None] = field(default_factory=list)
    lost: list[FailureReport | None] = field(default_factory=list)
    total_bytes: int = 0

    def series(self, stream: int | None = None) -> list[tuple[float, int]]:
        """Return the samples of one stream, or of all together."""
        if stream is None:
            return [(moment, sum(moved)) for moment, moved in self.samples]
        # A stream that began later had moved nothing before.
        return [
            (moment, moved[stream] if stream < len(moved) else 0) for moment, moved in self.samples
        ]


def run(
    new_stream: Callable[[int], Stream],
    plan: Plan,
    guard: Guard,
    progress: Callable[[float, float], None],
    result: Run,
) -> None:
    """Run a direction and fill ``result``.

    ``result`` is the caller's, so that what moved is known also where this raises.

    Args:
        new_stream: makes the stream of a number; it is ended when this returns or raises.
        plan: how long, with how many streams.
        guard: the end of all waiting.
        progress: told the share that is done and the rate in bits per second, every sample.
        result: filled as the direction goes.

    Raises:
        MeasurementError: no stream could connect, all were lost, nothing moved, or the guard.
    """
    course = _Course(new_stream, plan, guard, progress, result)
    try:
        course.begin()
        while not course.is_over():
            course.tick()
    finally:
        course.end()


class _Course:
    """A direction under way; see `run` for the arguments."""

    def __init__(
        self,
        new_stream: Callable[[int], Stream],
        plan: Plan,
        guard: Guard,
        progress: Callable[[float, float], None],
        result: Run,
    ) -> None:
        self._new_stream = new_stream
        self._plan = plan
        self._guard = guard
        self._progress = progress
        self._result = result
        self._streams: list[Stream] = []
        self._totals: list[tuple[float, int]] = [(0.0, 0)]
        self._window: Window | None = None
        self._step = 1
        self._queued: list[float] = []
        self._ticks = count(1)
        self._moved_at = 0.0
        self._joining: deque[float] = deque()

    def begin(self) -> None:
        """Start the first streams together, and wait for the direction's first byte."""
        streams = self._streams
        streams += [self._new_stream(number) for number in range(self._plan.ramp.first_streams)]
        for stream in streams:
            stream.start()
        for stream in streams:
            stream.ready.wait()
        for stream in streams:
            stream.go()
        self._result.began_at = self._first_byte()
        self._result.samples.append((0.0, (0,) * len(streams)))
        if not self._plan.ramp.limit_seconds:
            self._open_window(0.0)

    def tick(self) -> None:
        """Wait for the next sample, take it, and decide what follows from it."""
        due = self._result.began_at + next(self._ticks) * SAMPLE_INTERVAL_SECONDS
        self._guard.sleep(due - time.monotonic())
        self._guard.check()
        now = self._sample()
        self._look(now)
        self._add(now)
        if self._window is not None:
            self._measure(self._window, now)
        _raise_if_lost(self._streams)
        if now - self._moved_at > self._plan.stall_seconds:
            raise MeasurementError(
                Failure.STALLED,
                f"no byte moved on any stream for {self._plan.stall_seconds:.0f} s",
            )

    def is_over(self) -> bool:
        """Tell whether window and tail are sampled.

        Raises:
            MeasurementError: they are, and not a byte moved in the window.
        """
        window, now = self._window, self._totals[-1][0]
        if window is None or now < window.end + self._plan.tail_seconds:
            return False
        if not bytes_within(self._totals, window):
            # A failure, never a rate of zero.
            raise MeasurementError(
                Failure.STALLED,
                f"no byte moved in the {window.seconds:.1f} s of the measuring window",
            )
        return True

    def end(self) -> None:
        """End all streams."""
        # Counted first: the end of a connection is acknowledged like a byte.
        self._result.total_bytes = sum(stream.moved() for stream in self._streams)
        for stream in self._streams:
            stream.end()

    def _first_byte(self) -> float:
        """Wait for the first byte of the direction; return its moment."""
        until = time.monotonic() + self._plan.stall_seconds
        while True:
            moments = [s.first_byte_at for s in self._streams if s.first_byte_at is not None]
            if moments:
                return min(moments)
            _raise_if_lost(self._streams)
            if time.monotonic() > until:
                raise MeasurementError(
                    Failure.STALLED,
                    "the server took the requests and sent nothing for "
                    f"{self._plan.stall_seconds:.0f} s",
                )
            self._guard.check()
            self._guard.sleep(_FIRST_BYTE_POLL_SECONDS)

    def _sample(self) -> float:
        now = time.monotonic() - self._result.began_at
        moved = tuple(stream.moved() for stream in self._streams)
        if sum(moved) > self._totals[-1][1]:
            self._moved_at = now
        self._result.samples.append((now, moved))
        self._totals.append((now, sum(moved)))
        starts = self._window.start if self._window else self._step_end
        share = now / (starts + self._plan.window_seconds)
        self._progress(min(1.0, share), rate(self._totals, now))
        return now

    @property
    def _step_end(self) -> float:
        return self._step * self._plan.ramp.step_seconds

    def _look(self, now: float) -> None:
        """At the end of a step: more streams, another step, or the measuring window.

        Until the ramp's limit a window is left again where its streams turn out to be too few: at
        random losses a line that they filled at first empties within seconds.
        """
        end, ramp = self._step_end, self._plan.ramp
        if now < end or (self._window is not None and end >= ramp.limit_seconds):
            return
        start = self._result.began_at + end - ramp.step_seconds
        self._queued.append(self._plan.queued(start, self._result.began_at + end))
        then = ramp.next(self._totals, self._step, len(self._streams), self._queued)
        self._step += 1
        if then == "more":
            number = min(len(self._streams), ramp.most_streams - len(self._streams))
            between = ramp.step_seconds / number
            self._joining += [end + turn * between for turn in range(number)]
            self._queued = []
            self._window = None
        elif then == "measure" and self._window is None:
            self._open_window(end)

    def _add(self, now: float) -> None:
        """Start the further streams whose turn has come; each moves bytes once it is connected.

        They join one after the other: every ten seconds BBR lets a connection run nearly dry, to
        see the line's shortest round trip, and all of them at once would leave the line idle.
        """
        while self._joining and now >= self._joining[0]:
            self._joining.popleft()
            stream = self._new_stream(len(self._streams))
            self._streams.append(stream)
            stream.go()
            stream.start()

    def _open_window(self, start: float) -> None:
        self._window = self._result.window = Window(start, start + self._plan.window_seconds)

    def _measure(self, window: Window, now: float) -> None:
        result = self._result
        if self._plan.may_converge and not result.tcp:
            if has_converged(self._totals, window.start):
                self._window = window = result.window = settled_window(window, now)
            elif now >= window.end:
                result.window = unsettled_window(window)
        if now >= window.end and not result.tcp:
            result.tcp = [stream.tcp() for stream in self._streams]
            result.lost = [stream.failure for stream in self._streams]


def _raise_if_lost(streams: Sequence[Stream]) -> None:
    """Raise the first stream's failure where all streams are lost."""
    failures = [stream.failure for stream in streams]
    first = failures[0]
    if first is not None and all(failures):
        raise MeasurementError(first.code, first.detail, first.retry_after_seconds)
