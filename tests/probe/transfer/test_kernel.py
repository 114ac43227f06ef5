"""What the kernel does for a transfer, on real connections."""

import contextlib
import os
import socket
import threading
import time
import zlib
from collections.abc import Iterator

import pytest

from probe.transfer import kernel

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Both ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    yield near, far
    near.close()
    far.close()


def test_blind_bytes_are_counted_and_gone(pair: Pair) -> None:
    """A blind receive takes exactly what it counts, leaves what follows, and says 0 at the end."""
    near, far = pair
    far.sendall(b"x" * 1000 + b"rest")
    taken = 0
    while taken < 1000:
        taken += kernel.receive_blind(near, 1000 - taken)
    assert near.recv(10) == b"rest"
    assert not any(kernel.blind_buffer()[:1000])
    far.close()
    assert kernel.receive_blind(near, 10) == 0


def test_the_time_that_bytes_lay_unread_is_known(pair: Pair) -> None:
    """A receive tells how long its bytes had been there: the kernel saw them come."""
    near, far = pair
    kernel.stamp_arrivals(near)
    time.sleep(0.1)  # the first to ask in the whole system is not heard at once
    far.sendall(b"early")
    time.sleep(0.2)
    data, waited = kernel.receive_stamped(near, 10)
    assert data == b"early"
    assert 0.19 < waited < 1.0


def read_to_end(connection: socket.socket) -> None:
    """Read until the connection ends."""
    while connection.recv(1 << 20):
        pass


def test_a_blocking_call_ends_at_its_limit(pair: Pair) -> None:
    """A receive without bytes ends after the time set."""
    near, _ = pair
    kernel.set_block_limit(near, 0.2)
    started = time.monotonic()
    with pytest.raises(BlockingIOError):
        kernel.receive_blind(near, 10)
    assert 0.1 < time.monotonic() - started < 1


def test_the_end_wakes_a_blocked_thread_and_drops_what_is_queued(pair: Pair) -> None:
    """A thread that is blocked goes on at once; the far end sees a reset, not the queue."""
    near, far = pair
    near.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while near.send(kernel.source_bytes()[:65536]):
            pass
    kernel.set_block_limit(near, 10)
    woken: list[int] = []

    def block() -> None:
        woken.append(kernel.receive_blind(near, 10))
        near.close()

    thread = threading.Thread(target=block)
    thread.start()
    time.sleep(0.1)
    kernel.end(near)
    thread.join(2)
    assert woken == [0]
    with pytest.raises(ConnectionResetError):
        read_to_end(far)
    kernel.end(near)  # once more does no harm


def test_acknowledged_bytes_follow_what_the_far_end_took(pair: Pair) -> None:
    """TCP_INFO's count grows by what was sent and acknowledged; the queue's count agrees."""
    near, far = pair
    before = kernel.acknowledged_bytes(near, 0)
    assert before is not None
    near.sendall(bytes(50_000))
    received = 0
    while received < 50_000:
        received += len(far.recv(65536))
    deadline = time.monotonic() + 2
    while kernel.unacknowledged_bytes(near) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kernel.acknowledged_bytes(near, 50_000) == before + 50_000
    info = kernel.tcp_state(near)
    assert info is not None
    assert info.acknowledged_bytes == before + 50_000
    assert info.congestion_control


def test_old_kernels_are_asked_for_the_queue(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where TCP_INFO is too short to tell, what is handed over less what is queued is the count."""
    near, far = pair
    monkeypatch.setattr(kernel, "_BYTES_ACKED_END", 1024)
    near.sendall(bytes(1000))
    received = 0
    while received < 1000:
        received += len(far.recv(1000))
    deadline = time.monotonic() + 2
    while kernel.unacknowledged_bytes(near) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kernel.acknowledged_bytes(near, 1000) == 1000


def test_a_closed_connection_has_no_view(pair: Pair) -> None:
    """Asking a closed connection is answered with nothing, not with an error."""
    near, _ = pair
    near.close()
    assert kernel.tcp_state(near) is None
    assert kernel.acknowledged_bytes(near, 10) is None


def test_the_source_does_not_compress() -> None:
    """What uploads send is random, and the same as file and as memory."""
    piece = os.pread(kernel.source(), 1 << 20, 0)
    assert len(zlib.compress(piece, 1)) > len(piece)
    assert kernel.source_bytes()[: 1 << 20] == piece
