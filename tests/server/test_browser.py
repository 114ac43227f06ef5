"""A browser measures against the server, from a page of another origin."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.browser import open_browser
from tests.server.conftest import Connect, Serve


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def page() -> Iterator[str]:
    """Serve the page at an origin of its own; give its address."""
    handler = functools.partial(_Quiet, directory=str(Path(__file__).parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/browser_page.html"
        server.shutdown()


def test_browser_gets_a_result(serve: Serve, connect: Connect, page: str) -> None:
    """Chromium, with the requests of LibreSpeed's clients, gets address, rates and round trips."""
    server = serve()
    with open_browser() as browser:
        browser.open(f"{page}?server={server.url}")
        result = browser.wait_for("return window.result", 30)
    assert result.get("error") is None
    assert result["address"] == "127.0.0.1 - localhost IPv4 access"
    assert result["download"] > 50
    assert result["upload"] > 50
    # Exact times are told to a page of another origin only where the server allows it.
    assert len(result["roundTrips"]) == 10
    assert all(0 < milliseconds < 1000 for milliseconds in result["roundTrips"])
    text = connect(server).ask("/metrics").body.decode()
    counted = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(counted['linewatch_server_payload_bytes_total{direction="upload"}']) > 0
    assert float(counted['linewatch_server_requests_total{resource="empty.php",status="204"}']) > 0
