"""Super-packets are cut as the kernel would cut them before the wire."""

import random
import struct
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.superpacket import VIRTIO, Superpacket
from tests.bench.packets import ACK, FIN, PUSH, tcp, udp

TIMESTAMPS = b"\x01\x01\x08\x0a" + bytes(8)
"""RFC 7323, padded: what Linux puts into every segment."""

ROUTER_ALERT = b"\x94\x04\x00\x00"
"""RFC 2113: an option of IPv4, so that its header is longer than usual."""


@dataclass(frozen=True)
class Cut:
    """A super-packet, what it was made of, and where it is cut."""

    data: bytes
    payload: bytes
    family: int
    sequence: int
    identification: int
    flags: int
    bounds: list[int]

    @property
    def packet(self) -> Superpacket:
        """The packet as read."""
        return Superpacket.of(self.data)

    @property
    def parts(self) -> list[tuple[int, int, Superpacket]]:
        """First segment, number of segments and packet of each part."""
        return [
            (first, end - first, Superpacket.of(self.packet.part(first, end - first)))
            for first, end in pairwise(self.bounds)
        ]


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    """Return super-packets of 2 to 45 segments, cut at any places or at none."""
    family = draw(st.sampled_from([4, 6]))
    segment_bytes = draw(st.integers(1, 1460))
    segments = draw(st.integers(2, 45))
    last_bytes = draw(st.integers(1, segment_bytes))
    # Nothing repeats itself, so that a swap or a shift shows.
    payload = random.Random(segments).randbytes((segments - 1) * segment_bytes + last_bytes)
    sequence = draw(st.integers(0, 2**32 - 1) | st.integers(2**32 - 2000, 2**32 - 1))
    identification = draw(st.integers(0, 2**16 - 1) | st.integers(2**16 - 20, 2**16 - 1))
    flags = ACK | draw(st.sampled_from([0, PUSH, FIN, PUSH | FIN]))
    data = tcp(
        payload,
        segment_bytes=segment_bytes,
        family=family,
        sequence=sequence,
        identification=identification,
        flags=flags,
        options=draw(st.sampled_from([b"", TIMESTAMPS])),
        ip_options=draw(st.sampled_from([b"", ROUTER_ALERT])) if family == 4 else b"",
    )
    inner = draw(st.sets(st.integers(1, segments - 1)))
    bounds = [0, *sorted(inner), segments]
    return Cut(data, payload, family, sequence, identification, flags, bounds)


def words(data: bytes) -> int:
    """Return the one's complement sum of 16-bit words, written another way than the bench's."""
    total = int.from_bytes(data, "big") % 0xFFFF
    return total or (0xFFFF if any(data) else 0)


def ip_header(packet: Superpacket) -> bytes:
    """Return a packet's IP header."""
    return packet.data[VIRTIO.size : packet.transport]


def payload(packet: Superpacket) -> bytes:
    """Return a packet's data."""
    return packet.data[packet.payload :]


@given(cuts())
def test_parts_carry_the_whole_payload_in_order(cut: Cut) -> None:
    """What the parts carry, one behind the other, is what the super-packet carried."""
    assert b"".join(payload(part) for _, _, part in cut.parts) == cut.payload
    for first, count, part in cut.parts:
        assert part.payload_bytes == cut.packet.payload_of(first, count)
        assert part.segments == count
        assert part.ports == (8080, 40000)


@given(cuts())
def test_parts_stand_where_they_were_in_the_stream(cut: Cut) -> None:
    """Each part's sequence number is that of its first byte, around the end of 32 bits too."""
    at = cut.sequence
    for _, _, part in cut.parts:
        assert int.from_bytes(part.data[part.transport + 4 : part.transport + 8], "big") == at
        at = (at + part.payload_bytes) % 2**32


@given(cuts())
def test_only_the_last_part_ends_and_pushes(cut: Cut) -> None:
    """PSH and FIN stand on the last part, as they stood on the whole; ACK stands on all."""
    *others, last = [part.data[part.transport + 13] for _, _, part in cut.parts]
    assert last == cut.flags
    assert set(others) <= {ACK}


@given(cuts())
def test_ip_headers_are_right(cut: Cut) -> None:
    """Each part has its own length, IPv4's identification counts segments, its checksum holds."""
    for first, count, part in cut.parts:
        header = ip_header(part)
        below = len(part.data) - part.transport
        if cut.family == 6:
            assert int.from_bytes(header[4:6], "big") == below
            assert header[6:] == ip_header(cut.packet)[6:]
            continue
        length, identification = struct.unpack_from("!HH", header, 2)
        assert length == len(header) + below
        assert identification == (cut.identification + first) % 2**16
        assert header[12:] == ip_header(cut.packet)[12:]
        if count != cut.packet.segments:  # the kernel's own header is left as it came
            assert words(header) == 0xFFFF


@given(cuts())
def test_tcp_checksum_is_begun_for_the_kernel_to_finish(cut: Cut) -> None:
    """The field holds the sum of each part's pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1)."""
    for _, count, part in cut.parts:
        if count == cut.packet.segments:
            continue
        header = ip_header(part)
        addresses = header[8:40] if cut.family == 6 else header[12:20]
        below = len(part.data) - part.transport
        pseudo = addresses + struct.pack("!II", below, 6)
        at = part.transport + 16
        assert int.from_bytes(part.data[at : at + 2], "big") == words(pseudo)


@given(cuts())
def test_virtio_header_tells_super_packets_from_single_segments(cut: Cut) -> None:
    """Several segments keep their kind and size, one alone is no super-packet any more."""
    whole = VIRTIO.unpack_from(cut.data)
    for _, count, part in cut.parts:
        needs_checksum, kind, *rest = VIRTIO.unpack_from(part.data)
        assert needs_checksum == 1
        size = rest.pop(1)
        assert (kind, size) == ((whole[1], whole[3]) if count > 1 else (0, 0))
        assert rest == [whole[2], whole[4], whole[5]]


@pytest.mark.parametrize(
    "data, carried, headers",
    [
        (udp(b"x" * 44), 44, 28),
        (udp(b"x" * 44, family=6), 44, 48),
        (tcp(b"", options=TIMESTAMPS), 0, 52),
        (tcp(b"GET", family=6), 3, 60),
    ],
)
def test_what_is_one_frame_stays_as_it_came(data: bytes, carried: int, headers: int) -> None:
    """UDP, a pure acknowledgement and a single segment are one frame each, handed on untouched."""
    packet = Superpacket.of(data)
    assert packet.segments == 1
    assert packet.payload_bytes == carried
    assert packet.headers_bytes == headers
    assert packet.payload_of(0, 1) == carried
    assert packet.part(0, 1) == data
