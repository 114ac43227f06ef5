"""TCP_INFO, read by offset from buffers of any kernel's length."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.results import TcpInfo
from protocol.tcp_info import TCP_INFO_BYTES, parse

LENGTHS_OF_KERNELS = [104, 192, 232, 240, 248]
"""The structure's size in Linux 2.6, 4.6, 5.4, 5.18 and 6.10: it grew at its end only."""


def test_a_real_connection_tells_what_it_moved() -> None:
    """On this machine's kernel, the bytes sent and received stand where we read them."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=5) as near,
        listener.accept()[0] as far,
    ):
        near.sendall(b"x" * 5000)
        near.shutdown(socket.SHUT_WR)
        far.settimeout(5)
        while far.recv(4096):
            pass
        far.sendall(b"y" * 300)
        assert near.recv(4096)
        sender, receiver = (_read(end) for end in (near, far))
    assert sender.sent_bytes == 5000
    assert (receiver.received_bytes or 0) >= 5000
    # Its only segment with payload is acknowledged, or what it sent and received at the ends is.
    for end in (sender, receiver):
        assert end.bare_segments_sent
        assert end.bare_segments_received
    assert sender.congestion_control
    assert sender.minimum_rtt_seconds is not None
    assert 0 < sender.minimum_rtt_seconds < 1


def _read(end: socket.socket) -> TcpInfo:
    raw = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    return parse(raw, end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16))


@pytest.mark.parametrize("length", LENGTHS_OF_KERNELS)
def test_an_older_kernel_gives_null_for_what_it_does_not_know(length: int) -> None:
    """A field is there exactly when the kernel returned its bytes."""
    fields = {"retransmitted_segments": 104, "minimum_rtt_seconds": 152, "sent_bytes": 208}
    info = parse(bytes(length))
    for name, end in fields.items():
        assert (getattr(info, name) is not None) == (length >= end), name


def test_the_minimum_before_any_round_trip_is_null() -> None:
    """The kernel's `no round trip yet` is absent, not four thousand seconds."""
    raw = bytearray(240)
    struct.pack_into("=I", raw, 148, 0xFFFFFFFF)
    assert parse(bytes(raw)).minimum_rtt_seconds is None


def test_units_are_converted_once() -> None:
    """Microseconds become seconds, bytes per second become bits per second."""
    raw = bytearray(240)
    struct.pack_into("=I", raw, 68, 12_500)
    struct.pack_into("=Q", raw, 160, 1_000_000)
    info = parse(bytes(raw), b"bbr\0\0\0")
    assert info.smoothed_rtt_seconds == pytest.approx(0.0125)
    assert info.delivery_rate_bits_per_second == 8_000_000
    assert info.congestion_control == "bbr"


@given(st.binary(max_size=600), st.none() | st.binary(max_size=16))
def test_any_bytes_parse_or_are_out_of_bounds(raw: bytes, name: bytes | None) -> None:
    """Whatever a kernel returns, the result is a valid part of a record or a refused number."""
    try:
        info = parse(raw, name)
    except ValueError:
        counters = (120, 128, 200, 208)
        large = any(raw[at + 7 : at + 8] >= b"\x80" for at in counters)
        rate = raw[160:168] != b"" and int.from_bytes(raw[160:168], "little") >= 2**60
        assert large or rate
    else:
        assert TcpInfo.model_validate_json(info.model_dump_json()) == info
