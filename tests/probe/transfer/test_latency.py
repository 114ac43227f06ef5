"""Round trips: their summary, and those under load."""

import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.transfer.latency import LoadedPinger, measure_idle, percentile, summarise
from tests.probe.far_end import Handler, empty, listening, plain_backend
from tests.probe.transfer.test_http import client

trips = st.lists(st.floats(0, 100), max_size=60)


@given(trips)
def test_a_summary_is_made_of_what_was_measured(round_trips: list[float]) -> None:
    """Minimum ≤ median ≤ 95th percentile; jitter is never above the spread; nothing gives null."""
    summary = summarise(round_trips, len(round_trips) + 3)
    assert (summary.sent, summary.received) == (len(round_trips) + 3, len(round_trips))
    if not round_trips:
        assert summary.median_seconds is summary.p95_seconds is summary.minimum_seconds is None
        return
    assert summary.minimum_seconds is not None
    assert summary.median_seconds is not None
    assert summary.p95_seconds is not None
    assert summary.minimum_seconds <= summary.median_seconds <= summary.p95_seconds
    assert (summary.jitter_seconds is None) == (len(round_trips) < 2)
    spread = max(round_trips) - min(round_trips)
    assert (summary.jitter_seconds or 0) <= spread + 1e-9


@given(trips.filter(bool))
def test_a_percentile_covers_its_share(values: list[float]) -> None:
    """At least 95 % of the values are at or below the 95th percentile, and it is one of them."""
    ordered = sorted(values)
    found = percentile(ordered, 0.95)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= 0.95 * len(ordered)


def test_jitter_is_of_neighbours() -> None:
    """Jitter is the mean absolute difference of round trips that follow each other."""
    assert summarise([1.0, 3.0, 2.0], 3).jitter_seconds == pytest.approx(1.5)


def test_idle_latency_leaves_the_first_request_out() -> None:
    """The connection's set-up and its first request are not part of the round trips."""
    seen: list[float] = []

    def late_at_first(request: Handler) -> None:
        seen.append(time.monotonic())
        time.sleep(0.3 if len(seen) == 1 else 0)
        empty(request)

    shares: list[float] = []
    with plain_backend({"empty.php": late_at_first}) as url:
        asking = client(url)
        summary = measure_idle(asking, lambda: "/empty.php", 5, 0.01, shares.append)
        asking.close()
    assert len(seen) == 6
    assert summary.received == 5
    assert max(summary.round_trips_seconds) < 0.3
    assert summary.taken_off_seconds is not None
    assert 0 < summary.taken_off_seconds < 0.3
    assert summary.server_seconds is None, "it tells nothing of its own time"
    assert shares[-1] == 1.0


def test_only_requests_of_the_window_count() -> None:
    """Round trips under load are those that left and came back within the window."""
    with plain_backend() as url:
        pinger = LoadedPinger(client(url), lambda: "/empty.php", 0.02)
        pinger.start()
        time.sleep(0.2)
        start = time.monotonic()
        time.sleep(0.2)
        end = time.monotonic()
        time.sleep(0.2)
        pinger.stop()
    within = pinger.within(start, end)
    assert 3 <= within.received <= 11
    assert within.sent - within.received <= 1
    assert within.taken_off_seconds is not None
    assert pinger.within(0, end + 10).received > within.received + 5


def test_an_answer_that_does_not_come_counts_as_sent() -> None:
    """A server that falls silent under load leaves a request that was sent and not received, and
    the pinger ends at once when it is stopped.
    """
    calls: list[float] = []

    def falls_silent(request: Handler) -> None:
        calls.append(time.monotonic())
        if len(calls) > 3:
            time.sleep(1)
        empty(request)

    with plain_backend({"empty.php": falls_silent}) as url:
        pinger = LoadedPinger(client(url), lambda: "/empty.php", 0.02)
        pinger.start()
        time.sleep(0.4)
        before = time.monotonic()
        pinger.stop()
        assert time.monotonic() - before < 0.5
    summary = pinger.within(0, time.monotonic())
    assert (summary.sent, summary.received) == (3, 2)


def test_nobody_waits_on_a_connection_that_is_lost() -> None:
    """A pinger whose connection broke waits for no answer: whoever asks is not told of a wait that
    grows for ever.
    """
    connections: list[socket.socket] = []

    def breaks_off(connection: socket.socket) -> None:
        connections.append(connection)
        for _ in range(2 if len(connections) == 1 else 0):
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with listening(breaks_off) as url:
        pinger = LoadedPinger(client(url), lambda: "/empty.php", 0.01)
        pinger.start()
        pinger._thread.join(10)
        assert not pinger._thread.is_alive()
        assert pinger.waiting_since() is None
        pinger.stop()
    summary = pinger.within(0, time.monotonic())
    assert (summary.sent, summary.received) == (2, 1)
