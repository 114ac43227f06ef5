"""What listens: its address, TLS, limits, and who may ask for what."""

from pathlib import Path
from typing import Self

from pydantic import (
    Field,
    IPvAnyAddress,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)

from protocol.constants import MAX_BATCH_BYTES
from protocol.settings import Section


class TlsSettings(Section):
    """TLS; without it a proxy in front has to speak it. Both files or none."""

    certificate: Path | None = Field(None, description="The certificate chain, PEM.")
    key: Path | None = Field(None, description="The private key, PEM.")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            msg = "certificate and key are needed together"
            raise ValueError(msg)
        return self


class LimitSettings(Section):
    """What one request, one address and all of them together may take."""

    connections: PositiveInt = Field(4096, description="Open connections in all.")
    connections_per_address: PositiveInt = Field(
        256, description="Open connections of one address (IPv6: of one /64)."
    )
    idle_seconds: PositiveFloat = Field(
        30.0,
        description="A connection that brought no whole request header for so long is closed.",
    )
    request_seconds: PositiveFloat = Field(
        60.0, description="A request's body has to be there after this."
    )
    answer_seconds: PositiveFloat = Field(
        40.0,
        description="A probe is asked to come again (503) where the ledger has not answered after "
        "this; longer than a statement may take.",
    )
    minimum_bytes_per_second: PositiveInt = Field(
        1024, description="A body that comes more slowly than this is refused."
    )
    body_bytes: int = Field(
        64 * 1024 * 1024,
        ge=MAX_BATCH_BYTES,
        description="Bodies that are held at once, unpacked, until they are checked; above it: "
        "503. At least the largest batch.",
    )
    body_bytes_per_probe: int = Field(
        2 * MAX_BATCH_BYTES,
        ge=MAX_BATCH_BYTES,
        description="Of these, the bodies of one probe: a batch, and what is left of one whose "
        "connection broke; above it: 429.",
    )
    queued_bytes: PositiveInt = Field(
        64 * 1024 * 1024, description="Records waiting for the disk; above it: 503."
    )
    group_bytes: PositiveInt = Field(
        8 * 1024 * 1024, description="Records that are written in one transaction."
    )
    retry_after_seconds: PositiveInt = Field(
        30, description="What a 503, and a 429 to a probe, ask to wait."
    )
    trusted_proxies: tuple[IPvAnyAddress, ...] = Field(
        (),
        description="Proxies in front: their X-Forwarded-For is believed, and the limit of "
        "connections of one address is not for them.",
    )
    verifying_threads: PositiveInt = Field(2, description="Threads that check batches.")
    verifying_processes: NonNegativeInt = Field(
        0,
        description="Processes that check batches instead, each on a core of its own and with some "
        "80 MB; for more than 1000 records a second.",
    )


class EnrolmentSettings(Section):
    """How probes become known."""

    code_hours: PositiveInt = Field(72, description="How long a one-time code is valid.")
    wrong_codes_per_address: PositiveInt = Field(
        10, description="Wrong codes in ten minutes, of one address (IPv6: of one /64)."
    )
    wrong_codes: PositiveInt = Field(200, description="Wrong codes in ten minutes, in all.")


class MetricsSettings(Section):
    """What `/metrics` shows."""

    latest_hours: PositiveFloat = Field(
        6.0, description="A line's latest value is shown until it is this old."
    )
    token: SecretStr | None = Field(
        None,
        description="Whoever has it may read /metrics (Bearer); without one only programs on "
        "this machine may.",
    )
    cache_seconds: PositiveFloat = Field(
        5.0, description="Answers within this time are computed once."
    )
    wait_seconds: PositiveFloat = Field(
        0.25,
        description="How long an answer waits for newer figures before it is the last one, made "
        "ahead a moment ago: those of a large fleet take seconds.",
    )


class WebSettings(Section):
    """The pages."""

    session_hours: PositiveInt = Field(12, description="An operator's login ends after this.")
    public: bool = Field(
        True, description="The pages without login show lines and their results, no addresses."
    )


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT; an IPv6 host stands in brackets, none is every address.

    Raises:
        ValueError: it is not of that form.
    """
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not port.isascii() or not port.isdigit():
        msg = f"HOST:PORT is needed, not {text!r} (examples: 127.0.0.1:8000, :8000)"
        raise ValueError(msg)
    if int(port) > 65535:  # noqa: PLR2004 - the largest port
        msg = f"no such port: {port}"
        raise ValueError(msg)
    return host or "::", int(port)
