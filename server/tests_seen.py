"""What the server saw of each test: bytes, times, samples, the kernel's view, its own load.

Everything is bounded: tests, streams of a test, samples of a test; and forgotten after a while.
"""

import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from protocol.constants import SAMPLE_INTERVAL_SECONDS
from protocol.messages import ServerStream, ServerTest
from protocol.results import TcpInfo
from server.addresses import counted_as
from server.link import Fill

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

_SHARE_OF_ADDRESS = 2
"""One address may run the tests' maximum divided by this, so that none can take all of them. No
less, because a carrier's NAT puts many probes on one address."""


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

    def __init__(self, counted_as: str, now: float) -> None:
        self.counted_as = counted_as
        self.lock = threading.Lock()
        self.streams: dict[tuple[Direction, int], _Stream] = {}
        self.first_at: dict[Direction, float] = {}
        self.samples_left = _KEPT_SAMPLES
        self.touched_at = now
        self.tests_running_maximum = 0
        self.cpu_ratio_maximum: float | None = None
        self.link_sent_ratio_maximum: float | None = None
        self.link_received_ratio_maximum: float | None = None

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
                link_sent_ratio_maximum=self.link_sent_ratio_maximum,
                link_received_ratio_maximum=self.link_received_ratio_maximum,
            )


@dataclass(slots=True)
class _Run:
    """A test that runs: it has a transfer, or had one a moment ago. Guarded by `TestsSeen`'s lock.

    Attributes:
        counted_as: whose share of the tests it takes.
        transfers: how many it has now.
        moved: whether any of them moved a byte.
        ended_at: when the last one ended.
    """

    counted_as: str
    transfers: int = 0
    moved: bool = False
    ended_at: float = 0.0

    def is_over(self, now: float) -> bool:
        """Tell whether it runs no more. What moved no byte is over at once."""
        return not self.transfers and not (self.moved and now - self.ended_at <= _RUNNING_SECONDS)


class Counting:
    """Counts one transfer's bytes. One thread uses it; it commits to the test every 100 ms.

    Args:
        direction: of the transfer.
        counted: called with the bytes of each commit.
        test: what they count for; None for a client that named no test.
        number: the stream's.

    Attributes:
        moved: whether there was any byte.
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
        self.moved = False
        self._pending = 0
        self._last_at = 0.0
        self._due_at = 0.0

    def add(self, count: int, now: float) -> bool:
        """Count bytes that moved just now; True where a sample was taken with them."""
        self.moved = True
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
        maximum_running: the most tests at the same time; of one address half of them.
        counted: called with direction and bytes of everything that moves.
        begun: called for each new test that named itself.
        clock: seconds that never go back.
        maximum_link_ratio: no new test while the link was fuller than this at the last look.
    """

    __test__ = False  # not pytest's

    def __init__(
        self,
        maximum_running: int,
        counted: Callable[[Direction, int], object],
        begun: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        maximum_link_ratio: float = 1.0,
    ) -> None:
        self._maximum_running = maximum_running
        self._maximum_link_ratio = maximum_link_ratio
        self._link_is_full = False
        share = min(maximum_running, _KEPT_TESTS) // _SHARE_OF_ADDRESS
        self._maximum_of_address = max(1, share)
        self._counted = counted
        self._begun = begun
        self._clock = clock
        self._lock = threading.Lock()
        self._tests: dict[str, _Test] = {}
        self._running: dict[str, _Run] = {}

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
        seen = self._begin(test, key, counted_as(address))
        moved = False
        try:
            counting = Counting(
                direction, lambda count: self._counted(direction, count), seen, stream
            )
            try:
                yield counting
            finally:
                counting.commit()
                moved = counting.moved
        finally:
            self._end(key, moved=moved)

    def report(self, test: str) -> ServerTest | None:
        """Return what was seen of a test, also while it runs; None where nothing was."""
        with self._lock:
            seen = self._tests.get(test)
        return None if seen is None else seen.report(test)

    def running(self) -> int:
        """Return how many tests run now: have a transfer, or had one a moment ago."""
        with self._lock:
            self._let_end(self._clock())
            return len(self._running)

    def observe(self, cpu_ratio: float | None, link: Fill | None = None) -> None:
        """Note the machine's and its link's load for the tests that run; forget the old ones."""
        now = self._clock()
        with self._lock:
            self._let_end(now)
            self._note_load(cpu_ratio, link)
            fill = max(link.sent_ratio, link.received_ratio) if link else 0.0
            self._link_is_full = fill > self._maximum_link_ratio
            for key, seen in list(self._tests.items()):
                if key not in self._running and now - seen.touched_at > _KEPT_SECONDS:
                    del self._tests[key]

    def _begin(self, test: str | None, key: str, whose: str) -> _Test | None:
        now = self._clock()
        with self._lock:
            self._let_end(now)
            if key not in self._running and self._is_full(whose):
                raise TooManyTests
            seen = self._seen(test, whose, now) if test else None
            self._running.setdefault(key, _Run(whose)).transfers += 1
            self._note_load(None)
        return seen

    def _is_full(self, whose: str) -> bool:
        """Tell whether there is no room for one more test: in all, of this address, on the link."""
        if self._link_is_full:
            return True
        of_address = sum(run.counted_as == whose for run in self._running.values())
        return len(self._running) >= self._maximum_running or of_address >= self._maximum_of_address

    def _seen(self, test: str, whose: str, now: float) -> _Test:
        """Return the test, a new one where it is unknown; one that is over gives way."""
        if test not in self._tests:
            if len(self._tests) >= _KEPT_TESTS:
                self._forget_one()
            self._tests[test] = _Test(whose, now)
            self._begun()
        return self._tests[test]

    def _forget_one(self) -> None:
        """Forget the oldest test that is over, of the address that has the most of them.

        So nobody can have the tests of others forgotten before their reports are asked for.
        """
        over = {key: seen for key, seen in self._tests.items() if key not in self._running}
        if not over:
            raise TooManyTests
        kept = Counter(seen.counted_as for seen in over.values())
        del self._tests[
            min(over, key=lambda key: (-kept[over[key].counted_as], over[key].touched_at))
        ]

    def _end(self, key: str, *, moved: bool) -> None:
        now = self._clock()
        with self._lock:
            run = self._running[key]
            run.transfers -= 1
            run.moved = run.moved or moved
            run.ended_at = now
            self._let_end(now)
            seen = self._tests.get(key)
            if seen and key not in self._running and not seen.first_at:
                del self._tests[key]  # there is nothing to report of it

    def _let_end(self, now: float) -> None:
        """Let go of the tests that run no more."""
        for key in [key for key, run in self._running.items() if run.is_over(now)]:
            del self._running[key]

    def _note_load(self, cpu_ratio: float | None, link: Fill | None = None) -> None:
        """Note the load of this moment for every test that runs."""
        for key in self._running:
            if seen := self._tests.get(key):
                _raise_maxima(seen, len(self._running), cpu_ratio, link)


def _raise_maxima(seen: _Test, running: int, cpu_ratio: float | None, link: Fill | None) -> None:
    with seen.lock:
        seen.tests_running_maximum = max(seen.tests_running_maximum, running)
        if cpu_ratio is not None:
            seen.cpu_ratio_maximum = max(seen.cpu_ratio_maximum or 0.0, cpu_ratio)
        if link is not None:
            sent, received = seen.link_sent_ratio_maximum, seen.link_received_ratio_maximum
            seen.link_sent_ratio_maximum = max(sent or 0.0, link.sent_ratio)
            seen.link_received_ratio_maximum = max(received or 0.0, link.received_ratio)
