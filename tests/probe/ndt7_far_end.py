"""A far end that speaks ndt7 for tests: it upgrades, then behaves or misbehaves as a test says."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from protocol.ndt7 import SUBPROTOCOL
from protocol.websocket import CloseCode, Frames, Opcode, accept_of, close_frame, frame
from tests.probe.far_end import listening

PIECE = bytes(8192)


@dataclass
class Wire:
    """A server's end of an upgraded connection."""

    connection: socket.socket
    frames: Frames = field(
        default_factory=lambda: Frames(masked=True, binary=True, kept_text_bytes=0)
    )
    pongs: list[bytes] = field(default_factory=list)

    def load(self) -> None:
        """Send binary messages until the client goes away."""
        while True:
            self.connection.sendall(frame(Opcode.BINARY, PIECE, masked=False))

    def drain(self, until: Callable[[], bool] = lambda: False) -> None:
        """Take what comes until the client says goodbye, and say it too."""
        while not until():
            data = self.connection.recv(1 << 20)
            messages = self.frames.feed(data)
            self.pongs += [m.payload for m in messages if m.opcode is Opcode.PONG]
            if not data or any(m.opcode is Opcode.CLOSE for m in messages):
                break
        self.close()

    def close(self, code: CloseCode = CloseCode.NORMAL, reason: str = "") -> None:
        """Say goodbye."""
        self.connection.sendall(close_frame(code, reason, masked=False))

    def say(self, **message: object) -> None:
        """Send a measurement."""
        self.connection.sendall(frame(Opcode.TEXT, json.dumps(message).encode(), masked=False))


def loads(wire: Wire) -> None:
    """Be a simple download, which ends where the client's goodbye comes."""

    def drain() -> None:
        with suppress(OSError):  # the client ends the connection in the end
            wire.drain()

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    with suppress(OSError):  # as above
        wire.load()
    thread.join(5)


@dataclass
class FarEnd:
    """A server that upgrades, then does what a test says.

    Attributes:
        download, upload: what it does then; by default what a simple server does.
        headers: of its 101, over those that are right.
        answer: sent instead of a 101.
        requests: the first lines that came.
    """

    download: Callable[[Wire], None] = loads
    upload: Callable[[Wire], None] = Wire.drain
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes | None = None
    requests: list[str] = field(default_factory=list)

    def talk(self, connection: socket.socket) -> None:
        """Serve a connection."""
        connection.settimeout(10)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        first, *lines = head.decode().split("\r\n")
        self.requests.append(first)
        asked = dict(line.split(": ", 1) for line in lines if line)
        if self.answer is not None:
            connection.sendall(self.answer)
            return
        fields = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept_of(asked["Sec-WebSocket-Key"]),
            "Sec-WebSocket-Protocol": SUBPROTOCOL,
        } | self.headers
        said = [f"{name}: {value}" for name, value in fields.items()]
        connection.sendall("\r\n".join(["HTTP/1.1 101 Go", *said, "", ""]).encode())
        move = self.download if "/download" in first else self.upload
        move(Wire(connection))

    @contextmanager
    def running(self) -> Iterator[str]:
        """Listen on loopback; yield the URL."""
        with listening(self.talk) as url:
            yield url.replace("http", "ws", 1)


def wait(connection: socket.socket) -> None:
    """Keep a connection open until the other side closes it."""
    connection.settimeout(10)
    while connection.recv(1 << 16):
        pass


def sends(data: bytes) -> Callable[[Wire], None]:
    """Return a download that sends a little load, then these bytes, then nothing more."""

    def download(wire: Wire) -> None:
        wire.connection.sendall(frame(Opcode.BINARY, PIECE, masked=False) + data)
        wait(wire.connection)

    return download


def says(**message: object) -> Callable[[Wire], None]:
    """Return an upload that says this of itself, whatever comes."""

    def upload(wire: Wire) -> None:
        wire.say(**message)
        wire.drain()

    return upload
