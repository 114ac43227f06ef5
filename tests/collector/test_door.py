"""The door: each connection has its place or is refused, on real sockets."""

import asyncio
import contextlib
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from protocol.constants import RECORDS_PATH
from tests.certificates import self_signed
from tests.collector.conftest import Running, Start

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@contextlib.contextmanager
def many_sockets(count: int, place: tuple[str, int]) -> Iterator[list[socket.socket]]:
    """Open idle connections, each from one of many loopback addresses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    opened: list[socket.socket] = []
    try:
        for number in range(count):
            source = f"127.0.{number // 200 % 200 + 1}.{number % 200 + 1}"
            opened.append(socket.create_connection(place, 10, source_address=(source, 0)))
            if number % 20 == 0:
                # They arrive over some time: the collector's process is also this one.
                yield_to_loop()
        yield opened
    finally:
        for one in opened:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def yield_to_loop() -> None:
    """Give the collector's thread a moment."""
    time.sleep(0.001)


async def survive_idle(collector: Running, count: int) -> float:
    """Open idle connections; return how long a batch took meanwhile, in seconds."""
    device = collector.device()
    device.fill(5, START)
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, many_sockets(count, collector.place))
        began = time.monotonic()
        async with aiohttp.ClientSession() as client:
            headers = {"Authorization": f"Bearer {device.token()}"}
            url = collector.url + RECORDS_PATH
            async with client.post(url, data=device.batch(), headers=headers) as answer:
                assert answer.status == 200
        return time.monotonic() - began


@pytest.mark.alone
async def test_idle_connections_do_not_keep_a_batch_out(start: Start) -> None:
    """With more idle connections than places, a probe still delivers at once."""
    collector = await start(limits={"connections": 500})
    assert await survive_idle(collector, 2000) < 2
    counts = collector.serving.door.counts
    assert counts.open <= 500
    assert counts.evicted >= 1500


@pytest.mark.alone
@pytest.mark.long
async def test_ten_thousand_idle_connections_do_not_keep_a_batch_out(start: Start) -> None:
    """As above with the settings as they are."""
    collector = await start()
    assert await survive_idle(collector, 10_000) < 2
    assert collector.serving.door.counts.open <= 4096


async def test_one_address_has_its_share_only(start: Start) -> None:
    """Above it a connection is told 503 and when to come back; when one ends there is room."""
    collector = await start(limits={"connections_per_address": 3})
    place = collector.place
    held = [await asyncio.open_connection(*place) for _ in range(3)]
    reader, writer = await asyncio.open_connection(*place)
    told = await asyncio.wait_for(reader.read(), 5)
    assert told.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 30\r\n" in told
    writer.close()
    held[0][1].close()
    await asyncio.sleep(0.1)
    async with collector.client.get(collector.url + "/healthz") as answer:
        assert answer.status == 200
    for _, other in held[1:]:
        other.close()
    assert collector.serving.door.counts.refused == 1


async def test_a_trusted_proxy_has_no_share(start: Start) -> None:
    """All probes may come through one proxy's address."""
    limits = {"connections_per_address": 1, "trusted_proxies": ["127.0.0.1"]}
    collector = await start(limits=limits)
    held = [await asyncio.open_connection(*collector.place) for _ in range(5)]
    async with collector.client.get(collector.url + "/healthz") as answer:
        assert answer.status == 200
    for _, writer in held:
        writer.close()


async def test_a_connection_in_use_keeps_its_place(start: Start) -> None:
    """When all places are taken by requests in progress, the newcomer is refused."""
    collector = await start(limits={"connections": 1})
    device = collector.device()
    host, port = collector.place
    _, writer = await asyncio.open_connection(host, port)
    writer.write(
        f"POST {RECORDS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n"
        f"Authorization: Bearer {device.token()}\r\n\r\n".encode()
    )
    await writer.drain()
    await asyncio.sleep(0.5)
    reader, other = await asyncio.open_connection(host, port)
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 503")
    other.close()
    writer.close()


async def test_silence_before_a_handshake_has_a_place_like_any_other(
    start: Start, tmp_path: Path
) -> None:
    """Connections that never begin TLS count, give way to new ones, and end in their time."""
    made = self_signed(tmp_path)
    limits = {"connections": 20}
    collector = await start(tls=made.settings(), limits=limits)
    trust = ssl.create_default_context(cafile=str(made.certificate))
    with contextlib.ExitStack() as stack:
        silent = await asyncio.to_thread(stack.enter_context, many_sockets(60, collector.place))
        async with collector.client.get(collector.url + "/healthz", ssl=trust) as answer:
            assert answer.status == 200
        assert collector.serving.door.counts.open <= 20
        assert collector.serving.door.counts.evicted >= 40
        # What is not TLS is closed, and so is what says nothing.
        silent[-1].sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert await asyncio.to_thread(read_to_end, silent[-1]) < 3
    await collector.serving.stop()
    # The client's own, whose TLS is being shut down, and none of the silent ones.
    assert collector.serving.door.counts.open <= 1


def read_to_end(sock: socket.socket) -> float:
    """Return after how many seconds the other side ended the connection."""
    began = time.monotonic()
    sock.settimeout(10)
    with contextlib.suppress(ConnectionError):
        while sock.recv(1000):
            pass
    return time.monotonic() - began


async def test_with_tls_one_above_its_share_is_closed(start: Start, tmp_path: Path) -> None:
    """Refused before a handshake is paid for."""
    made = self_signed(tmp_path)
    limits = {"connections_per_address": 1}
    collector = await start(tls=made.settings(), limits=limits)
    _, writer = await asyncio.open_connection(*collector.place)
    await asyncio.sleep(0.2)
    reader, other = await asyncio.open_connection(*collector.place)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert collector.serving.door.counts.refused == 1
    for one in (writer, other):
        one.close()
