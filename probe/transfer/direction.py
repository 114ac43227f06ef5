"""Runs one direction: starts the streams together, samples them, ends them.

Takes at most connecting + `STALL_SECONDS` + warm-up + window + tail; the guard bounds all of it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from probe.engine import MeasurementError
from probe.transfer.guard import Guard
from probe.transfer.stream import Stream
from probe.transfer.window import Series, Window, bytes_within, has_converged, rate
from protocol.constants import SAMPLE_INTERVAL_SECONDS
from protocol.failures import Failure
from protocol.records import FailureReport, TcpInfo

STALL_SECONDS = 5.0
"""No byte on any stream for so long is a stall: longer than TCP's second repetition of a lost
packet (1 s + 2 s), so that a single loss on an idle path is none."""

_FIRST_BYTE_POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a direction runs.

    Attributes:
        warm_up_seconds: excluded at its start.
        window_seconds: the measuring window; its longest length where `may_converge`.
        tail_seconds: how long the bytes go on after the window, so that the far end's samples,
            which lag by its own interval, cover all of it.
        may_converge: end the window once the rate has converged (profile quick).
        stall_seconds: see `STALL_SECONDS`.
    """

    warm_up_seconds: float
    window_seconds: float
    tail_seconds: float = 0.0
    may_converge: bool = False
    stall_seconds: float = STALL_SECONDS


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
        early: the rate converged before the window's full length.
    """

    began_at: float = 0.0
    window: Window = field(default_factory=lambda: Window(0.0, 0.0))
    samples: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    tcp: list[TcpInfo | None] = field(default_factory=list)
    lost: list[FailureReport | None] = field(default_factory=list)
    total_bytes: int = 0
    early: bool = False

    def series(self, stream: int | None = None) -> list[tuple[float, int]]:
        """Return the samples of one stream, or of all together."""
        if stream is None:
            return [(moment, sum(moved)) for moment, moved in self.samples]
        return [(moment, moved[stream]) for moment, moved in self.samples]


def run(
    streams: Sequence[Stream],
    plan: Plan,
    guard: Guard,
    progress: Callable[[float, float], None],
    result: Run,
) -> None:
    """Run a direction and fill ``result``.

    ``result`` is the caller's, so that what moved is known also where this raises.

    Args:
        streams: not started yet; ended when this returns or raises.
        plan: how long.
        guard: the end of all waiting.
        progress: told the share that is done and the rate in bits per second, every sample.
        result: filled as the direction goes.

    Raises:
        MeasurementError: no stream could connect, all were lost, nothing moved, or the guard.
    """
    try:
        for stream in streams:
            stream.start()
        for stream in streams:
            stream.ready.wait()
        for stream in streams:
            stream.go()
        _sample(streams, plan, guard, progress, result)
    finally:
        # Counted first: the end of a connection is acknowledged like a byte.
        result.total_bytes = sum(stream.moved() for stream in streams)
        for stream in streams:
            stream.end()


def _sample(
    streams: Sequence[Stream],
    plan: Plan,
    guard: Guard,
    progress: Callable[[float, float], None],
    result: Run,
) -> None:
    result.began_at = _first_byte(streams, plan, guard)
    result.samples.append((0.0, (0,) * len(streams)))
    full = Window(plan.warm_up_seconds, plan.warm_up_seconds + plan.window_seconds)
    result.window = full
    totals: list[tuple[float, int]] = [(0.0, 0)]
    moved_at = 0.0
    tick = 0
    while True:
        tick += 1
        guard.sleep(result.began_at + tick * SAMPLE_INTERVAL_SECONDS - time.monotonic())
        guard.check()
        now = time.monotonic() - result.began_at
        moved = tuple(stream.moved() for stream in streams)
        if sum(moved) > totals[-1][1]:
            moved_at = now
        result.samples.append((now, moved))
        totals.append((now, sum(moved)))
        progress(min(1.0, now / full.end), rate(totals, now))
        if now >= result.window.end and not result.tcp:
            result.tcp = [stream.tcp() for stream in streams]
            result.lost = [stream.failure for stream in streams]
        if now >= result.window.end + plan.tail_seconds:
            _raise_if_nothing_moved(totals, result.window)
            return
        _raise_if_lost(streams)
        if now - moved_at > plan.stall_seconds:
            raise MeasurementError(
                Failure.STALLED, f"no byte moved on any stream for {plan.stall_seconds:.0f} s"
            )
        if plan.may_converge and not result.early and has_converged(totals, full.start):
            result.early = now < full.end
            result.window = Window(full.start, min(now, full.end))


def _first_byte(streams: Sequence[Stream], plan: Plan, guard: Guard) -> float:
    """Wait for the first byte of the direction; return its moment."""
    until = time.monotonic() + plan.stall_seconds
    while True:
        moments = [s.first_byte_at for s in streams if s.first_byte_at is not None]
        if moments:
            return min(moments)
        _raise_if_lost(streams)
        if time.monotonic() > until:
            raise MeasurementError(
                Failure.STALLED,
                f"the server took the requests and sent nothing for {plan.stall_seconds:.0f} s",
            )
        guard.check()
        guard.sleep(_FIRST_BYTE_POLL_SECONDS)


def _raise_if_nothing_moved(totals: Series, window: Window) -> None:
    """Raise where the whole window passed without a byte: a failure, never a rate of zero."""
    if not bytes_within(totals, window):
        raise MeasurementError(
            Failure.STALLED, f"no byte moved in the {window.seconds:.1f} s of the measuring window"
        )


def _raise_if_lost(streams: Sequence[Stream]) -> None:
    """Raise the first stream's failure where all streams are lost."""
    failures = [stream.failure for stream in streams]
    first = failures[0]
    if first is not None and all(failures):
        raise MeasurementError(first.code, first.detail)
