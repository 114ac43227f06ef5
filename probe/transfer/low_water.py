"""Lets a receiving stream sleep until a piece worth waking for has arrived.

A receive returns with the first packet otherwise: at 300 Mbit/s thousands of times a second, each a
system call and a change of threads, and on a small device most of what a measurement costs.
"""

import contextlib
import socket
import time
from typing import Final

PIECE_SECONDS: Final = 0.020
"""A piece is what the stream receives in 20 ms: a fifth of what lies between two samples, so a
window of 10 s is wrong by less than 0.2 % at each of its ends, and by the same at both."""

PIECE_BYTES_MOST: Final = 128 * 1024
"""Never more: half of what Linux gives a connection's buffer at first (tcp_rmem)."""

_ADJUST_SECONDS: Final = 0.25


class LowWater:
    """The low-water mark of a connection (SO_RCVLOWAT, socket(7)), kept at its stream's rate.

    The bytes below it are counted when the rest of the piece is there, or the receive's time is
    over; data that ends sooner ends the wait.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._mark = 1
        self._before: tuple[float, int] | None = None

    def note(self, received: int) -> None:
        """Take note of all bytes received so far; now and then this moves the mark."""
        now = time.monotonic()
        if self._before is None:
            self._before = now, received
            return
        moment, count = self._before
        if now - moment >= _ADJUST_SECONDS:
            rate = (received - count) / (now - moment)
            self._set(max(1, min(PIECE_BYTES_MOST, int(rate * PIECE_SECONDS))))
            self._before = now, received

    def lift(self) -> None:
        """Wake for a single byte: what comes next is short."""
        self._before = None
        self._set(1)

    def _set(self, mark: int) -> None:
        if mark != self._mark:
            self._mark = mark
            with contextlib.suppress(OSError):  # closed meanwhile: the receive will tell
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, mark)
