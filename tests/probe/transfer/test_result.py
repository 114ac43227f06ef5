"""What a direction's run and the server's view become in the record."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.engine import Counts
from probe.transfer.direction import Run
from probe.transfer.result import Direction, count
from probe.transfer.window import Window
from protocol.failures import Failure
from protocol.messages import ServerStream, ServerTest
from protocol.results import FailureReport

SECONDS = 13


def run(rates: list[int], **changes: Any) -> Run:
    """Return a run of streams with steady rates in bytes per second: 3 s and 10 s."""
    samples = [(n / 10, tuple(rate * n // 10 for rate in rates)) for n in range(SECONDS * 10 + 1)]
    values: dict[str, Any] = {
        "window": Window(3.0, 13.0),
        "samples": samples,
        "tcp": [None] * len(rates),
        "lost": [None] * len(rates),
        "total_bytes": sum(rates) * SECONDS,
    }
    return Run(**(values | changes))


def seen(rates: list[int], direction: Direction, seconds: float = SECONDS) -> ServerTest:
    """Return what a server saw of such streams, up to ``seconds``."""
    steps = int(seconds * 10) + 1
    streams = tuple(
        ServerStream(
            stream=number,
            direction=direction,
            bytes=round(rate * seconds),
            duration_seconds=seconds,
            samples=tuple((n / 10, rate * n // 10) for n in range(1, steps)),
            tcp=None,
        )
        for number, rate in enumerate(rates)
    )
    return ServerTest(
        test="0" * 32, streams=streams, tests_running_maximum=1, cpu_ratio_maximum=None
    )


LOST = FailureReport(code=Failure.CONNECTION_LOST, detail="gone")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_the_rate_is_bytes_over_time(rates: list[int]) -> None:
    """bits_per_second is 8 bytes / duration, bytes is the sum of the streams', and the window is
    part of the whole, whoever counted.
    """
    for direction in ("download", "upload"):
        for server in (None, seen(rates, direction)):
            transfer = count(run(rates), direction, server).transfer
            assert transfer.bits_per_second == 8 * transfer.bytes / transfer.duration_seconds
            assert transfer.bytes == sum(stream.bytes for stream in transfer.streams)
            assert transfer.bytes <= transfer.total_bytes + len(rates)
            assert transfer.bytes == pytest.approx(sum(rates) * 10, abs=len(rates))


def test_who_counted() -> None:
    """Download counts at the probe; upload at our server if it saw the window, else by
    acknowledgement.
    """
    probe, server = [1000, 2000], [1010, 2000]
    down = count(run(probe), "download", seen(server, "download"))
    assert (down.transfer.counted_by, down.transfer.bytes) == ("receiver", 30000)
    up = count(run(probe), "upload", seen(server, "upload"))
    assert (up.transfer.counted_by, up.transfer.bytes) == ("receiver", 30100)
    assert up.counts == Counts("upload", 10.0, 30000, 30100)
    plain = count(run(probe), "upload", None)
    assert (plain.transfer.counted_by, plain.transfer.bytes) == ("acknowledged", 30000)
    assert plain.transfer.server is None


def test_a_server_that_saw_only_part_does_not_count() -> None:
    """Samples that end before the window, or a stream that is missing, leave the count to the
    acknowledgements.
    """
    for part in (seen([1000, 2000], "upload", 12.0), seen([1000], "upload")):
        counted = count(run([1000, 2000]), "upload", part)
        assert counted.transfer.counted_by == "acknowledged"
        assert counted.transfer.bytes == 30000
        assert counted.counts is None


def test_a_server_that_began_late_counts_its_own_window() -> None:
    """A server whose time began half a second after the probe's counts the window that ends with
    its last sample: a steady rate stays what it is.
    """
    late = count(run([1000, 2000]), "upload", seen([1000, 2000], "upload", SECONDS - 0.5))
    assert late.transfer.counted_by == "receiver"
    assert late.transfer.bytes == pytest.approx(30000, abs=2)


def test_a_lost_stream_may_be_missing_at_the_server() -> None:
    """A stream that broke is not waited for: what the others moved is counted by the server."""
    broken = run([1000, 0], lost=[None, LOST])
    counted = count(broken, "upload", seen([1000], "upload"))
    assert counted.transfer.counted_by == "receiver"
    assert counted.transfer.streams[1].lost == LOST


def test_both_ends_counts_of_a_download_are_of_its_whole_length() -> None:
    """What arrived stands beside what was sent, the warm-up included; alone there is none."""
    done = run([1000, 2000])
    counts = count(done, "download", seen([1500, 2000], "download")).counts
    assert counts == Counts("download", 13.0, 39000, 45500)
    assert count(done, "download", None).counts is None
