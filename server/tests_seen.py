"""What the server saw of each test: bytes, times, samples, the kernel's view, its own load.

Everything is bounded: tests, streams of a test, samples of a test; and forgotten after a while.
"""

import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from protocol.constants import SAMPLE_INTERVAL_SECONDS
from protocol.messages import ServerStream, ServerTest
from protocol.records import TcpInfo

Direction = Literal["download", "upload"]

_KEPT_TESTS = 256
"""How many tests are remembered. With the samples below: 64 MiB at the very most."""

_KEPT_STREAMS = 64
"""Streams of one test, both directions; a probe uses at most 32."""

_KEPT_SAMPLES = 16_384
"""Samples of one test: 32 streams of a minute each, almost."""

_KEPT_SECONDS = 600.0
"""How long a test is remembered after its last byte."""

_RUNNING_SECONDS = 2.0
"""How long after its last transfer a test still counts as running: probes pause between
directions, browsers between requests."""


class TooManyTests(Exception):  # noqa: N818 - reads as what happened
    """The server runs as many tests as it may, or a test has too many streams."""


class _Stream:
    """One stream's count. Guarded by its test's lock."""

    def __init__(self) -> None:
        self.bytes = 0
        self.first_at: float | None = None
        self.last_at = 0.0
        self.sample_times = array("d")
        self.sample_bytes = array("Q")
        self.tcp: TcpInfo | None = None


class _Test:
    """One test's streams, and the load while it ran."""

    def __init__(self, now: float) -> None:
        self.lock = threading.Lock()
        self.streams: dict[tuple[Direction, int], _Stream] = {}
        self.first_at: dict[Direction, float] = {}
        self.samples_left = _KEPT_SAMPLES
        self.touched_at = now
        self.tests_running_maximum = 0
        self.cpu_ratio_maximum: float | None = None

    def stream(self, direction: Direction, number: int) -> _Stream:
        """Return the stream of that number, a new one where it is the first seen of it."""
        with self.lock:
            key = (direction, number)
            if key not in self.streams:
                if len(self.streams) >= _KEPT_STREAMS:
                    raise TooManyTests
                self.streams[key] = _Stream()
            return self.streams[key]

    def count(self, direction: Direction, stream: _Stream, count: int, now: float) -> None:
        """Add a stream's bytes and take a sample."""
        with self.lock:
            begun = self.first_at.setdefault(direction, now)
            if stream.first_at is None:
                stream.first_at = now
            stream.bytes += count
            stream.last_at = max(now, stream.last_at)
            self.touched_at = now
            if self.samples_left:
                self.samples_left -= 1
                stream.sample_times.append(max(0.0, now - begun))
                stream.sample_bytes.append(stream.bytes)

    def report(self, test: str) -> ServerTest:
        """Return what was seen so far."""
        with self.lock:
            return ServerTest(
                test=test,
                streams=tuple(
                    ServerStream(
                        stream=number,
                        direction=direction,
                        bytes=stream.bytes,
                        duration_seconds=stream.last_at - stream.first_at,
                        samples=tuple(zip(stream.sample_times, stream.sample_bytes, strict=True)),
                        tcp=stream.tcp,
                    )
                    for (direction, number), stream in sorted(self.streams.items())
                    if stream.first_at is not None
                ),
                tests_running_maximum=self.tests_running_maximum,
                cpu_ratio_maximum=self.cpu_ratio_maximum,
            )


class Counting:
    """Counts one transfer's bytes. One thread uses it; it commits to the test every 100 ms.

    Args:
        direction: of the transfer.
        counted: called with the bytes of each commit.
        test: what they count for; None for a client that named no test.
        number: the stream's.
    """

    def __init__(
        self,
        direction: Direction,
        counted: Callable[[int], object],
        test: _Test | None,
        number: int,
    ) -> None:
        self._direction = direction
        self._counted = counted
        self._test = test
        self._stream = None if test is None else test.stream(direction, number)
        self._pending = 0
        self._last_at = 0.0
        self._due_at = 0.0

    def add(self, count: int, now: float) -> bool:
        """Count bytes that moved just now; True where a sample was taken with them."""
        self._pending += count
        self._last_at = now
        if now < self._due_at:
            return False
        self._due_at = now + SAMPLE_INTERVAL_SECONDS
        self.commit()
        return True

    def commit(self) -> None:
        """Make what was counted visible to others, as of the last byte's moment."""
        if not self._pending:
            return
        self._counted(self._pending)
        if self._test and self._stream:
            self._test.count(self._direction, self._stream, self._pending, self._last_at)
        self._pending = 0

    def note(self, tcp: TcpInfo | None) -> None:
        """Keep what the kernel says of the stream's connection, unless it says nothing."""
        if self._test and self._stream and tcp:
            with self._test.lock:
                self._stream.tcp = tcp


class TestsSeen:
    """The tests that the server saw and the transfers that run.

    Args:
        maximum_running: the most tests at the same time.
        counted: called with direction and bytes of everything that moves.
        begun: called for each new test that named itself.
        clock: seconds that never go back.
    """

    __test__ = False  # not pytest's

    def __init__(
        self,
        maximum_running: int,
        counted: Callable[[Direction, int], object],
        begun: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._maximum_running = maximum_running
        self._counted = counted
        self._begun = begun
        self._clock = clock
        self._lock = threading.Lock()
        self._tests: dict[str, _Test] = {}
        self._transfers: Counter[str] = Counter()
        self._ended_at: dict[str, float] = {}

    @contextmanager
    def transfer(
        self, test: str | None, stream: int, direction: Direction, address: str
    ) -> Iterator[Counting]:
        """Count a transfer while it runs.

        Args:
            test: the test's id; None where the client named none, then its address stands for it.
            stream: the stream's number.
            direction: as the client sees it.
            address: the client's.

        Raises:
            TooManyTests: this one would be one too many.
        """
        key = test or address
        seen = self._begin(test, key)
        try:
            counting = Counting(
                direction, lambda count: self._counted(direction, count), seen, stream
            )
            try:
                yield counting
            finally:
                counting.commit()
        finally:
            self._end(key)

    def report(self, test: str) -> ServerTest | None:
        """Return what was seen of a test, also while it runs; None where nothing was."""
        with self._lock:
            seen = self._tests.get(test)
        return None if seen is None else seen.report(test)

    def running(self) -> int:
        """Return how many tests run now: have a transfer, or had one a moment ago."""
        with self._lock:
            return len(self._running(self._clock()))

    def observe(self, cpu_ratio: float | None) -> None:
        """Note the machine's load for the tests that run, and forget the old ones."""
        now = self._clock()
        with self._lock:
            running = self._running(now)
            for key in running:
                if seen := self._tests.get(key):
                    _raise_maxima(seen, len(running), cpu_ratio)
            for key in self._ended_at.keys() - running:
                del self._ended_at[key]
            for key, seen in list(self._tests.items()):
                if key not in running and now - seen.touched_at > _KEPT_SECONDS:
                    del self._tests[key]

    def _begin(self, test: str | None, key: str) -> _Test | None:
        now = self._clock()
        with self._lock:
            running = self._running(now)
            if key not in running and len(running) >= self._maximum_running:
                raise TooManyTests
            seen = self._seen(test, running, now) if test else None
            self._transfers[key] += 1
            running.add(key)
            for other in running:
                if known := self._tests.get(other):
                    _raise_maxima(known, len(running), None)
        return seen

    def _seen(self, test: str, running: set[str], now: float) -> _Test:
        """Return the test, a new one where it is unknown; the oldest that is over gives way."""
        if test not in self._tests:
            over = [key for key in self._tests if key not in running]
            if len(self._tests) >= _KEPT_TESTS:
                if not over:
                    raise TooManyTests
                del self._tests[min(over, key=lambda key: self._tests[key].touched_at)]
            self._tests[test] = _Test(now)
            self._begun()
        return self._tests[test]

    def _end(self, key: str) -> None:
        with self._lock:
            self._transfers[key] -= 1
            if not self._transfers[key]:
                del self._transfers[key]
                self._ended_at[key] = self._clock()

    def _running(self, now: float) -> set[str]:
        recent = {key for key, at in self._ended_at.items() if now - at <= _RUNNING_SECONDS}
        return recent.union(self._transfers)


def _raise_maxima(seen: _Test, running: int, cpu_ratio: float | None) -> None:
    with seen.lock:
        seen.tests_running_maximum = max(seen.tests_running_maximum, running)
        if cpu_ratio is not None:
            seen.cpu_ratio_maximum = max(seen.cpu_ratio_maximum or 0.0, cpu_ratio)
