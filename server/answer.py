"""Answers: status line and headers, as LibreSpeed's clients expect them."""

from email.utils import formatdate
from http import HTTPStatus
from importlib import metadata

SOFTWARE = f"linewatch/{metadata.version('linewatch')}"
"""What the server calls its software, in the header Server and in `ServerInfo`."""

Headers = tuple[tuple[str, str], ...]

NO_STORE: Headers = (
    ("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0, s-maxage=0"),
    ("Pragma", "no-cache"),
)
"""Nothing on the way may answer in the server's place."""

CORS: Headers = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Content-Encoding, Content-Type"),
    # Without it a page from elsewhere cannot read the exact times of its own requests.
    ("Timing-Allow-Origin", "*"),
)
"""For a page that was served from elsewhere.

LibreSpeed's own backends give them only where a request says ``cors``; its newer page does not say
so when it has one server in its list, and then fails unless that server is its own.
"""


def render_head(
    status: int, headers: Headers, length: int, *, keep_alive: bool, says_http_1_0: bool = False
) -> bytes:
    """Return the head of an answer.

    Args:
        status: the status code.
        headers: all but Date, Server, Content-Length and Connection.
        length: of the body in bytes.
        keep_alive: whether the connection stays open after it.
        says_http_1_0: whether the client has to be told so.
    """
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Date: {formatdate(usegmt=True)}",
        f"Server: {SOFTWARE}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    if status not in {HTTPStatus.NO_CONTENT, HTTPStatus.SWITCHING_PROTOCOLS}:
        lines.append(f"Content-Length: {length}")
    if not keep_alive:
        lines.append("Connection: close")
    elif says_http_1_0:
        lines.append("Connection: keep-alive")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def too_busy(retry_after_seconds: int) -> bytes:
    """Return the whole answer to a client that has to come back later."""
    body = f"this server is full; come back in {retry_after_seconds} s\n".encode()
    head = render_head(
        HTTPStatus.SERVICE_UNAVAILABLE,
        (
            ("Retry-After", str(retry_after_seconds)),
            ("Content-Type", "text/plain; charset=utf-8"),
            *NO_STORE,
            *CORS,
        ),
        len(body),
        keep_alive=False,
    )
    return head + body
