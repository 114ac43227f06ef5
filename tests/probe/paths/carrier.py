"""A carrier's side of an uplink, in a namespace of its own: name server, far end, both families.

`python -m tests.probe.paths.carrier NAME FAR4 FAR6` listens until it is ended. Its name server
(UDP port 53) knows, each with FAR4 where it is asked for A:

- `both.example`, `slow6.example`: FAR6 for AAAA;
- `only4.example`: nothing for AAAA;
- `broken.example`: an error (SERVFAIL) for AAAA;

and that nothing else exists. Port 8080 answers HTTP with NAME, port 8081 as late over IPv6 as
`LATE_SECONDS`.
"""

import http.server
import ipaddress
import socket
import struct
import sys
import threading
import time

LATE_SECONDS = 0.06

_A, _AAAA = 1, 28
_SERVFAIL, _NXDOMAIN = 2, 3
_NAMES = {b"both", b"slow6", b"only4", b"broken"}


def answer(query: bytes, far4: str, far6: str) -> bytes:
    """Return the answer to a query for an address."""
    end = query.index(b"\0", 12) + 1
    labels = query[13 : 13 + query[12]], query[14 + query[12] : end]
    kind = struct.unpack_from("!H", query, end)[0]
    code, found = 0, b""
    if labels[0] not in _NAMES or labels[1] != b"\x07example\0"[1:]:
        code = _NXDOMAIN
    elif kind == _A:
        found = ipaddress.IPv4Address(far4).packed
    elif labels[0] == b"broken":
        code = _SERVFAIL
    elif kind == _AAAA and labels[0] != b"only4":
        found = ipaddress.IPv6Address(far6).packed
    record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(found)) + found if found else b""
    head = struct.pack(
        "!HHHHHH", *struct.unpack("!H", query[:2]), 0x8180 | code, 1, bool(found), 0, 0
    )
    return head + query[12 : end + 4] + record


def serve_names(far4: str, far6: str) -> None:
    """Answer on port 53 for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("", 53))
        while True:
            query, sender = listening.recvfrom(512)
            listening.sendto(answer(query, far4, far6), sender)


def server(port: int, name: str, late_seconds: float) -> http.server.ThreadingHTTPServer:
    """Return a server of both families that says its name, late over IPv6."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.client_address[0].startswith("::ffff:"):
                time.sleep(late_seconds)
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_: object) -> None:
            pass

    class DualStack(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6

        def server_bind(self) -> None:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

    return DualStack(("::", port), Handler)


def main() -> None:
    """Serve until ended."""
    name, far4, far6 = sys.argv[1:]
    threading.Thread(target=serve_names, args=(far4, far6), daemon=True).start()
    late = server(8081, name, LATE_SECONDS)
    threading.Thread(target=late.serve_forever, daemon=True).start()
    prompt = server(8080, name, 0.0)
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    prompt.serve_forever()


if __name__ == "__main__":
    main()
