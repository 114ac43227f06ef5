"""Packets as a TUN device hands them over with segmentation offload: read, counted, cut.

With IFF_VNET_HDR every packet has a `virtio_net_hdr` in front; a TCP super-packet of up to 64 KiB
stands for several segments of `segment_bytes` of data each. `Superpacket.part` cuts some of them
out, as the kernel itself would do before the wire (RFC 9293 headers, RFC 791 or RFC 8200 below).
"""

import struct
import sys
from dataclasses import dataclass
from typing import Final

VIRTIO: Final = struct.Struct("=BBHHHH")
"""struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset."""

TCP: Final = 6
UDP: Final = 17

_IPV4: Final = 4
_IPV6_HEADER_BYTES: Final = 40
_UDP_HEADER_BYTES: Final = 8
_GSO_NONE: Final = 0
_NEEDS_CHECKSUM: Final = 1
_FIN_AND_PUSH: Final = 0x09


@dataclass(frozen=True, slots=True)
class Superpacket:
    """What one read of the device gave.

    Attributes:
        data: the virtio header and the packet.
        protocol: `TCP`, `UDP` or another number.
        transport: where in ``data`` the TCP or UDP header begins.
        payload: where the data behind it begins.
        segment_bytes: data of each segment but the last, which may have less.
        segments: how many frames it becomes on a wire.
    """

    data: bytes
    protocol: int
    transport: int
    payload: int
    segment_bytes: int
    segments: int

    @classmethod
    def of(cls, data: bytes) -> "Superpacket":
        """Take a packet's headers apart."""
        ip = VIRTIO.size
        gso = data[1] != _GSO_NONE
        if data[ip] >> 4 == _IPV4:
            transport, protocol = ip + (data[ip] & 0x0F) * 4, data[ip + 9]
        else:
            transport, protocol = ip + _IPV6_HEADER_BYTES, data[ip + 6]
        if protocol == TCP:
            payload = transport + (data[transport + 12] >> 4) * 4
        else:
            payload = min(len(data), transport + _UDP_HEADER_BYTES)
        rest = len(data) - payload
        size = int.from_bytes(data[4:6], sys.byteorder) if gso else rest
        return cls(data, protocol, transport, payload, size, -(-rest // size) if rest else 1)

    @property
    def payload_bytes(self) -> int:
        """All its data."""
        return len(self.data) - self.payload

    @property
    def headers_bytes(self) -> int:
        """The IP and TCP or UDP headers of each of its segments."""
        return self.payload - VIRTIO.size

    @property
    def ports(self) -> tuple[int, int]:
        """Its source and destination port."""
        source, destination = struct.unpack_from("!HH", self.data, self.transport)
        return source, destination

    def payload_of(self, first: int, count: int) -> int:
        """Return how much data ``count`` segments from ``first`` on have."""
        start = first * self.segment_bytes
        return min(self.payload_bytes, start + count * self.segment_bytes) - start

    def part(self, first: int, count: int) -> bytes:
        """Return ``count`` segments from ``first`` on, as the device takes them.

        Sequence number, length, identification, checksums and flags become what they would be on
        the wire; the TCP checksum stays the kernel's to finish.
        """
        if count == self.segments:
            return self.data
        at = self.payload + first * self.segment_bytes
        payload = self.data[at : at + count * self.segment_bytes]
        head = bytearray(self.data[: self.payload])
        flags, kind, length, size, checksum_start, checksum_offset = VIRTIO.unpack_from(head)
        if count == 1:
            kind, size = _GSO_NONE, 0
        VIRTIO.pack_into(
            head, 0, flags | _NEEDS_CHECKSUM, kind, length, size, checksum_start, checksum_offset
        )
        tcp = self.transport
        sequence = int.from_bytes(head[tcp + 4 : tcp + 8], "big") + first * self.segment_bytes
        struct.pack_into("!I", head, tcp + 4, sequence & 0xFFFFFFFF)
        if first + count != self.segments:
            head[tcp + 13] &= ~_FIN_AND_PUSH
        _set_lengths(head, tcp, len(head) - tcp + len(payload), first)
        return bytes(head) + payload


def _set_lengths(head: bytearray, tcp: int, tcp_bytes: int, first: int) -> None:
    """Write the IP header's length and checksum, and the start of TCP's checksum."""
    ip = VIRTIO.size
    if head[ip] >> 4 == _IPV4:
        identification = int.from_bytes(head[ip + 4 : ip + 6], "big") + first
        struct.pack_into("!HH", head, ip + 2, tcp - ip + tcp_bytes, identification & 0xFFFF)
        struct.pack_into("!H", head, ip + 10, 0)
        struct.pack_into("!H", head, ip + 10, ~_sum(head[ip:tcp]) & 0xFFFF)
        addresses = head[ip + 12 : ip + 20]
    else:
        struct.pack_into("!H", head, ip + 4, tcp_bytes)
        addresses = head[ip + 8 : ip + 40]
    pseudo = bytes(addresses) + struct.pack("!II", tcp_bytes, TCP)
    # With NEEDS_CSUM the field holds the pseudo-header's sum, not complemented.
    struct.pack_into("!H", head, tcp + 16, _sum(pseudo))


def _sum(data: bytes | bytearray) -> int:
    """Return the one's complement sum of 16-bit words (RFC 1071); ``data`` has an even length."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:  # noqa: PLR2004 - fold the carries into 16 bits
        total = (total & 0xFFFF) + (total >> 16)
    return total
