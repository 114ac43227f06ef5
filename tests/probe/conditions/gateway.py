"""A made router that speaks UPnP over HTTP on loopback, well or not."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ADDRESS = "127.0.0.1"

_DEVICE = "urn:schemas-upnp-org:device:{}:1"
_SERVICE = "urn:schemas-upnp-org:service:{}:1"
_SERVICES = {
    "WANCommonInterfaceConfig": ("GetTotalBytesReceived", "GetTotalBytesSent"),
    "WANIPConnection": ("GetExternalIPAddress",),
}
_RESULTS = {
    "GetTotalBytesReceived": ("NewTotalBytesReceived", "ui4", "1000"),
    "GetTotalBytesSent": ("NewTotalBytesSent", "ui4", "2000"),
    "GetExternalIPAddress": ("NewExternalIPAddress", "string", "198.51.100.7"),
}


def _description(base: str, copies: int) -> str:
    services = "".join(
        f"<service><serviceType>{_SERVICE.format(name)}</serviceType>"
        f"<serviceId>urn:upnp-org:serviceId:{name}{copy}</serviceId>"
        f"<SCPDURL>{base}/{name}.xml</SCPDURL><controlURL>{base}/control</controlURL>"
        f"<eventSubURL>{base}/events</eventSubURL></service>"
        for copy in range(copies)
        for name in _SERVICES
    )
    return (
        '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">'
        "<specVersion><major>1</major><minor>0</minor></specVersion><device>"
        f"<deviceType>{_DEVICE.format('InternetGatewayDevice')}</deviceType>"
        "<friendlyName>made</friendlyName><manufacturer>made</manufacturer>"
        "<modelName>made</modelName><UDN>uuid:1</UDN>"
        f"<serviceList>{services}</serviceList></device></root>"
    )


def _service(name: str) -> str:
    actions, variables = "", ""
    for action in _SERVICES[name]:
        result, kind, _ = _RESULTS[action]
        actions += (
            f"<action><name>{action}</name><argumentList><argument><name>{result}</name>"
            f"<direction>out</direction><relatedStateVariable>{result}V</relatedStateVariable>"
            "</argument></argumentList></action>"
        )
        variables += (
            f'<stateVariable sendEvents="no"><name>{result}V</name><dataType>{kind}</dataType>'
            "</stateVariable>"
        )
    return (
        '<?xml version="1.0"?><scpd xmlns="urn:schemas-upnp-org:service-1-0">'
        "<specVersion><major>1</major><minor>0</minor></specVersion>"
        f"<actionList>{actions}</actionList>"
        f"<serviceStateTable>{variables}</serviceStateTable></scpd>"
    )


def _answer(action: str, service: str) -> str:
    result, _, value = _RESULTS[action]
    return (
        '<?xml version="1.0"?>'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:{action}Response xmlns:u="{service}"><{result}>{value}</{result}>'
        f"</u:{action}Response></s:Body></s:Envelope>"
    )


@dataclass
class Gateway:
    """The router, and how it misbehaves.

    Attributes:
        silent: paths that it accepts a request for and never answers.
        endless: whether its description has no end.
        elsewhere: the host that its description names for its services; None: itself.
        copies: of each service.
        answers_after_seconds: to each request.
        asked: the requests that came: path or action.
    """

    silent: set[str] = field(default_factory=set)
    endless: bool = False
    elsewhere: str | None = None
    copies: int = 1
    answers_after_seconds: float = 0.0
    asked: list[str] = field(default_factory=list)
    place: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answer on a port of loopback until the block ends."""
        handler = type("Handler", (_Handler,), {"gateway": self})
        with ThreadingHTTPServer((ADDRESS, 0), handler) as server:
            server.daemon_threads = True
            self.place = f"http://{ADDRESS}:{server.server_port}/root.xml"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield
            finally:
                self.ended.set()
                server.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    gateway: Gateway

    def do_GET(self) -> None:
        """Describe the device or a service."""
        gateway = self.gateway
        gateway.asked.append(self.path)
        gateway.ended.wait(gateway.answers_after_seconds)
        if self.path in gateway.silent:
            gateway.ended.wait(60)
            return
        if self.path == "/root.xml":
            host = gateway.elsewhere or ADDRESS
            base = f"http://{host}:{urlsplit(gateway.place).port}"
            self._send(_description(base, gateway.copies), endless=gateway.endless)
        else:
            self._send(_service(self.path.strip("/").removesuffix(".xml")))

    def do_POST(self) -> None:
        """Answer an action."""
        self.rfile.read(int(self.headers["Content-Length"]))
        service, _, action = self.headers["SOAPAction"].strip('"').partition("#")
        self.gateway.asked.append(action)
        if action in self.gateway.silent:
            self.gateway.ended.wait(60)
            return
        self._send(_answer(action, service))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, text: str, *, endless: bool = False) -> None:
        with contextlib.suppress(OSError):  # the asker went away
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.end_headers()
            self.wfile.write(text.encode())
            while endless and not self.gateway.ended.is_set():
                self.wfile.write(b" " * 65536)
