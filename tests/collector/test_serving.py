"""The server: slow senders and large bodies, TLS, and where it listens, on real sockets."""

import asyncio
import contextlib
import errno
import logging
import resource
import select
import socket
import ssl
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.app import build
from collector.errors import CollectorError
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.serving import serve
from collector.settings import CollectorSettings, LedgerSettings
from protocol.constants import ENROL_PATH, MAX_BODY_BYTES, RECORDS_PATH
from tests.certificates import self_signed
from tests.collector.conftest import Running, Start
from tests.collector.metrics.test_served import scrape

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


async def drip(collector: Running, head: bytes, seconds: float) -> tuple[float, bytes]:
    """Send a byte now and then; return when the collector ended it, and what it answered."""
    reader, writer = await asyncio.open_connection(*collector.place)
    began = time.monotonic()
    answer = b""

    async def listen() -> None:
        # What came before a reset counts: who keeps sending is cut off in the end.
        nonlocal answer
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(65536):
                answer += part

    writer.write(head)
    listening = asyncio.create_task(listen())
    with contextlib.suppress(ConnectionError):
        while not listening.done() and time.monotonic() - began < seconds:
            writer.write(b"a")
            await writer.drain()
            await asyncio.wait([listening], timeout=0.2)
    took = time.monotonic() - began
    # After a failed write the answer may still wait to be read.
    await asyncio.wait([listening], timeout=0.5)
    listening.cancel()
    writer.close()
    return took, answer


async def test_headers_that_never_end_are_ended(start: Start) -> None:
    """A client that sends its headers byte by byte is closed after the idle time."""
    collector = await start(limits={"idle_seconds": 1.0})
    took, _ = await drip(collector, b"GET /healthz HTTP/1.1\r\nX: ", 8)
    assert took < 4


async def test_a_body_a_byte_at_a_time_is_ended(collector: Running) -> None:
    """A sender below the least rate is told 408 after the time of grace."""
    device = collector.device()
    head = (
        f"POST {RECORDS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
        f"Authorization: Bearer {device.token()}\r\n\r\n"
    ).encode()
    took, answer = await drip(collector, head, 12)
    assert took < 9
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too slow" in answer


def send_until_answered(place: tuple[str, int], head: bytes, piece: bytes) -> tuple[int, bytes]:
    """Send a head, then pieces until something comes back; return how much was sent, and that."""
    sent = 0
    with socket.create_connection(place, 60) as sock:
        sock.sendall(head)
        # Ends at the answer, at a gigabyte, or after a minute without either.
        while sent < 1 << 30 and not select.select([sock], [], [], 0 if piece else 60)[0]:
            sock.sendall(piece)
            sent += len(piece)
        return sent, sock.recv(65536)


async def test_a_body_of_a_gigabyte_is_refused_unread(collector: Running) -> None:
    """Announced it ends with 413 at once, streamed soon; and the memory stays as it was."""
    device = collector.device()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = f"POST {RECORDS_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {device.token()}\r\n"
    place = collector.place
    announced = f"{start}Content-Length: {1 << 30}\r\n\r\n".encode()
    sent, answer = await asyncio.to_thread(send_until_answered, place, announced, b"")
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent == 0
    streamed = f"{start}Transfer-Encoding: chunked\r\n\r\n".encode()
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent, answer = await asyncio.to_thread(send_until_answered, place, streamed, piece)
    assert answer.startswith(b"HTTP/1.1 413")
    # The largest body, and what fits into the buffers of two sockets.
    assert sent < MAX_BODY_BYTES + (32 << 20)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 20 * MAX_BODY_BYTES // 1024
    async with collector.client.get(collector.url + "/healthz") as well:
        assert well.status == 200


async def test_large_headers_are_refused(collector: Running) -> None:
    """A header line above 8 KiB gets 400, not memory."""
    headers = {"X-Large": "x" * 20_000}
    async with collector.client.get(collector.url + "/healthz", headers=headers) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    "body_head",
    [b"Content-Length: 4097\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1001\r\n" + b" " * 4097],
    ids=["announced", "streamed"],
)
async def test_a_large_enrolment_is_refused(collector: Running, body_head: bytes) -> None:
    """An enrolment is small: the first byte too many is refused, and no more is waited for."""
    head = f"POST {ENROL_PATH} HTTP/1.1\r\nHost: x\r\n".encode() + body_head
    _, answer = await asyncio.to_thread(send_until_answered, collector.place, head, b"")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"4096 bytes" in answer


@pytest.mark.parametrize("path", [RECORDS_PATH, ENROL_PATH, "/login"])
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
async def test_a_sender_that_goes_away_in_mid_body_is_no_error(
    collector: Running, caplog: pytest.LogCaptureFixture, path: str, reset: bool, chunked: bool
) -> None:
    """On a bad line it is an everyday event: not logged, not a 500, nothing kept apart."""
    device = collector.device()
    device.fill(5, START)
    body = device.batch()[:1000]
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 2000"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {device.token()}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n{length}\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection(*collector.place)
    writer.write(head + (b"7d0\r\n" if chunked else b"") + body)
    await writer.drain()
    await wait_until_busy(collector)
    if reset:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    else:
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
    requests = await statuses_of(collector, path)
    assert requests == {"499": 1}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    await collector.serving.stop()
    assert [collector.count(table) for table in (schema.quarantine, schema.events)] == [0, 0]


async def wait_until_busy(collector: Running) -> None:
    """Return once a request is being answered and its reader waits for more of the body."""
    async with asyncio.timeout(30):
        while True:
            # Time for the handler to get as far as the body; before it, the outcome is the same.
            await asyncio.sleep(0.2)
            if not collector.serving.door.quiet.is_set():
                return


async def statuses_of(collector: Running, path: str) -> dict[str, float]:
    """Return how many requests of a resource ended with which status, once there is one."""
    async with asyncio.timeout(30):
        while True:
            found = {
                dict(labels)["status"]: number
                for (name, labels), number in (await scrape(collector)).items()
                if name == "linewatch_collector_request_seconds_count"
                and dict(labels)["resource"] == path
            }
            if found:
                return found
            await asyncio.sleep(0.05)


async def test_it_speaks_tls_where_it_has_a_certificate(start: Start, tmp_path: Path) -> None:
    """The URL says https, and a client that trusts the certificate gets its answer."""
    made = self_signed(tmp_path)
    collector = await start(tls=made.settings())
    assert collector.url.startswith("https://")
    trust = ssl.create_default_context(cafile=str(made.certificate))
    async with collector.client.get(collector.url + "/healthz", ssl=trust) as answer:
        assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_without_a_host_it_listens_on_every_address(start: Start) -> None:
    """`:8000` is IPv4 and IPv6, as for the measurement server."""
    collector = await start(listen=":0")
    _, port = collector.place
    for host in ("127.0.0.1", "[::1]"):
        async with collector.client.get(f"http://{host}:{port}/healthz") as answer:
            assert answer.status == 200


async def test_without_ipv6_every_address_is_of_ipv4(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel may be started without IPv6; `:8000` still listens."""

    class WithoutIpv6(socket.socket):
        def __init__(self, family: int = -1, *arguments: int, **more: int) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *arguments, **more)

    monkeypatch.setattr(socket, "socket", WithoutIpv6)
    collector = await start(listen=":0")
    _, port = collector.place
    async with collector.client.get(f"http://127.0.0.1:{port}/healthz") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "changes,sentence",
    [
        ({"listen": "192.0.2.1:80"}, "cannot listen on 192.0.2.1:80"),
        ({"tls": {"certificate": "/no", "key": "/no"}}, "not a usable certificate"),
    ],
)
async def test_what_cannot_be_opened_is_a_sentence(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    """An address or certificate that cannot be used is named, and nothing stays open."""
    ledger = LedgerSettings(path=tmp_path / "l.sqlite")
    settings = CollectorSettings.model_validate(
        {"listen": "127.0.0.1:0", "ledger": ledger, **changes}
    )
    with contextlib.closing(Database(ledger)) as database:
        migrate(database)
        with pytest.raises(CollectorError, match=sentence):
            await serve(build(settings, database), settings)
