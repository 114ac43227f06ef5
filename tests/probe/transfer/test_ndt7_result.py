"""What counts of an ndt7 direction, by whose word, and what is compared. Pure."""

import pytest

from probe.engine import Counts
from probe.transfer.direction import Run
from probe.transfer.ndt7_result import Seen, counts, server_count, transfer
from probe.transfer.window import Window
from protocol.ndt7 import AppInfo, Measurement, TcpMeasurement
from protocol.results import TcpInfo

SECOND = 1_000_000
RATE = 1_250_000
"""Bytes a second that the tests' line carries: 10 Mbit/s."""


def run(seconds: float = 10.0) -> Run:
    """Return ten seconds of a steady line, sampled every 100 ms, and a little more after them."""
    samples: list[tuple[float, tuple[int, ...]]] = [
        (0.1 * tick, (round(0.1 * tick * RATE),)) for tick in range(102)
    ]
    return Run(
        window=Window(0.0, seconds),
        samples=samples,
        tcp=[TcpInfo(minimum_rtt_seconds=0.02)],
        total_bytes=samples[-1][1][0],
    )


def said(seconds: float, moved: int, **tcp: int) -> Measurement:
    """Return a server's message."""
    return Measurement(
        app_info=AppInfo(elapsed_microseconds=round(seconds * SECOND), moved_bytes=moved),
        tcp_info=TcpMeasurement(**tcp) if tcp else None,
    )


def test_a_download_is_what_arrived() -> None:
    """A download's number is the probe's; the server's stands beside it."""
    section = transfer(run(), "download", [said(10.0, 13_000_000, smoothed_rtt_microseconds=5)])
    assert (section.bytes, section.duration_seconds) == (12_500_000, 10.0)
    assert section.bits_per_second == 10_000_000
    assert section.counted_by == "receiver"
    assert section.server is not None
    assert section.server.bytes == 13_000_000
    assert section.streams[0].server_tcp == TcpInfo(smoothed_rtt_seconds=5e-6)
    assert section.total_bytes == 12_625_000


def test_an_upload_is_what_the_servers_last_message_says() -> None:
    """Bytes and time are both the server's: the newest message is the summary."""
    section = transfer(run(), "upload", [said(5.0, 6_000_000), said(9.8, 12_000_000)])
    assert (section.bytes, section.duration_seconds) == (12_000_000, 9.8)
    assert section.bits_per_second == pytest.approx(8 * 12_000_000 / 9.8)
    assert section.counted_by == "receiver"


@pytest.mark.parametrize("seconds", [0.000001, 8.9, 13.1, 1e6])
def test_a_message_of_another_time_does_not_count(seconds: float) -> None:
    """Where the server's last message is not of the upload's end, what was acknowledged counts."""
    section = transfer(run(), "upload", [said(seconds, 12_000_000)])
    assert (section.bytes, section.counted_by) == (12_500_000, "acknowledged")
    assert transfer(run(), "upload", []).counted_by == "acknowledged"


def test_the_newest_message_that_tells_it_counts() -> None:
    """One without counts is passed over; a download's count is never that of TCP."""
    tcp = TcpMeasurement(elapsed_microseconds=9 * SECOND, received_bytes=77)
    messages = [Measurement(tcp_info=tcp), Measurement()]
    assert server_count(messages, "upload") == Seen(77, 9.0)
    assert server_count(messages, "download") is None
    assert server_count([said(0.0, 5)], "upload") is None


def test_both_ends_are_compared_at_the_servers_last_word() -> None:
    """The probe's count is that of the moment of the server's message."""
    seen = Seen(9_000_000, 8.0)
    assert counts(run(), "upload", seen) == Counts("upload", 8.0, 8 * RATE, 9_000_000)
