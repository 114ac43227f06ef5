"""The kernel's note of a packet's arrival."""

import socket
import time

import pytest

from protocol.arrival import ANCILLARY_BYTES, SO_TIMESTAMPNS, SOL_SOCKET, arrived_at


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_the_kernel_tells_when_a_packet_came(kind: socket.SocketKind) -> None:
    """The moment is that of the arrival, not of the receive, on UDP as on TCP."""
    with socket.socket(type=kind) as far, socket.socket(type=kind) as near:
        far.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            far.listen()
            near.connect(far.getsockname())
            receiving, _ = far.accept()
        else:
            near.connect(far.getsockname())
            receiving = far.dup()
        with receiving:
            receiving.setsockopt(SOL_SOCKET, SO_TIMESTAMPNS, 1)
            time.sleep(0.1)  # the first to ask in the whole system is not heard at once
            before = time.time()
            near.send(b"x")
            after = time.time()
            time.sleep(0.1)
            _, details, _, _ = receiving.recvmsg(10, ANCILLARY_BYTES)
    at = arrived_at(details)
    assert at is not None
    assert before - 0.01 <= at <= after + 0.05


def test_untold_is_none() -> None:
    """Without the note there is no moment, and other notes are passed over."""
    assert arrived_at([]) is None
    assert arrived_at([(SOL_SOCKET, 1, b"")]) is None
