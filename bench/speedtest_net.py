"""A stand-in for the outside service that speedtest-cli asks: its configuration, its server list.

Everything else is real where it is used: the package, its program, the server that is measured to.
Run as a program it serves until it is ended, with tests of as many seconds as its argument says.
"""

import http.server
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

CONFIGURATION: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><settings>'
    '<client ip="203.0.113.9" lat="20.86" lon="106.68" isp="VNPT" country="VN"/>'
    '<server-config threadcount="2" ignoreids="666" notonmap="" forcepingid=""/>'
    '<download testlength="1" threadsperurl="1"/>'
    '<upload testlength="1" ratio="5" threads="2" maxchunkcount="6" threadsperurl="1"/>'
    "</settings>"
)
"""The shape of www.speedtest.net/speedtest-config.php, with tests of one second."""

USUAL: Final = (
    CONFIGURATION.replace('threadcount="2"', 'threadcount="4"')
    .replace('threadsperurl="1"', 'threadsperurl="4"')
    .replace('maxchunkcount="6"', 'maxchunkcount="50"')
)
"""The same with the connections that it asked for for years: 8 threads down and 2 up."""

USUAL_SECONDS: Final = 10
"""Of each way, as it asked for for years."""


@dataclass
class Service:
    """What the stand-in answers; a test may change it.

    Attributes:
        url: where it is.
        configuration: the configuration's XML.
        servers: attributes of the servers in its list.
        status: of every answer.
        asked: the paths that were asked for.
    """

    url: str
    configuration: str = CONFIGURATION
    servers: Sequence[Mapping[str, object]] = ()
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> str | None:
        """Return what stands at a path."""
        if path == "/speedtest-config.php":
            return self.configuration
        if path in {"/speedtest-servers-static.php", "/speedtest-servers.php"}:
            listed = (
                f"<server {' '.join(f'{k}={quoteattr(str(v))}' for k, v in each.items())}/>"
                for each in self.servers
            )
            return f"<settings><servers>{''.join(listed)}</servers></settings>"
        return None


def listed(url: str, number: int = 1, **changes: object) -> dict[str, object]:
    """Return a server's attributes as the list has them; ``url`` is that of its upload."""
    place = {"lat": "20.9", "lon": "106.7", "name": "Hai Phong", "country": "Vietnam"}
    return {"url": url, **place, "cc": "VN", "sponsor": "VNPT Net", "id": number, **changes}


@contextmanager
def speedtest_net() -> Iterator[Service]:
    """Serve the stand-in; also a proxy for programs that ask the real name by plain http."""

    class Request(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            service.asked.append(path)
            text = service.answer(path)
            body = (text or "").encode()
            self.send_response(service.status if text is not None else 404)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request) as server:
        service = Service(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until SIGTERM; say where on standard output."""
    length = f'testlength="{int(sys.argv[1])}"'
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with speedtest_net() as service:
        service.configuration = USUAL.replace('testlength="1"', length)
        print(f"listening on {service.url}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
