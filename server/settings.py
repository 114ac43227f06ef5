"""The section `server` of config.yaml."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from protocol.constants import DEFAULT_SERVER_PORT
from protocol.model import Text
from protocol.settings import Section
from server.addresses import parse_listen

Positive = Annotated[int, Field(ge=1)]
PositiveSeconds = Annotated[float, Field(gt=0, le=3600)]


class TlsSettings(Section):
    """What the server needs to speak HTTPS. SIGHUP reads both files again."""

    certificate: Path = Field(description="The certificate chain, a PEM file.")
    key: Path = Field(description="The certificate's private key, a PEM file.")


class LimitSettings(Section):
    """What the server takes before it says 503, or ends a connection."""

    connections: Positive = Field(
        1024,
        description="The most connections in all; over it the longest idle one is closed, or the "
        "new one is answered 503.",
    )
    connections_per_address: Positive = Field(
        64, description="The most connections of one IPv4 address or one IPv6 /64."
    )
    tests: Positive = Field(
        128,
        description="The most tests at the same time; a further one is answered 503. One IPv4 "
        "address or one IPv6 /64 can have half of them.",
    )
    link_ratio: Annotated[float, Field(gt=0)] = Field(
        0.9,
        description="A new test is answered 503 while the link is fuller than this share of its "
        "capacity, where that is known; above 1: never for that.",
    )
    header_bytes: Annotated[int, Field(ge=1024, le=1024 * 1024)] = Field(
        16 * 1024, description="The most bytes of a request's head; a longer one is answered 431."
    )
    upload_maximum_bytes: Positive = Field(
        4 * 1024**3, description="The longest body of one upload; a longer one is answered 413."
    )
    head_timeout_seconds: PositiveSeconds = Field(
        10.0, description="How long a request's head may take, and a TLS handshake."
    )
    idle_timeout_seconds: PositiveSeconds = Field(
        15.0, description="How long a connection may be without a request or without progress."
    )
    transfer_maximum_seconds: PositiveSeconds = Field(
        60.0, description="How long one upload or download may take; it is ended then."
    )
    retry_after_seconds: Positive = Field(
        15, description="When a client that was answered 503 is asked to come back."
    )
    stamp_packets_per_second: Positive = Field(
        10_000,
        description="The most STAMP packets answered in a second, a tenth of them for one IPv4 "
        "address or one IPv6 /64; others are dropped.",
    )


class ServerSettings(Section):
    """The measurement server."""

    listen: str = Field(
        f":{DEFAULT_SERVER_PORT}",
        description="HOST:PORT to listen on; an empty host or [::] is every address of IPv4 and "
        "IPv6, 0.0.0.0 every address of IPv4; port 0 is any free one.",
    )
    name: Text = Field("linewatch", description="What the server calls itself in its answers.")
    tls: TlsSettings | None = Field(
        None, description="Certificate and key for HTTPS; null is plain HTTP."
    )
    limits: LimitSettings = Field(LimitSettings(), description="What the server takes.")
    congestion_control: str | None = Field(
        None,
        description="TCP's congestion control for all downloads, such as cubic or bbr; null is "
        "what a test asks for, or else the system's. It is part of the method: servers whose "
        "results are compared need the same.",
    )
    link_megabits: Positive | None = Field(
        None,
        description="Capacity of the server's link each way, in Mbit/s: results that come near it "
        "are flagged. Null is the speed of the interface of the default route, which a virtual "
        "machine does not know; then results of tests that ran at the same time are flagged.",
    )
    stamp: bool = Field(
        True, description="Whether to answer STAMP packets on UDP, at the same port number."
    )
    metrics: Literal["off", "private", "public"] = Field(
        "private", description="Who may read /metrics: nobody, private addresses, everyone."
    )

    @field_validator("listen")
    @classmethod
    def _listen_is_an_address(cls, value: str) -> str:
        parse_listen(value)
        return value
