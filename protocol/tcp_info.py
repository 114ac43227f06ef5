"""Reads Linux's TCP_INFO by offset.

The structure only ever grew at its end (include/uapi/linux/tcp.h), so a field is there if the
kernel returned enough bytes, and is null otherwise.
"""

import struct

from protocol.results import TcpInfo

TCP_INFO_BYTES = 512
"""What to ask getsockopt for: more than any kernel has, so that nothing is cut."""

_MICROSECONDS = 1e-6
_NO_MINIMUM_RTT = 0xFFFFFFFF
"""What tcpi_min_rtt holds before the first round trip was seen."""

_WRAP = 2**32
"""Where counters of segments begin again."""


def parse(raw: bytes, congestion_control: bytes | None = None) -> TcpInfo:
    """Return what the kernel tells of a connection.

    Args:
        raw: the bytes of ``getsockopt(IPPROTO_TCP, TCP_INFO, TCP_INFO_BYTES)``.
        congestion_control: the bytes of ``getsockopt(IPPROTO_TCP, TCP_CONGESTION, 16)``.
    """

    def u32(offset: int) -> int | None:
        return struct.unpack_from("=I", raw, offset)[0] if len(raw) >= offset + 4 else None

    def u64(offset: int) -> int | None:
        return struct.unpack_from("=Q", raw, offset)[0] if len(raw) >= offset + 8 else None

    def seconds(microseconds: int | None) -> float | None:
        return None if microseconds is None else microseconds * _MICROSECONDS

    def bare(all_segments: int, with_payload: int) -> int | None:
        total, data = u32(all_segments), u32(with_payload)
        return None if total is None or data is None else (total - data) % _WRAP

    minimum = u32(148)
    rate = u64(160)
    name = (congestion_control or b"").split(b"\0", 1)[0].decode("ascii", "replace")
    return TcpInfo(
        congestion_control=name or None,
        segment_bytes=u32(16),
        lost_segments=u32(32),
        smoothed_rtt_seconds=seconds(u32(68)),
        rtt_variation_seconds=seconds(u32(72)),
        congestion_window_segments=u32(80),
        retransmitted_segments=u32(100),
        acknowledged_bytes=u64(120),
        received_bytes=u64(128),
        minimum_rtt_seconds=None if minimum == _NO_MINIMUM_RTT else seconds(minimum),
        delivery_rate_bits_per_second=None if rate is None else rate * 8,
        busy_seconds=seconds(u64(168)),
        receiver_limited_seconds=seconds(u64(176)),
        sender_limited_seconds=seconds(u64(184)),
        sent_bytes=u64(200),
        retransmitted_bytes=u64(208),
        reordering_seen=u32(220),
        bare_segments_sent=bare(136, 156),
        bare_segments_received=bare(140, 152),
    )
