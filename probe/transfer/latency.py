"""Round trips of small requests: their summary (pure), and those made while a line is loaded."""

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from probe.engine import MeasurementError
from probe.transfer.guard import start
from probe.transfer.http import Answer, Client
from protocol.results import LatencySummary

_MAX_ROUND_TRIPS = 2000
"""The record's limit; a minute of one every 30 ms."""


def summarise(
    round_trips: Sequence[float],
    sent: int,
    taken_off: Sequence[float] = (),
    inside: Sequence[float | None] = (),
) -> LatencySummary:
    """Return the summary of round trips in the order they were sent.

    Args:
        round_trips: seconds, only of requests that were answered.
        sent: how many were sent.
        taken_off: seconds that each was waited for longer, of no part of the way; for all or none.
        inside: how many of them were the server's by its own word, None where it gave none.
    """
    told = any(seconds is not None for seconds in inside)
    ordered = sorted(round_trips)
    steps = [abs(b - a) for a, b in itertools.pairwise(round_trips)]
    return LatencySummary(
        minimum_seconds=ordered[0] if ordered else None,
        median_seconds=statistics.median(ordered) if ordered else None,
        p95_seconds=percentile(ordered, 0.95),
        jitter_seconds=statistics.fmean(steps) if steps else None,
        sent=sent,
        received=len(round_trips),
        round_trips_seconds=tuple(round(trip, 6) for trip in round_trips[:_MAX_ROUND_TRIPS]),
        taken_off_seconds=_lowered(round_trips, taken_off) if taken_off else None,
        server_seconds=_lowered(round_trips, [each or 0.0 for each in inside]) if told else None,
    )


def _lowered(round_trips: Sequence[float], taken_off: Sequence[float]) -> float:
    """Return by how much the median is lower than with what was taken off each round trip.

    Not the median of what was taken off: that is nothing where it was much of just under half.
    """
    whole = [trip + off for trip, off in zip(round_trips, taken_off, strict=True)]
    return max(0.0, statistics.median(whole) - statistics.median(round_trips))


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least ``share`` of all do not exceed; None of nothing.

    The nearest-rank definition: always a value that was measured.
    """
    if not ordered:
        return None
    rank = max(1, -(-len(ordered) * round(share * 100) // 100))
    return ordered[rank - 1]


def measure_idle(
    client: Client,
    path: Callable[[], str],
    count: int,
    interval: float,
    progress: Callable[[float], None],
) -> LatencySummary:
    """Return ``count`` round trips on a warm connection, one every ``interval`` seconds.

    Takes count * max(interval, round trip), bounded by the client's guard.

    Args:
        client: asks; its connection stays open.
        path: returns what to ask for, a new one each time.
        count: how many.
        interval: seconds from one to the next.
        progress: told the share that is done.

    Raises:
        MeasurementError: the server stopped answering.
    """
    client.get(path())  # warms the connection: it is not counted
    answers = []
    for number in range(count):
        due = time.monotonic() + interval
        answers.append(client.get(path()))
        progress((number + 1) / count)
        client.guard.sleep(due - time.monotonic())
        client.guard.check()
    return _summary(answers, count)


def _summary(answers: Sequence[Answer], sent: int) -> LatencySummary:
    return summarise(
        [answer.seconds for answer in answers],
        sent,
        [answer.taken_off_seconds for answer in answers],
        [answer.server_seconds for answer in answers],
    )


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One request.

    Attributes:
        sent_at: when it left, `time.monotonic()`.
        answer: what came back; None without an answer.
    """

    sent_at: float
    answer: Answer | None

    def came_back_by(self, moment: float) -> bool:
        """Tell whether the answer was there at a moment."""
        return self.answer is not None and self.sent_at + self.answer.seconds <= moment


class LoadedPinger:
    """Asks on a connection of its own while the streams load the line.

    Its thread ends with `stop`, at the guard's deadline, or when the connection is lost: round
    trips under load are worth having, but a test does not fail for want of them.

    Args:
        client: a client of its own.
        path: returns what to ask for.
        interval: seconds from one request to the next; a late answer delays the next.
    """

    def __init__(self, client: Client, path: Callable[[], str], interval: float) -> None:
        self._client = client
        self._path = path
        self._interval = interval
        self._ended = threading.Event()
        self._trips: list[RoundTrip] = []
        self._waiting_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="pinger", daemon=True)

    def start(self) -> None:
        """Connect, then begin.

        Raises:
            MeasurementError: no connection, no answer, or the device has no thread left.
        """
        self._client.get(self._path())
        start(self._thread)

    def stop(self) -> None:
        """End the thread and its connection."""
        self._ended.set()
        self._client.end()
        if self._thread.is_alive():
            self._thread.join()
        self._client.close()

    def within(self, start: float, end: float) -> LatencySummary:
        """Return the summary of the requests that left and were due between two moments.

        A request that was not answered by ``end`` counts as sent only.
        """
        trips = [trip for trip in tuple(self._trips) if start <= trip.sent_at < end]
        answers = [trip.answer for trip in trips if trip.answer and trip.came_back_by(end)]
        return _summary(answers, len(trips))

    def answered_within(self, start: float, end: float) -> list[float]:
        """Return the seconds of each request that left and was answered between two moments."""
        return [
            trip.answer.seconds
            for trip in tuple(self._trips)
            if trip.answer and start <= trip.sent_at and trip.came_back_by(end)
        ]

    def waiting_since(self) -> float | None:
        """Return when the request left that is not answered yet; None where there is none."""
        return self._waiting_since

    def _run(self) -> None:
        while not self._ended.is_set():
            self._waiting_since = sent_at = time.monotonic()
            try:
                answer = self._client.get(self._path())
            except MeasurementError:
                self._trips.append(RoundTrip(sent_at, None))
                # Nobody waits any more: of a lost connection no queue can be told.
                self._waiting_since = None
                return
            self._trips.append(RoundTrip(sent_at, answer))
            self._waiting_since = None
            self._ended.wait(max(0.0, sent_at + self._interval - time.monotonic()))
