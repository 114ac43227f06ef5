"""A far end on this device's own loopback, so that only the device itself limits a transfer.

It speaks as much HTTP as the streams of `probe.transfer.streams` need, and touches no byte: what it
sends never leaves the kernel, what it takes is dropped there. It is a child of its own, so that its
CPU time is its own; `serve` is what the child runs.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from probe.transfer.kernel import SOURCE_BYTES, receive_blind, source

_HEAD_BYTES: Final = 65536
_END_OF_HEAD: Final = b"\r\n\r\n"
_DOWNLOAD: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n"
_TAKEN: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

_END_SECONDS: Final = 5.0


class FarEnd:
    """The child, from the side that measures."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self.url = f"http://127.0.0.1:{self._answer()}/"

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used so far.

        Raises:
            OSError: it has ended.
            ValueError: it has ended.
        """
        pipe = self._child.stdin
        if pipe is not None:
            pipe.write("\n")
            pipe.flush()
        return float(self._answer())

    def _answer(self) -> str:
        return self._child.stdout.readline().strip() if self._child.stdout else ""


@contextmanager
def far_end() -> Iterator[FarEnd]:
    """Run a far end until the block ends.

    Raises:
        OSError: it cannot be started.
    """
    command = [sys.executable, "-m", "probe.acceptance.far_end"]
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C is for the program that measures, which then ends this one.
    with subprocess.Popen(  # noqa: S603 - a fixed command
        command, stdin=pipe, stdout=pipe, text=True, start_new_session=True
    ) as child:
        try:
            yield FarEnd(child)
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
