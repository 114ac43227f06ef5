"""A stream's low-water mark on a real connection."""

import socket
import time
from collections.abc import Iterator

import pytest

from probe.transfer.kernel import set_block_limit
from probe.transfer.low_water import PIECE_BYTES_MOST, PIECE_SECONDS, LowWater


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
        with near, far:
            yield near, far


def mark(connection: socket.socket) -> int:
    """Return what the kernel waits for."""
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


def test_the_mark_is_twenty_milliseconds_of_the_rate(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream of 1 MB/s is woken for 20 kB, a fast one for no more than the most, and one whose
    next bytes are a head for a single one.
    """
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    low_water = LowWater(pair[0])
    low_water.note(0)
    assert mark(pair[0]) == 1
    now[0] += 0.5
    low_water.note(500_000)
    assert mark(pair[0]) == pytest.approx(1e6 * PIECE_SECONDS)
    now[0] += 0.5
    low_water.note(500_000_000)
    assert mark(pair[0]) == PIECE_BYTES_MOST
    low_water.lift()
    assert mark(pair[0]) == 1


def test_a_line_that_dies_still_gives_what_arrived(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes below the mark are received when the time of the receive is over."""
    near, far = pair
    now = [100.0]
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: now[0])
        low_water = LowWater(near)
        low_water.note(0)
        now[0] += 1.0
        low_water.note(4_000_000)
    assert mark(near) > 10_000
    far.sendall(b"x" * 100)
    set_block_limit(near, 0.2)
    assert near.recv(1000) == b"x" * 100


def test_a_closed_connection_is_left_alone(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that is ended from outside meanwhile is told by its receive, not by the mark."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    low_water = LowWater(pair[0])
    low_water.note(0)
    pair[0].close()
    now[0] += 1.0
    low_water.note(10_000_000)
    assert pair[0].fileno() == -1
