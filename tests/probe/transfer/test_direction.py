"""A direction's course: start together, sample, end; on streams whose counters a test sets."""

import threading
import time
from collections.abc import Callable

import pytest

from probe.engine import MeasurementError
from probe.transfer.dial import Dialer, Target
from probe.transfer.direction import Plan, Run, run
from probe.transfer.guard import Guard
from probe.transfer.ramp import Fixed, Ramp
from probe.transfer.stream import Stream
from protocol.failures import Failure
from protocol.results import FailureReport, TcpInfo

LOST = FailureReport(code=Failure.CONNECTION_LOST, detail="gone")


class Counter(Stream):
    """A stream without a connection: its bytes are a function of the seconds since it began.

    Args:
        number: the stream's.
        count: bytes after so many seconds.
        begins_after: seconds until its first byte.
        lost_after: seconds until it is lost, or None.
    """

    def __init__(
        self,
        number: int,
        count: Callable[[float], float],
        begins_after: float = 0.0,
        lost_after: float | None = None,
    ) -> None:
        dialer = Dialer(Target.of("http://127.0.0.1"), Guard(time.monotonic() + 30))
        super().__init__(number, dialer)
        self._count = count
        self._begins_after = begins_after
        self._lost_after = lost_after
        self.ended = threading.Event()

    def moved(self) -> int:
        """The bytes so far."""
        begun = self.first_byte_at
        return 0 if begun is None else int(self._count(time.monotonic() - begun))

    def tcp(self) -> TcpInfo | None:
        """There is no kernel behind it."""
        return TcpInfo(segment_bytes=self.number)

    def _run(self) -> None:
        self.ready.set()
        self._go.wait()
        self.ended.wait(self._begins_after)
        self.first_byte_at = time.monotonic()
        if self._lost_after is not None:
            self.ended.wait(self._lost_after)
            self.failure = LOST
        self.ended.wait()

    def end(self) -> None:
        """End its thread."""
        self.ended.set()
        super().end()

    def _move(self, connection: object) -> None:
        raise AssertionError(connection)

    def _leave(self) -> None:
        raise AssertionError


def go(streams: list[Counter], plan: Plan, seconds: float = 20) -> Run:
    """Run a direction, and see that it ended all its streams."""
    result = Run()
    try:
        run(streams.__getitem__, plan, Guard(time.monotonic() + seconds), lambda *_: None, result)
    finally:
        assert all(stream.ended.is_set() for stream in streams)
    return result


def test_a_direction_has_its_length_and_its_samples() -> None:
    """Samples come every 100 ms from the first byte to the end of the tail; the kernel's view is
    there for each stream.
    """
    streams = [Counter(0, lambda s: 1e6 * s), Counter(1, lambda s: 2e6 * s, begins_after=0.2)]
    result = go(streams, Plan(Fixed(2, 0.3), 0.5, tail_seconds=0.2))
    times = [moment for moment, _ in result.samples]
    assert times[0] == 0.0
    assert times[-1] == pytest.approx(1.0, abs=0.15)
    assert len(times) == pytest.approx(11, abs=1)
    assert (result.window.start, result.window.end) == (0.3, 0.8)
    assert [info.segment_bytes for info in result.tcp if info] == [0, 1]
    assert result.total_bytes >= sum(result.samples[-1][1])


def test_a_steady_direction_may_end_early() -> None:
    """With the stop rule a steady rate ends the window 1 s after the warm-up."""
    result = go([Counter(0, lambda s: 5e6 * s)], Plan(Fixed(1, 0.2), 10.0, may_converge=True))
    assert result.window.end == pytest.approx(1.2, abs=0.3)
    assert result.window.seconds == pytest.approx(1.0)


def test_a_rising_direction_takes_its_full_length() -> None:
    """A rate that never settles takes the whole window, and its last 1.5 s count."""
    result = go([Counter(0, lambda s: 1e6 * s**3)], Plan(Fixed(1, 0.1), 2.5, may_converge=True))
    assert (result.window.start, result.window.end) == pytest.approx((1.1, 2.6))


def test_no_first_byte_is_a_stall() -> None:
    """Streams that never begin end after the time for a stall."""
    with pytest.raises(MeasurementError) as caught:
        go([Counter(0, lambda s: s, begins_after=5)], Plan(Fixed(1, 0.1), 5.0, stall_seconds=0.4))
    assert caught.value.report.code is Failure.STALLED


def test_a_direction_that_stops_is_a_stall() -> None:
    """Bytes that stop on all streams end the direction after the time for a stall."""
    with pytest.raises(MeasurementError) as caught:
        go([Counter(0, lambda s: 1e6 * min(s, 0.5))], Plan(Fixed(1, 0.1), 9.0, stall_seconds=0.5))
    assert caught.value.report.code is Failure.STALLED


def test_all_streams_lost_is_the_first_ones_failure() -> None:
    """With no stream left the direction ends with why."""
    streams = [Counter(n, lambda s: 1e6 * s, lost_after=0.3 + n / 10) for n in range(2)]
    with pytest.raises(MeasurementError) as caught:
        go(streams, Plan(Fixed(2, 0.1), 9.0))
    assert caught.value.report == LOST


def test_a_stream_lost_is_kept_apart() -> None:
    """One lost stream does not end the others; the run says which and why."""
    streams = [Counter(0, lambda s: 1e6 * s), Counter(1, lambda s: 1e6 * s, lost_after=0.2)]
    assert go(streams, Plan(Fixed(2, 0.1), 0.6)).lost == [None, LOST]


def test_streams_are_added_while_they_help() -> None:
    """Streams of a fixed rate each are doubled up to the most, since no queue stands and each
    doubling helps. They join one after the other, and had moved nothing before.
    """
    streams = [Counter(number, lambda s: 1e6 * s) for number in range(8)]
    ramp = Ramp(first_streams=2, most_streams=8, step_seconds=0.4)
    result = go(streams, Plan(ramp, 0.4))
    assert 4 * 0.4 < result.window.start < ramp.limit_seconds
    assert len(result.tcp) == 8
    counts = [len(moved) for _, moved in result.samples]
    assert counts == sorted(counts)
    assert {2, 3, 4, 8} <= set(counts)
    late = result.series(7)
    assert (late[0][1], late[-1][1] > 0) == (0, True)


def test_a_full_line_gets_no_more_streams() -> None:
    """Where packets wait for the line, the first streams are enough, and the window begins when
    the rate of two steps is the same.
    """
    asked = []

    def queued(start: float, end: float) -> float:
        asked.append(end - start)
        return 1.0

    streams = [Counter(number, lambda s: 1e6 * s) for number in range(2)]
    ramp = Ramp(first_streams=2, most_streams=8, step_seconds=0.4)
    result = go(streams, Plan(ramp, 0.4, queued=queued))
    assert len(result.tcp) == 2
    assert result.window.start == pytest.approx(0.8)
    assert asked[:2] == pytest.approx([0.4, 0.4])


def test_a_line_that_empties_is_measured_anew() -> None:
    """A queue that is gone after the window began takes the window back: streams are added, and it
    begins again behind them.
    """
    began = time.monotonic()
    streams = [Counter(number, lambda s: 1e6 * s) for number in range(4)]
    ramp = Ramp(first_streams=2, most_streams=4, step_seconds=0.3, limit_seconds=3.0)
    stands = lambda start, end: float(end < began + 0.8)  # noqa: ARG005, E731
    result = go(streams, Plan(ramp, 0.9, queued=stands))
    assert len(result.tcp) == 4
    assert result.window.start > 0.9
    assert result.window.seconds == pytest.approx(0.9)
