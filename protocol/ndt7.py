"""ndt7, the numbers and messages of its specification (v0.11.0).

https://github.com/m-lab/ndt-server/blob/main/spec/ndt7-protocol.md
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from protocol.model import Count
from protocol.results import TcpInfo

DOWNLOAD_PATH: Final = "/ndt/v7/download"
UPLOAD_PATH: Final = "/ndt/v7/upload"
SUBPROTOCOL: Final = "net.measurementlab.ndt.v7"

EARLY_EXIT_PARAMETER: Final = "early_exit"
"""Query parameter: end a download once so many MB (of 10^6 bytes) are acknowledged. M-Lab's server
has it, the specification does not mention it."""

DURATION_SECONDS: Final = 10.0
"""How long a direction lasts from the end of the WebSocket handshake."""

HARD_STOP_SECONDS: Final = 13.0
"""After this a direction's connection may be closed without a word."""

MEASUREMENT_INTERVAL_SECONDS: Final = 0.25
"""From one measurement message to the next: what M-Lab's server takes on the average. The
specification allows ten a second."""

FIRST_MESSAGE_BYTES: Final = 1 << 13
LARGEST_MESSAGE_BYTES: Final = 1 << 20
"""Binary messages grow from the one to the other. The specification allows 1 << 24; M-Lab's server
and its Go client stop here, and larger ones save nothing."""

_SCALING_FRACTION: Final = 16

_NO_MINIMUM_RTT: Final = 0xFFFFFFFF
"""What a kernel says before it has seen a round trip."""


def next_message_bytes(current: int, moved: int) -> int:
    """Return the next message's size: doubled once it is at most 1/16 of what was moved.

    The rule of the specification's appendix.
    """
    if current >= LARGEST_MESSAGE_BYTES or current > moved // _SCALING_FRACTION:
        return current
    return current * 2


class _Wire(BaseModel):
    """A part of a message: all is optional, and what others add is ignored, as specified."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class AppInfo(_Wire):
    """Payload bytes moved since the direction began, and how long ago that is."""

    elapsed_microseconds: Count = Field(alias="ElapsedTime")
    moved_bytes: Count = Field(alias="NumBytes")


class ConnectionInfo(_Wire):
    """Both ends, each as ADDRESS:PORT, as the server sees them."""

    client: str | None = Field(None, alias="Client", max_length=200)
    server: str | None = Field(None, alias="Server", max_length=200)


class TcpMeasurement(_Wire):
    """The kernel's view: times in microseconds, bytes with all framing."""

    elapsed_microseconds: Count | None = Field(None, alias="ElapsedTime")
    busy_microseconds: Count | None = Field(None, alias="BusyTime")
    acknowledged_bytes: Count | None = Field(None, alias="BytesAcked")
    received_bytes: Count | None = Field(None, alias="BytesReceived")
    sent_bytes: Count | None = Field(None, alias="BytesSent")
    retransmitted_bytes: Count | None = Field(None, alias="BytesRetrans")
    minimum_rtt_microseconds: Count | None = Field(None, alias="MinRTT")
    smoothed_rtt_microseconds: Count | None = Field(None, alias="RTT")
    rtt_variation_microseconds: Count | None = Field(None, alias="RTTVar")
    receiver_limited_microseconds: Count | None = Field(None, alias="RWndLimited")
    sender_limited_microseconds: Count | None = Field(None, alias="SndBufLimited")

    @classmethod
    def of(cls, tcp: TcpInfo, elapsed_microseconds: int) -> "TcpMeasurement":
        """Return what a connection's TCP_INFO says in ndt7's units."""
        return cls(
            elapsed_microseconds=elapsed_microseconds,
            busy_microseconds=_microseconds(tcp.busy_seconds),
            acknowledged_bytes=tcp.acknowledged_bytes,
            received_bytes=tcp.received_bytes,
            sent_bytes=tcp.sent_bytes,
            retransmitted_bytes=tcp.retransmitted_bytes,
            minimum_rtt_microseconds=_microseconds(tcp.minimum_rtt_seconds),
            smoothed_rtt_microseconds=_microseconds(tcp.smoothed_rtt_seconds),
            rtt_variation_microseconds=_microseconds(tcp.rtt_variation_seconds),
            receiver_limited_microseconds=_microseconds(tcp.receiver_limited_seconds),
            sender_limited_microseconds=_microseconds(tcp.sender_limited_seconds),
        )

    def tcp_info(self) -> TcpInfo:
        """Return it in the record's units."""
        minimum = self.minimum_rtt_microseconds
        return TcpInfo(
            busy_seconds=_seconds(self.busy_microseconds),
            acknowledged_bytes=self.acknowledged_bytes,
            received_bytes=self.received_bytes,
            sent_bytes=self.sent_bytes,
            retransmitted_bytes=self.retransmitted_bytes,
            minimum_rtt_seconds=None if minimum == _NO_MINIMUM_RTT else _seconds(minimum),
            smoothed_rtt_seconds=_seconds(self.smoothed_rtt_microseconds),
            rtt_variation_seconds=_seconds(self.rtt_variation_microseconds),
            receiver_limited_seconds=_seconds(self.receiver_limited_microseconds),
            sender_limited_seconds=_seconds(self.sender_limited_microseconds),
        )


class Measurement(_Wire):
    """A text message: what its sender measured so far. The last one is the summary."""

    app_info: AppInfo | None = Field(None, alias="AppInfo")
    connection_info: ConnectionInfo | None = Field(None, alias="ConnectionInfo")
    origin: Literal["client", "server"] | None = Field(None, alias="Origin")
    test: Literal["download", "upload"] | None = Field(None, alias="Test")
    tcp_info: TcpMeasurement | None = Field(None, alias="TCPInfo")

    def encode(self) -> bytes:
        """Return the message; what is not known is left out."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1e6
