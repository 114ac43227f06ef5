"""Far ends for tests: a plain LibreSpeed backend on the standard library's HTTP server, and bare
connections that misbehave as a test says.
"""

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

Handler = http.server.BaseHTTPRequestHandler

FROZEN_SECONDS = 12.0
"""How long a far end that says nothing waits for the other side to go away."""

PIECE = b"\xa5" * 65536
PIECES_OF_MEBIBYTE = 16


@contextmanager
def listening(talk: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Iterator[str]:
    """Accept connections and let ``talk`` have each in a thread; yield the URL.

    ``talk`` ends when the test closes its connection.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, 0), family=family)
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            talk(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.getsockname()[1]}/"
    finally:
        for each in [server, *connections]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
        server.close()
        for thread in threads:
            thread.join(5)


def mute(connection: socket.socket) -> None:
    """Take everything and say nothing until the other side goes away."""
    while connection.recv(4096):
        pass


@contextmanager
def plain_backend(
    replaced: Mapping[str, Callable[[Handler], None]] | None = None,
    *,
    served: Mapping[str, Callable[[Handler], None]] | None = None,
    prefix: str = "/",
    host: str = "127.0.0.1",
) -> Iterator[str]:
    """Serve `garbage`, `empty` and `getIP` as LibreSpeed's backends do; yield the server's URL.

    Args:
        replaced: what answers instead, by the resource's name.
        served: all that there is, in place of the three resources.
        prefix: where the resources stand.
        host: where to listen.
    """
    usual = {"garbage.php": garbage, "empty.php": empty, "getIP.php": get_ip}
    resources = {**(usual if served is None else served), **(replaced or {})}

    class Request(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        timeout = 10

        def handle_one_request(self) -> None:
            # A probe ends its streams in mid-transfer.
            with contextlib.suppress(ConnectionError, TimeoutError):
                super().handle_one_request()
                return
            self.close_connection = True

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            resource = resources.get(path.removeprefix(prefix)) if prefix in path else None
            if resource is None:
                answer(self, b"nothing here", status=404)
            else:
                resource(self)

        do_POST = do_GET  # noqa: N815 - as above

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            with contextlib.suppress(ConnectionError, TimeoutError):
                super().finish_request(request, client_address)

    with Server((host, 0), Request) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def answer(
    request: Handler, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> None:
    """Send a small answer."""
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
    request.wfile.flush()


def mebibytes(request: Handler) -> int:
    """Return what a download request asks for."""
    return int(parse_qs(urlsplit(request.path).query)["ckSize"][0])


def garbage(request: Handler) -> None:
    """Send what was asked for, with its length."""
    count = mebibytes(request)
    request.send_response(200)
    request.send_header("Content-Type", "application/octet-stream")
    request.send_header("Content-Length", str(count * 1024 * 1024))
    request.end_headers()
    for _ in range(count * PIECES_OF_MEBIBYTE):
        request.wfile.write(PIECE)


def empty(request: Handler) -> None:
    """Take whatever comes, answer nothing."""
    left = int(request.headers.get("Content-Length", 0))
    while left:
        left -= len(request.rfile.read1(min(left, len(PIECE)))) or left
    answer(request, b"")


def get_ip(request: Handler) -> None:
    """Say who asks, as LibreSpeed does."""
    text = f'{{"processedString": "{request.client_address[0]} - localhost", "rawIspInfo": ""}}'
    answer(request, text.encode())


def stops(request: Handler) -> None:
    """Send a little of what was asked for, then close."""
    request.send_response(200)
    request.send_header("Content-Length", str(1 << 30))
    request.end_headers()
    for _ in range(10):
        request.wfile.write(PIECE)
    request.close_connection = True


def freezes(request: Handler) -> None:
    """Send a little of what was asked for, then nothing more until the other side goes away."""
    stops(request)
    request.wfile.flush()
    request.connection.settimeout(FROZEN_SECONDS)
    request.rfile.read(1)
