"""What iperf3's reports say, as the record has it. Real reports: tests/probe/engines."""

import json
from typing import Any

import pytest

from probe.engine import MeasurementError
from probe.transfer.iperf3_report import failure_of, read
from protocol.failures import Failure

UNKNOWN = 2**64 - 1


def moved(
    end: float, count: int, *, omitted: bool = False, rtt: int | None = None
) -> dict[str, Any]:
    """Return a part of an interval."""
    part = {"start": 0, "end": end, "bytes": count, "omitted": omitted}
    return part if rtt is None else part | {"rtt": rtt}


def report(**changes: Any) -> bytes:
    """Return a report of two seconds, the first of them a warm-up, in the shape of iperf 3.12's."""
    intervals = [(1.0, 900, True, 5000), (0.5, 500, False, 20_000), (1.0, 480, False, 30_000)]
    side = {"bytes": 980, "retransmits": 3, "min_rtt": 20_000, "mean_rtt": 25_000}
    whole = {
        "start": {
            "connected": [{"local_host": "::ffff:192.0.2.1", "remote_host": "192.0.2.2"}],
            "version": "iperf 3.12",
        },
        "intervals": [
            {
                "streams": [moved(end, count, omitted=omitted, rtt=rtt)],
                "sum": moved(end, count, omitted=omitted),
            }
            for end, count, omitted, rtt in intervals
        ],
        "end": {
            "streams": [{"sender": side, "receiver": {"bytes": 970}}],
            "sum_received": {"bytes": 970, "seconds": 1.0, "bits_per_second": 7760.0},
            "cpu_utilization_percent": {"remote_total": 42.0},
            "sender_tcp_congestion": "cubic",
        },
    }
    return json.dumps(whole | changes).encode()


def test_an_upload_is_what_the_server_received() -> None:
    """The number is the receiver's, the warm-up left out; the samples go on from it to the window,
    and the sender's retransmissions and round trips stand beside it.
    """
    told = read(report(), "upload", 1.0)
    transfer = told.transfer
    assert (transfer.bytes, transfer.bits_per_second, transfer.total_bytes) == (970, 7760, 1880)
    assert transfer.counted_by == "receiver"
    assert transfer.samples == ((0.0, 0), (1.0, 900), (1.5, 1400), (2.0, 1880))
    (stream,) = transfer.streams
    assert stream.probe_tcp is not None
    assert stream.server_tcp is None
    assert (stream.probe_tcp.retransmitted_segments, stream.bytes) == (3, 970)
    assert stream.probe_tcp.smoothed_rtt_seconds == pytest.approx(0.025)
    assert told.latency is not None
    assert told.latency.round_trips_seconds == (0.02, 0.03)
    assert told.latency.jitter_seconds is None
    assert (told.local_address, told.server_cpu_ratio) == ("192.0.2.1", 0.42)


def test_of_a_download_the_server_is_the_sender() -> None:
    """The sender's view is the server's, and the probe has no round trips of its own."""
    told = read(report(), "download", 1.0)
    (stream,) = told.transfer.streams
    assert stream.probe_tcp is None
    assert stream.server_tcp is not None
    assert stream.server_tcp.congestion_control == "cubic"
    assert told.latency is None


def test_what_is_not_known_stays_unknown() -> None:
    """iperf3 writes -1 as 2^64 - 1, and an unknown round trip as 0: neither becomes a number."""
    end = json.loads(report())["end"]
    side: dict[str, float] = {"bytes": 980, "min_rtt": 0, "mean_rtt": 0}
    end["streams"][0]["sender"] = side
    for retransmits in (UNKNOWN, float(UNKNOWN), -1):
        side["retransmits"] = retransmits
        (stream,) = read(report(end=end), "upload", 1.0).transfer.streams
        assert stream.probe_tcp is not None
        assert stream.probe_tcp.retransmitted_segments is None
        assert stream.probe_tcp.minimum_rtt_seconds is None


@pytest.mark.parametrize(
    "text, code",
    [
        (b"", Failure.BAD_ANSWER),
        (b"[" * 100_000, Failure.BAD_ANSWER),
        (b"[]", Failure.BAD_ANSWER),
        (report(end={}), Failure.BAD_ANSWER),
        (report(intervals=None), Failure.BAD_ANSWER),
        (report(error="control socket has closed unexpectedly"), Failure.CONNECTION_LOST),
    ],
)
def test_what_is_no_report_is_told(text: bytes, code: Failure) -> None:
    """Rubbish, a report that lacks its end, and one that tells an error end as failures."""
    with pytest.raises(MeasurementError) as caught:
        read(text, "upload", 1.0)
    assert caught.value.report.code is code


def test_nothing_received_is_a_stall() -> None:
    """A window without a byte is a failure, never a rate of zero."""
    end = json.loads(report())["end"]
    end["sum_received"]["bytes"] = 0
    with pytest.raises(MeasurementError) as caught:
        read(report(end=end), "upload", 1.0)
    assert caught.value.report.code is Failure.STALLED


@pytest.mark.parametrize(
    "said, code",
    [
        ("error - the server is busy running a test. try again later", Failure.SERVER_BUSY),
        ("unable to connect to server: Connection refused", Failure.REFUSED),
        ("unable to connect to server: No route to host", Failure.NO_ROUTE),
        ("unable to connect to server: Connection timed out", Failure.CONNECT_TIMEOUT),
        ("unable to connect to server: Operation now in progress", Failure.CONNECT_TIMEOUT),
        ("unable to connect to server: No such device", Failure.INTERFACE_MISSING),
        ("bind: Operation not permitted", Failure.LOCAL_RESOURCE),
        ("received an unknown control message", Failure.NOT_A_SERVER),
        ("test authorization failed", Failure.BAD_ANSWER),
    ],
)
def test_errors_have_their_codes(said: str, code: Failure) -> None:
    """Each of iperf3's errors that a line or a server can cause has its code."""
    error = failure_of(said)
    assert (error.report.code, said in error.report.detail) == (code, True)
