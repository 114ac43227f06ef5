"""Packets as the kernel hands them to a TUN device with a virtio header, for tests of the line."""

import ipaddress
import struct
from typing import Final

from bench.superpacket import TCP, UDP, VIRTIO

NEEDS_CHECKSUM: Final = 1
GSO_TCPV4: Final = 1
GSO_TCPV6: Final = 4
"""linux/virtio_net.h."""

FIN: Final = 0x01
PUSH: Final = 0x08
ACK: Final = 0x10

_ADDRESSES: Final = {4: ("198.18.0.2", "198.18.1.2"), 6: ("2001:2::2", "2001:2:0:1::2")}


def tcp(  # noqa: PLR0913 - one for each field that a cut changes
    payload: bytes,
    *,
    segment_bytes: int | None = None,
    family: int = 4,
    sequence: int = 0,
    identification: int = 0,
    flags: int = ACK,
    options: bytes = b"",
    ip_options: bytes = b"",
) -> bytes:
    """Return a TCP packet; a super-packet where ``segment_bytes`` is given."""
    offset = (20 + len(options)) // 4 << 4
    header = struct.pack("!HHIIBBHHH", 8080, 40000, sequence, 7, offset, flags, 512, 0, 0) + options
    before = ip(family, TCP, len(header) + len(payload), identification, ip_options)
    kind = 0 if segment_bytes is None else GSO_TCPV4 if family == 4 else GSO_TCPV6
    virtio = VIRTIO.pack(
        NEEDS_CHECKSUM, kind, len(before) + len(header), segment_bytes or 0, len(before), 16
    )
    return virtio + before + header + payload


def udp(payload: bytes, family: int = 4) -> bytes:
    """Return a UDP packet."""
    header = struct.pack("!HHHH", 862, 40001, 8 + len(payload), 0)
    before = ip(family, UDP, len(header) + len(payload))
    return VIRTIO.pack(NEEDS_CHECKSUM, 0, 0, 0, len(before), 6) + before + header + payload


def ip(
    family: int, protocol: int, below_bytes: int, identification: int = 0, options: bytes = b""
) -> bytes:
    """Return an IP header; its checksum is left open."""
    source, destination = (ipaddress.ip_address(text).packed for text in _ADDRESSES[family])
    if family == 6:
        return struct.pack("!IHBB", 6 << 28, below_bytes, protocol, 64) + source + destination
    words = (20 + len(options)) // 4
    length = words * 4 + below_bytes
    head = struct.pack("!BBHHHBBH", 4 << 4 | words, 0, length, identification, 0x4000, 64, 6, 0)
    return head[:9] + bytes([protocol]) + head[10:] + source + destination + options
