"""ndt7's numbers and messages."""

import json

import pytest
from pydantic import ValidationError

from protocol.ndt7 import (
    FIRST_MESSAGE_BYTES,
    LARGEST_MESSAGE_BYTES,
    AppInfo,
    ConnectionInfo,
    Measurement,
    TcpMeasurement,
    next_message_bytes,
)
from protocol.results import TcpInfo

SPECIFIED = {
    "AppInfo": {"ElapsedTime": 1234, "NumBytes": 5678},
    "ConnectionInfo": {
        "Client": "1.2.3.4:5678",
        "Server": "[::1]:2345",
        "UUID": "<platform-specific-string>",
        "StartTime": "2019-07-16T15:26:05.987748459-04:00",
    },
    "Origin": "server",
    "Test": "download",
    "TCPInfo": {
        "BusyTime": 1,
        "BytesAcked": 2,
        "BytesReceived": 3,
        "BytesSent": 4,
        "BytesRetrans": 5,
        "ElapsedTime": 6,
        "MinRTT": 7,
        "RTT": 8,
        "RTTVar": 9,
        "RWndLimited": 10,
        "SndBufLimited": 11,
        "PacingRate": -1,
    },
    "BBRInfo": {"BW": 1},
}
"""The specification's example, with what M-Lab's server adds."""


def test_messages_grow_by_the_specifications_rule() -> None:
    """From 8 KiB a message doubles once it is at most 1/16 of what was sent, up to 1 MiB."""
    size, total, sizes = FIRST_MESSAGE_BYTES, 0, []
    while total < 64 * 1024 * 1024:
        sizes.append(size)
        total += size
        size = next_message_bytes(size, total)
    assert sizes[0] == 8192
    assert sizes[:17] == [8192] * 16 + [16384]
    assert sizes == sorted(sizes)
    assert sizes[-1] == LARGEST_MESSAGE_BYTES == 1 << 20
    assert next_message_bytes(LARGEST_MESSAGE_BYTES, 1 << 40) == LARGEST_MESSAGE_BYTES


def test_a_servers_message_is_read() -> None:
    """Everything specified is taken, with the record's units; what others add is passed over."""
    message = Measurement.model_validate_json(json.dumps(SPECIFIED))
    assert message.app_info == AppInfo(elapsed_microseconds=1234, moved_bytes=5678)
    assert message.connection_info == ConnectionInfo(client="1.2.3.4:5678", server="[::1]:2345")
    assert message.tcp_info is not None
    assert message.tcp_info.tcp_info() == TcpInfo(
        busy_seconds=1e-6,
        acknowledged_bytes=2,
        received_bytes=3,
        sent_bytes=4,
        retransmitted_bytes=5,
        minimum_rtt_seconds=7e-6,
        smoothed_rtt_seconds=8e-6,
        rtt_variation_seconds=9e-6,
        receiver_limited_seconds=1e-5,
        sender_limited_seconds=1.1e-5,
    )


def test_what_a_server_does_not_tell_is_absent() -> None:
    """All of a message is optional; a kernel that saw no round trip yet says so, not 71 minutes."""
    assert Measurement.model_validate_json("{}") == Measurement()
    tcp = TcpMeasurement.model_validate({"MinRTT": 0xFFFFFFFF})
    assert tcp.tcp_info() == TcpInfo()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"AppInfo": {"ElapsedTime": -1, "NumBytes": 1}}',
        '{"AppInfo": {"ElapsedTime": 1}}',
        '{"TCPInfo": {"RTT": "soon"}}',
        '{"Origin": "moon"}',
    ],
)
def test_nonsense_is_no_message(text: str) -> None:
    """What is no measurement is refused as a whole."""
    with pytest.raises(ValidationError):
        Measurement.model_validate_json(text)


def test_a_message_is_written_as_it_is_read() -> None:
    """What is written has the specification's names, integers only, and nothing that is unknown."""
    tcp = TcpInfo(smoothed_rtt_seconds=0.0123456, sent_bytes=5)
    text = Measurement(origin="server", tcp_info=TcpMeasurement.of(tcp, 99)).encode()
    assert json.loads(text) == {
        "Origin": "server",
        "TCPInfo": {"ElapsedTime": 99, "BytesSent": 5, "RTT": 12346},
    }
