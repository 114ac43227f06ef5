"""A small real collector whose answers a test can spoil, one request at a time."""

import contextlib
import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import tokens
from protocol.chain import check_seal, follow, split_batch
from protocol.errors import LinewatchError


@dataclass(frozen=True)
class Request:
    """A request as it arrived, its body unpacked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer to send: status, body and headers. ``date`` takes the place of the true one."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    date: datetime | None = None


Fault = Callable[[Request, socket.socket], Reply | None]
"""Given a request and its connection, returns the reply, or None where it dealt with it itself."""


def problem(status: int, title: str = "no", **members: object) -> Reply:
    """Return a refusal (RFC 9457)."""
    content = {"type": "about:blank", "title": title, "status": status, **members}
    return Reply(status, json.dumps(content).encode(), "application/problem+json")


class FaultCollector:
    """A collector on loopback for one probe: checks chains and seals, keeps lines in memory.

    Attributes:
        lines: what it accepted, by chain and seq.
        order: (chain, seq) in the order of arrival, duplicates left out.
        requests: everything that arrived.
        faults: answers for the next requests to /v1/records, first come first served.
        instruction: the reply to /v1/instruction.
        public: replies to paths that ask for no token.
        now: its clock.
        port: where it listens.
    """

    def __init__(
        self, key: Ed25519PrivateKey, probe: str, context: ssl.SSLContext | None, port: int
    ) -> None:
        self.lines: dict[tuple[str, int], bytes] = {}
        self.order: list[tuple[str, int]] = []
        self.requests: list[Request] = []
        self.faults: list[Fault | Reply] = []
        self.gaps: list[tuple[str, int]] = []
        self.instruction: Reply = problem(404, "none yet")
        self.public: dict[str, Reply] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._key = key.public_key()
        self._probe = probe
        self._lock = threading.Lock()
        self._server = _Server(self, context, port)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"

    def posts(self) -> list[Request]:
        """Return the requests that carried records."""
        return [request for request in self.requests if request.method == "POST"]

    def answer(self, request: Request, connection: socket.socket) -> Reply | None:
        """Return the reply to a request, as the next fault or the rules say."""
        with self._lock:
            self.requests.append(request)
            if request.path == "/v1/records" and self.faults:
                fault = self.faults.pop(0)
                return fault if isinstance(fault, Reply) else fault(request, connection)
            if request.path in self.public:
                return self.public[request.path]
            refusal = self._refuse(request)
            if refusal:
                return refusal
            if request.path == "/v1/instruction":
                return self.instruction
            return self._store(request)

    def _refuse(self, request: Request) -> Reply | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            tokens.check(token, self._key, self.now())
        except LinewatchError as error:
            return problem(401, "token", detail=str(error))
        return None

    def _store(self, request: Request) -> Reply:
        lines, sealed = split_batch(request.body)
        links = follow(lines)
        check_seal(self._key, sealed, links[-1])
        chain, first = links[0].chain, links[0].seq
        known = [seq for name, seq in self.lines if name == chain]
        expected = max(known, default=-1) + 1
        if first > expected:
            if request.headers.get("linewatch-gap") != "acknowledged":
                return problem(409, "gap", expected_seq=expected)
            self.gaps.append((chain, first))
        stored = 0
        for link, line in zip(links, lines, strict=True):
            if self.lines.setdefault((chain, link.seq), line) != line:
                return problem(409, "fork", expected_seq=link.seq)
            if (chain, link.seq) not in self.order:
                self.order.append((chain, link.seq))
                stored += 1
        return ingested(stored, len(lines) - stored, links[-1].seq + 1)

    @contextlib.contextmanager
    def running(self) -> Iterator["FaultCollector"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def ingested(stored: int, duplicate: int, next_seq: int, *, start_new_chain: bool = False) -> Reply:
    """Return the collector's yes."""
    content = {
        "stored": stored,
        "duplicate": duplicate,
        "quarantined": [],
        "next_seq": next_seq,
        "start_new_chain": start_new_chain,
    }
    return Reply(200, json.dumps(content).encode())


def fault_collector(
    key: Ed25519PrivateKey,
    probe: str = "probe-1",
    certificate: Path | None = None,
    port: int = 0,
) -> FaultCollector:
    """Return a collector that listens on loopback, on a free port if none is named; `running`
    serves.
    """
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    return FaultCollector(key, probe, context, port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, collector: FaultCollector, context: ssl.SSLContext | None, port: int
    ) -> None:
        self.collector = collector
        self._context = context
        self._open: list[socket.socket] = []
        super().__init__(("localhost", port), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._open.append(connection)
        if self._context is None:
            return connection, address
        connection.settimeout(5)
        # The handshake happens in the connection's own thread, at its first read.
        secured = self._context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        self._open[-1] = secured
        return secured, address

    def server_close(self) -> None:
        """Stop listening, and end the connections too: a collector that is away is away."""
        super().server_close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that give up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        collector = self.server.collector
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = collector.answer(Request(self.command, self.path, headers, body), self.connection)
        if reply is None:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        self.send_header("Date", format_datetime(reply.date or collector.now(), usegmt=True))
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        del format, args
