"""STAMP packets, unauthenticated mode (RFC 8762 sections 4.2.1 and 4.3.1): pack and unpack.

Timestamps are NTP 64-bit: seconds since 1900 and a 2^-32 fraction, wrapping in 2036 (era 0).
"""

import struct
from dataclasses import dataclass

from protocol.constants import STAMP_PACKET_BYTES

NTP_EPOCH_OFFSET_SECONDS = 2_208_988_800
"""From 1900-01-01 to 1970-01-01."""

_SENDER = struct.Struct("!IQH")
_REFLECTOR = struct.Struct("!IQHHQIQHHB")
_ERROR_SYNCHRONISED = 0x8001
_ERROR_UNSYNCHRONISED = 0x0001
"""Error estimate (section 4.2.1): S bit (clock synchronised), Z bit 0 (NTP), multiplier 1."""


@dataclass(frozen=True, slots=True)
class Reflection:
    """What a reflector's packet says. Timestamps are seconds since 1970 by each end's clock.

    Attributes:
        seq: the sender's sequence number.
        sent_at: T1, when the sender sent it (sender's clock).
        received_at: T2, when the reflector received it (reflector's clock).
        reflected_at: T3, when the reflector sent it back (reflector's clock).
    """

    seq: int
    sent_at: float
    received_at: float
    reflected_at: float


def to_ntp(unix_seconds: float) -> int:
    """Return the NTP 64-bit timestamp of a moment given in seconds since 1970."""
    return int((unix_seconds + NTP_EPOCH_OFFSET_SECONDS) * 2**32) & 0xFFFFFFFFFFFFFFFF


def from_ntp(timestamp: int) -> float:
    """Return seconds since 1970 of an NTP 64-bit timestamp, taken to lie in era 0 after 1970."""
    return timestamp / 2**32 - NTP_EPOCH_OFFSET_SECONDS


def pack_probe(seq: int, sent_at: float, *, synchronised: bool) -> bytes:
    """Return a session-sender's packet."""
    error = _ERROR_SYNCHRONISED if synchronised else _ERROR_UNSYNCHRONISED
    return _SENDER.pack(seq & 0xFFFFFFFF, to_ntp(sent_at), error).ljust(STAMP_PACKET_BYTES, b"\0")


def pack_reflection(
    packet: bytes, received_at: float, reflected_at: float, ttl: int, *, synchronised: bool
) -> bytes | None:
    """Return the stateless reflector's answer to ``packet``, or None where it is no STAMP packet.

    The answer has the length of the packet, never more.
    """
    if len(packet) < STAMP_PACKET_BYTES:
        return None
    seq, sent, sender_error = _SENDER.unpack_from(packet)
    error = _ERROR_SYNCHRONISED if synchronised else _ERROR_UNSYNCHRONISED
    head = _REFLECTOR.pack(
        seq,
        to_ntp(reflected_at),
        error,
        0,
        to_ntp(received_at),
        seq,
        sent,
        sender_error,
        0,
        ttl & 0xFF,
    )
    return head.ljust(len(packet), b"\0")


def unpack_reflection(packet: bytes) -> Reflection | None:
    """Return what a reflector's packet says, or None where it is too short to be one."""
    if len(packet) < STAMP_PACKET_BYTES:
        return None
    _, reflected, _, _, received, seq, sent, _, _, _ = _REFLECTOR.unpack_from(packet)
    return Reflection(seq, from_ntp(sent), from_ntp(received), from_ntp(reflected))
