"""A far end on this device's own loopback, so that only the device itself limits a transfer.

It speaks as much HTTP as the streams of `probe.transfer.streams` need, and touches no byte: what it
sends never leaves the kernel, what it takes is dropped there. It is a child of its own, so that its
CPU time is its own; `serve` is what the child runs.
"""

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from probe.transfer.guard import Guard
from probe.transfer.kernel import SOURCE_BYTES, receive_blind, source

_HEAD_BYTES: Final = 65536
_ANSWER_BYTES: Final = 128
_END_OF_HEAD: Final = b"\r\n\r\n"
_DOWNLOAD: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n"
_TAKEN: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

_END_SECONDS: Final = 5.0


_COMMAND: Final = (sys.executable, "-m", "probe.acceptance.far_end")


class FarEnd:
    """The child, from the side that measures.

    Args:
        asked, answers: descriptors of the pipes to it and from it.
        guard: ends every wait for an answer.

    Attributes:
        url: where it serves.

    Raises:
        MeasurementError: the guard.
        OSError: it ended before it said where.
    """

    def __init__(self, asked: int, answers: int, guard: Guard) -> None:
        self._asked = asked
        self._answers = answers
        self._guard = guard
        self.url = f"http://127.0.0.1:{self._answer()}/"

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used so far.

        Raises:
            MeasurementError: the guard.
            OSError: it has ended.
        """
        os.write(self._asked, b"\n")
        return float(self._answer())

    def _answer(self) -> str:
        """Return its next line; it has said nothing beyond, as it speaks only when asked."""
        line = b""
        while not line.endswith(b"\n"):
            self._guard.check()
            wait = self._guard.slice_until(self._guard.deadline)
            if not select.select([self._answers], [], [], wait)[0]:
                continue
            part = os.read(self._answers, _ANSWER_BYTES)
            if not part:
                raise ConnectionResetError("the far end on this device has ended")
            line += part
        return line.decode().strip()


@contextmanager
def far_end(guard: Guard, command: Sequence[str] = _COMMAND) -> Iterator[FarEnd]:
    """Run a far end until the block ends.

    Args:
        guard: ends every wait for an answer.
        command: what runs `serve`.

    Raises:
        MeasurementError: the guard.
        OSError: it cannot be started, or ended at once.
    """
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C is for the program that measures, which then ends this one.
    with subprocess.Popen(  # noqa: S603 - a fixed command
        command, stdin=pipe, stdout=pipe, bufsize=0, start_new_session=True
    ) as child:
        asked, answers = child.stdin, child.stdout
        try:
            if asked is None or answers is None:  # never: both were asked for
                raise BrokenPipeError("the far end has no pipes")
            yield FarEnd(asked.fileno(), answers.fileno(), guard)
        finally:
            child.kill()
            child.wait(_END_SECONDS)


def serve() -> None:
    """Serve; print the port, then for each line of standard input the CPU seconds so far."""
    source()  # made before anybody asks
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        print(server.getsockname()[1], flush=True)  # noqa: T201 - the child's only way to say it
        for _ in sys.stdin:
            print(time.process_time(), flush=True)  # noqa: T201 - as above


def _accept(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_talk, args=(connection,), daemon=True).start()


def _talk(connection: socket.socket) -> None:
    """Answer request after request until the other side goes away."""
    with connection, contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        while True:
            while _END_OF_HEAD not in buffer:
                data = connection.recv(_HEAD_BYTES)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(_END_OF_HEAD)
            if head.startswith(b"POST"):
                buffer = _take(connection, _length(head), buffer)
            else:
                connection.sendall(_DOWNLOAD)
                _send(connection)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _take(connection: socket.socket, length: int, begun: bytes) -> bytes:
    """Drop an upload, answer it, and return what came behind it."""
    left = length - len(begun)
    while left > 0:
        count = receive_blind(connection, left)
        if not count:
            raise ConnectionResetError
        left -= count
    connection.sendall(_TAKEN)
    return begun[length:]


def _send(connection: socket.socket) -> None:
    """Send until the other side goes away."""
    at = 0
    while True:
        at += os.sendfile(connection.fileno(), source(), at, SOURCE_BYTES - at)
        at %= SOURCE_BYTES


if __name__ == "__main__":
    serve()
