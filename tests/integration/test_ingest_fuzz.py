"""Mutated batches, headers, compressed streams and requests against a real collector.

Whatever comes: an answer below 500, no crash, no growth, and in the ledger nothing but what the
probes signed. One probe's batches are changed on their way. Another one signs records that are odd
in themselves, as a broken or an evil device would: these come as far as a record can come, and what
was told to be kept is kept. The seed is fixed; the long version takes others too, and many more
requests.
"""

import asyncio
import contextlib
import gzip
import io
import json
import os
import random
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Connection, Table, select

from collector.ledger.database import Database
from collector.ledger.figures import unaccounted_slots
from collector.ledger.schema import quarantine, records
from collector.settings import LedgerSettings
from protocol.chain import Link, hash_line, seal, split_batch, write_batch
from protocol.constants import GAP_ACKNOWLEDGED, GAP_HEADER, GENESIS_HASH, RECORDS_PATH
from tests.collector.conftest import enrol_directly, fill_registry
from tests.collector.device import Device
from tests.collector.postgres import serving
from tests.integration.support import Part, start_collector

SHORT, LONG = 500, 200_000
AT_ONCE = 8
GROWTH_BYTES = 96 * 1024 * 1024
"""The most that the process may grow after its first requests: what it may hold of bodies at once
(64 MiB), and what its threads keep. It does not depend on how many requests there are."""

MOST_WITHOUT_ANSWER = 0.25
"""The share of requests whose connection may end without a status: most of the raw ones, which end
in the middle, and what our own client refuses to send."""

Dice = random.Random
Mutation = Callable[[Dice, bytes], bytes]


# --- Bytes of a batch ------------------------------------------------------------------------


def flip(dice: Dice, body: bytes) -> bytes:
    """Change some bytes."""
    changed = bytearray(body)
    for _ in range(dice.randint(1, 8)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def cut(dice: Dice, body: bytes) -> bytes:
    """Leave out a piece."""
    start = dice.randrange(len(body))
    return body[:start] + body[start + dice.randint(1, len(body)) :]


def repeat(dice: Dice, body: bytes) -> bytes:
    """Put lines twice, or in another order."""
    lines = body.splitlines(keepends=True)
    dice.shuffle(lines)
    return b"".join(lines[: dice.randint(1, len(lines))] * dice.randint(1, 3))


def values(dice: Dice, body: bytes) -> bytes:
    """Put something else in the place of numbers, words and nulls."""
    odd = [
        b"1e999", b"-1", b"9" * 400, b"0.0", b"true", b"null", b"[]", b"{}", b'"\\ud800"',
        b'"\\u0000"', b"NaN", b'"' + b"x" * 5000 + b'"', b"[" * 2000, b'"9999-12-31T23:59:59Z"',
    ]  # fmt: skip
    pattern = dice.choice([rb"\b\d+(\.\d+)?\b", rb'"[^"]{1,40}"', rb"\bnull\b", rb"\btrue\b"])
    share = dice.random() ** 3
    return re.sub(
        pattern, lambda found: dice.choice(odd) if dice.random() < share else found[0], body
    )


def keys(dice: Dice, body: bytes) -> bytes:
    """Name a key twice, or another way."""
    found = list(re.finditer(rb'"(\w+)":', body))
    one = dice.choice(found)
    return body[: one.start()] + b'"%s":0,' % dice.choice(found)[1] + body[one.start() :]


def nest(dice: Dice, body: bytes) -> bytes:
    """Put a deep structure into a line."""
    deep = dice.choice([b"[", b'{"a":']) * dice.randint(100, 50_000)
    return body.replace(b"null", deep, 1)


def invalid(dice: Dice, body: bytes) -> bytes:
    """Put in bytes that are no UTF-8, and ends of lines of other kinds."""
    at = dice.randrange(len(body))
    odd = [b"\xff\xfe", b"\xed\xa0\x80", b"\r\n", b"\0", b"\xe2\x80\xa8", b"\n\n\n"]
    return body[:at] + dice.choice(odd) + body[at:]


def same(_: Dice, body: bytes) -> bytes:
    """Leave it."""
    return body


BODIES: tuple[Mutation, ...] = (flip, cut, repeat, values, keys, nest, invalid, same)


# --- Compressed streams ----------------------------------------------------------------------


def bomb(dice: Dice, _: bytes) -> bytes:
    """Return a small stream of very many bytes."""
    return gzip.compress(bytes(dice.choice([8, 64]) * 1024 * 1024), 9)


def twice(_: Dice, packed: bytes) -> bytes:
    """Return two members."""
    return packed + packed


def deflated(_: Dice, packed: bytes) -> bytes:
    """Return another format of the same compression."""
    return zlib.compress(gzip.decompress(packed))


STREAMS: tuple[Mutation, ...] = (flip, cut, bomb, twice, deflated, same)


# --- Odd records under a good seal -------------------------------------------------------------


def odd_batch(dice: Dice, device: Device, batch: bytes, name: str) -> tuple[list[bytes], bytes]:
    """Return lines that are changed behind their places, linked anew, and their batch, sealed."""
    lines: list[bytes] = []
    prev = GENESIS_HASH
    for seq, line in enumerate(dice.sample(split_batch(batch)[0], dice.randint(1, 3))):
        rest = line[line.index(b'"prev":"') + len(b'"prev":"') + len(prev) :]
        changed = dice.choice(BODIES)(dice, rest).replace(b"\n", b" ")
        place = f'{{"schema":1,"probe":"{device.probe}","chain":"{name}","seq":{seq},"prev":"'
        lines.append(place.encode() + prev.encode() + changed)
        prev = hash_line(lines[-1])
    last = Link(device.probe, name, len(lines) - 1, "", prev, tombstone=False)
    return lines, write_batch(lines, seal(device.key, last))


# --- Requests --------------------------------------------------------------------------------


def headers(dice: Dice, device: Device) -> dict[str, str]:
    """Return headers, most of them good."""
    token = device.token()
    tokens = [
        token[:-3], token.swapcase(), "a.b.c", "", "é" * 10,
        f"{token}.{token}", token.split(".")[0], "A" * 7000,
    ]  # fmt: skip
    made = {"Authorization": f"Bearer {token if dice.random() < 0.85 else dice.choice(tokens)}"}
    if dice.random() < 0.3:
        made[GAP_HEADER] = dice.choice([GAP_ACKNOWLEDGED, "yes", "", "9" * 50])
    if dice.random() < 0.1:
        made["Content-Type"] = dice.choice(["text/plain", "application/json; charset=utf-16", ";"])
    if dice.random() < 0.1:
        made["X-Forwarded-For"] = dice.choice(["1.2.3.4", "::1, ::1", "x" * 3000])
    return made


def request(dice: Dice, device: Device, batch: bytes) -> tuple[dict[str, str], bytes]:
    """Return headers and body of one request."""
    made = headers(dice, device)
    body = dice.choice(BODIES)(dice, batch)
    if dice.random() < 0.6:
        body = dice.choice(STREAMS)(dice, gzip.compress(body, 1))
        made["Content-Encoding"] = "gzip"
    elif dice.random() < 0.1:
        made["Content-Encoding"] = dice.choice(["br", "gzip, gzip", "identity", "GZIP", "x" * 999])
    return made, body


def raw(dice: Dice, device: Device, batch: bytes) -> bytes:
    """Return a request as bytes, somewhere between HTTP and not."""
    whole = (
        f"POST {RECORDS_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {device.token()}\r\n"
    ).encode()
    length = dice.choice([len(batch), len(batch) + 5, 3, -1, 10**20])
    framed = dice.choice(
        [
            b"Content-Length: %d\r\n\r\n" % length + batch,
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(batch) + batch + b"\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + batch,
            b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            b"X: " + b"y" * dice.choice([100, 100_000]) + b"\r\n\r\n",
            b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        ]
    )
    return dice.choice([same, flip, cut])(dice, whole + framed)


# --- The test --------------------------------------------------------------------------------


@dataclass
class Answered:
    """What became of requests.

    Attributes:
        statuses: how many had each; "none": the connection ended without one.
        kept: hashes of odd lines that the collector told to have stored or put apart.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    kept: set[str] = field(default_factory=set)


async def bombard(
    url: str, devices: tuple[Device, Device], batches: list[bytes], seed: int, count: int
) -> Answered:
    """Send requests: the first device's, changed, and odd records that the second one signed."""
    device, odd = devices
    answered = Answered()
    numbers = iter(range(count))
    host, port = url.removeprefix("http://").split(":")

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        dice = random.Random(f"{seed}/{number}")
        batch = dice.choice(batches)
        if number % 10 == 0:
            status = await _raw(host, int(port), raw(dice, device, batch))
        elif number % 3 == 0:
            lines, body = odd_batch(dice, odd, batch, f"f{seed}-{number}")
            status = await post(session, {"Authorization": f"Bearer {odd.token()}"}, body)
            answered.kept |= set(map(hash_line, lines)) if status == "200" else set()
        else:
            status = await post(session, *request(dice, device, batch))
        assert status == "none" or int(status) < 500, (status, seed, number)
        answered.statuses[status] += 1

    async def post(session: aiohttp.ClientSession, made: dict[str, str], body: bytes) -> str:
        # The client warns of long bodies that are not given as a file.
        data = io.BytesIO(body)
        try:
            async with session.post(url + RECORDS_PATH, data=data, headers=made) as answer:
                return str(answer.status)
        except (aiohttp.ClientError, ValueError):
            # Our own client refuses some headers, and some refusals end the connection.
            return "none"

    async def worker(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            await one(session, number)

    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker(session))
    return answered


async def _raw(host: str, port: int, content: bytes) -> str:
    """Send bytes; return the status that they were answered with.

    Raises:
        TimeoutError: they were neither answered nor was the connection ended.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(content)
        writer.write_eof()
        line = await asyncio.wait_for(reader.readline(), 60)
    except ConnectionError:
        return "none"
    finally:
        writer.close()
    return line.split()[1].decode() if line.startswith(b"HTTP/1.") else "none"


def resident_bytes(part: Part) -> int:
    """Return how much memory a collector and the processes that it started hold."""
    own = part.process.popen.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    pages = 0
    for process in (own, *children):
        pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def ledger(kind: str, folder: Path) -> Iterator[LedgerSettings]:
    """Yield the settings of an empty ledger."""
    if kind == "sqlite":
        yield LedgerSettings(path=folder / "ledger.sqlite")
        return
    with serving() as server:
        yield server.settings(server.new_database())


def section(settings: LedgerSettings) -> dict[str, str]:
    """Return them as a configuration has them."""
    url = settings.url
    return {"url": url.get_secret_value()} if url else {"path": str(settings.path)}


LONG_ONE = [pytest.mark.long, pytest.mark.timeout(7200)]


@pytest.mark.parametrize(
    "kind, seed, count",
    [
        pytest.param("sqlite", 1, SHORT, id="sqlite"),
        pytest.param("postgresql", 1, SHORT, id="postgresql"),
        pytest.param("sqlite", 2, LONG, id="long-sqlite", marks=LONG_ONE),
        pytest.param("postgresql", 2, LONG, id="long-postgresql", marks=LONG_ONE),
    ],
)
def test_no_request_breaks_the_collector(kind: str, seed: int, count: int, tmp_path: Path) -> None:
    """See above; at the end the collector takes the same batches as if nothing had been."""
    now = datetime.now(UTC)
    device, odd = Device("p1"), Device("p2")
    device.fill(40, now - timedelta(hours=6))
    device.add(now - timedelta(hours=1))
    batches = [device.batch(first, first + size) for first, size in ((0, 3), (3, 9), (12, 29))]
    signed = {json.loads(line)["seq"]: line for line in device.lines}
    limits = {"connections_per_address": 64, "request_seconds": 20}
    with ledger(kind, tmp_path) as where:
        settings = {"limits": limits, "ledger": section(where)}
        with start_collector(tmp_path, settings=settings) as collector:
            database = Database(where)
            fill_registry(database, now)
            enrol_directly(database, device)
            enrol_directly(database, odd, "l2")
            send = partial(bombard, collector.url, (device, odd), batches)
            first = asyncio.run(send(seed, count // 5))
            before = resident_bytes(collector)
            second = asyncio.run(send(seed + 1000, count))
            assert resident_bytes(collector) - before < GROWTH_BYTES
            found = second.statuses
            assert {"200", "400", "401", "413", "415", "422"} <= set(found), found
            assert found["none"] <= MOST_WITHOUT_ANSWER * count, found
            assert collector.process.popen.poll() is None
            asyncio.run(_send_all(collector.url, device))
        with database.engine.connect() as connection:
            stored = rows_of(connection, records)
            apart = rows_of(connection, quarantine)
            accounted = unaccounted_slots(connection)
        database.close()
    assert {row.seq: row.line for row in stored[device.probe]} == signed
    assert len(stored[device.probe]) == len(signed)
    assert apart[device.probe] == []
    assert accounted[device.probe] == 0
    hashes = [row.hash for row in (*stored[odd.probe], *apart[odd.probe])]
    assert stored[odd.probe]
    assert apart[odd.probe]
    assert len(hashes) == len(set(hashes))
    assert set(hashes) == first.kept | second.kept
    assert all(hash_line(row.line) == row.hash for row in (*stored["p2"], *apart["p2"]))


def rows_of(connection: Connection, table: Table) -> dict[str, list[Any]]:
    """Return what a table has of each probe's lines."""
    query = select(table.c.probe_id, table.c.seq, table.c.hash, table.c.line)
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.probe_id].append(row)
    return found


async def _send_all(url: str, device: Device) -> None:
    async with aiohttp.ClientSession() as session:
        made = {"Authorization": f"Bearer {device.token()}"}
        async with session.post(url + RECORDS_PATH, data=device.batch(), headers=made) as answer:
            assert answer.status == 200, await answer.text()
