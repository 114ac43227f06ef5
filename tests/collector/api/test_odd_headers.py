"""Headers with bytes that are no text: refused like other wrong words, never an error of ours."""

import asyncio

import pytest

from protocol.constants import INSTRUCTION_PATH, RECORDS_PATH
from tests.collector.conftest import Start

ODD = b"\xe8\xff\x80"


async def status_of(url: str, head: bytes) -> int:
    """Send a request's head, return the answer's status."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    "head, status",
    [
        (f"GET {INSTRUCTION_PATH} HTTP/1.1\r\nAuthorization: Bearer a.%b.c", 401),
        (f"POST {RECORDS_PATH} HTTP/1.1\r\nAuthorization: Bearer %b", 401),
        ("GET /v1/probes HTTP/1.1\r\nAuthorization: Basic b3A6%b", 401),
        ("GET /metrics HTTP/1.1\r\nAuthorization: Bearer %b", 401),
        ("GET /v1/probes HTTP/1.1\r\nCookie: linewatch_session=%b", 401),
        ("GET /v1/lines HTTP/1.1\r\nAccept-Language: %b", 200),
        ('GET /v1/lines HTTP/1.1\r\nIf-None-Match: "%b"', 200),
        ("GET / HTTP/1.1\r\nCookie: lang=%b; linewatch_session=%b", 200),
    ],
)
async def test_bytes_that_are_no_text_are_refused(start: Start, head: str, status: int) -> None:
    """In tokens, passwords, cookies, languages and tags alike."""
    collector = await start(metrics={"token": "secret"})
    assert await status_of(collector.url, head.encode().replace(b"%b", ODD)) == status
