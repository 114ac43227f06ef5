"""The agent's page, `status.json` and metrics, on loopback.

For the technician in front of the device and for a scraper on it: works with the line down, loads
nothing from elsewhere, answers GET alone, a few connections at a time, each for a few seconds.
"""

import logging
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from probe.errors import AgentRunningError
from probe.page import render
from probe.settings import StatusSettings
from probe.status_models import AgentStatus
from protocol.model import encode

MAX_CONNECTIONS: Final = 16
"""Handled at once. A technician's browser opens six."""

CONNECTION_SECONDS: Final = 5.0
"""A connection on which nothing happens for this long is closed."""

log = logging.getLogger(__name__)


class StatusServer:
    """Serves the status until it is stopped.

    Args:
        settings: where to listen.
        report: returns the status of this moment; must not take long.
        registry: the metrics.

    Raises:
        AgentRunningError: the address cannot be listened on.
    """

    def __init__(
        self,
        settings: StatusSettings,
        report: Callable[[], AgentStatus],
        registry: CollectorRegistry,
    ) -> None:
        try:
            self._server = _Server((settings.host, settings.port), report, registry)
        except OSError as error:
            raise AgentRunningError(
                f"the status page cannot listen on {settings.host} port {settings.port} "
                f"({error.strerror}); set probe.status.port, 0 takes any free one"
            ) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.5,), name="status", daemon=True
        )

    @property
    def url(self) -> str:
        """The page's address."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. Answers under way are a matter of milliseconds, and are cut."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        report: Callable[[], AgentStatus],
        registry: CollectorRegistry,
    ) -> None:
        self.report = report
        self.registry = registry
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        """Handle a connection in a thread of its own, or close it where too many are open."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)  # type: ignore[arg-type] # typeshed unites TCP and UDP
            return
        super().process_request(request, client_address)  # type: ignore[arg-type] # as above

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Handle a connection, and make room for the next."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type] # as above
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Note a connection that broke; the agent's work goes on."""
        del request
        log.debug("the status page's visitor %s went away", client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = CONNECTION_SECONDS
    server_version = "linewatch"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer the three resources."""
        path = self.path.partition("?")[0]
        if path == "/":
            self._send("text/html; charset=utf-8", render(self.server.report()).encode())
        elif path == "/status.json":
            self._send("application/json", encode(self.server.report()))
        elif path == "/metrics":
            self._send(CONTENT_TYPE_LATEST, generate_latest(self.server.registry))
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's own name
        """Keep visits out of the log."""

    def _send(self, content_type: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)
