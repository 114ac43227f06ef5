"""Real measurement servers on free ports of loopback, and a client that shows every byte."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from server.app import MeasurementServer
from server.settings import ServerSettings
from tests.certificates import Certificate, self_signed

Serve = Callable[..., MeasurementServer]
Connect = Callable[..., "Client"]


@dataclass(frozen=True)
class Answer:
    """An answer as it came: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection to a server that sends what it is told, and reads answers."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.read_ahead = b""

    def send(self, data: bytes) -> None:
        """Send exactly these bytes."""
        self.socket.sendall(data)

    def ask(self, target: str, method: str = "GET", body: bytes = b"", *headers: str) -> Answer:
        """Send a request and return its answer."""
        lines = [f"{method} {target} HTTP/1.1", "Host: test", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        return self.answer(has_body=method != "HEAD")

    def answer(self, *, has_body: bool = True) -> Answer:
        """Read one answer, whole."""
        head = self.head()
        length = int(head.headers.get("content-length", 0)) if has_body else 0
        body = bytearray(self.read_ahead[:length])
        self.read_ahead = self.read_ahead[length:]
        while len(body) < length:
            body += self._more(length - len(body))
        return Answer(head.status, head.headers, bytes(body))

    def head(self) -> Answer:
        """Read one answer's head only."""
        while b"\r\n\r\n" not in self.read_ahead:
            self.read_ahead += self._more()
        raw, _, self.read_ahead = self.read_ahead.partition(b"\r\n\r\n")
        first, *fields = raw.decode().split("\r\n")
        headers = dict(field.split(": ", 1) for field in fields)
        return Answer(
            int(first.split()[1]), {name.lower(): value for name, value in headers.items()}, b""
        )

    def ended(self) -> bool:
        """Tell whether the server ended the connection; waits for it or for a byte."""
        try:
            return not self.socket.recv(1)
        except ConnectionError:
            return True

    def _more(self, most: int = 65536) -> bytes:
        data = self.socket.recv(most)
        if not data:
            raise EOFError(f"the server ended after {self.read_ahead!r}")
        return data


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers on a free port of 127.0.0.1, with any settings changed."""
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> MeasurementServer:
            server = MeasurementServer(
                ServerSettings.model_validate({"listen": "127.0.0.1:0", **settings})
            )
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect clients to a server, or to a port; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def open_one(
            server: MeasurementServer | int, host: str = "127.0.0.1", source: str | None = None
        ) -> Client:
            port = server if isinstance(server, int) else server.port
            sock = socket.create_connection(
                (host, port), timeout=10, source_address=(source, 0) if source else None
            )
            return Client(stack.enter_context(sock))

        yield open_one


@pytest.fixture(scope="session")
def make_certificate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Certificate]:
    """Make a certificate for 127.0.0.1 with a name of its own."""
    return lambda name: self_signed(tmp_path_factory.mktemp("certificate"), name)
