"""`linewatch collector run|migrate` as real processes."""

import asyncio
import contextlib
import random
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select

from collector.ledger.database import Database
from collector.ledger.migrate import migrate, newest_version
from collector.ledger.schema import ingest_totals, records, seals
from collector.settings import LedgerSettings
from protocol.chain import Seal, check_follows, check_seal, read_link
from protocol.constants import RECORDS_PATH
from tests.collector.conftest import enrol_directly, fill_registry
from tests.collector.device import Device

START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)


class Program:
    """`linewatch collector …` on a ledger in a folder."""

    def __init__(self, folder: Path) -> None:
        self.ledger = LedgerSettings(path=folder / "ledger.sqlite")
        self._configuration = folder / "config.yaml"
        self._configuration.write_text(f"collector: {{ledger: {{path: {self.ledger.path}}}}}\n")

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Start a command."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "linewatch", "collector", *words),
            *("--config", str(self._configuration)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
        """Run the collector; yield its process and URL. Killed at the end, if it still runs."""
        process = await self.start("run", "--listen", "127.0.0.1:0")
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), 30)
            found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line.decode())
            assert found, (line, process.stderr and await process.stderr.read())
            yield process, found[1]
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return the program on an empty folder."""
    return Program(tmp_path)


async def test_it_makes_its_ledger_answers_and_stops_when_told(program: Program) -> None:
    """SIGTERM ends it soon with exit code 0, also with a connection open."""
    async with program.running() as (process, url), aiohttp.ClientSession() as client:
        async with client.get(url + "/healthz") as answer:
            assert answer.status == 200
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert time.monotonic() - began < 5


async def test_a_batch_in_flight_is_answered_before_the_end(program: Program) -> None:
    """A batch whose body is still arriving at SIGTERM is stored and acknowledged."""
    with contextlib.closing(Database(program.ledger)) as database:
        migrate(database)
        fill_registry(database, START)
        device = enrol_directly(database, Device("p1"))
    device.fill(3, START)
    body = device.batch()
    async with program.running() as (process, url):

        async def slowly() -> AsyncIterator[bytes]:
            yield body[:100]
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            yield body[100:]

        headers = {"Authorization": f"Bearer {device.token()}"}
        async with (
            aiohttp.ClientSession() as client,
            # The body begins with the collector's 100: the request is in its hands then.
            client.post(
                url + RECORDS_PATH, data=slowly(), headers=headers, expect100=True
            ) as answer,
        ):
            assert (answer.status, (await answer.json())["stored"]) == (200, 3)
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_two_collectors_do_not_share_a_file(program: Program) -> None:
    """The second one says who holds the ledger, and ends; the first goes on."""
    async with program.running() as (_, url):
        second = await program.start("run", "--listen", "127.0.0.1:0")
        _, said = await asyncio.wait_for(second.communicate(), 30)
        assert second.returncode == 1
        assert b"another collector runs on this ledger" in said
        async with aiohttp.ClientSession() as client, client.get(url + "/healthz") as answer:
            assert answer.status == 200


async def test_migrate_says_what_it_did(program: Program) -> None:
    """First it makes the tables, then it finds them."""
    first = await (await program.start("migrate")).communicate()
    second = await (await program.start("migrate")).communicate()
    assert (
        first[0]
        .decode()
        .startswith(f"the ledger is of version {newest_version()} now (before: empty)")
    )
    assert second[0].decode() == f"the ledger is of version {newest_version()} already\n"


async def test_an_address_that_is_none_is_refused(program: Program) -> None:
    """The command shows how an address is written."""
    process = await program.start("run", "--listen", "8000")
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"HOST:PORT is needed" in said


class Sender:
    """A probe that sends its chain, and remembers what was acknowledged: the truth to hold to."""

    def __init__(self, device: Device, chance: random.Random) -> None:
        self.device = device
        self.acknowledged = 0
        self._chance = chance
        self._kept_bodies: list[bytes] = []

    async def send(self, client: aiohttp.ClientSession, url: str) -> None:
        """Send batches until the collector is gone, sometimes an old one again."""
        # Ends with the collector: its test kills it.
        while True:
            last = min(self.acknowledged + self._chance.randint(1, 12), len(self.device.lines))
            if last == self.acknowledged:
                self.device.fill(50, START + timedelta(minutes=len(self.device.lines)))
                continue
            body = self.device.batch(self.acknowledged, last)
            if self._kept_bodies and self._chance.random() < 0.2:
                await self._post(client, url, self._chance.choice(self._kept_bodies[-5:]))
            answer = await self._post(client, url, body)
            if answer is None:
                return
            assert answer["next_seq"] >= last
            self.acknowledged = last
            self._kept_bodies.append(body)

    async def _post(
        self, client: aiohttp.ClientSession, url: str, body: bytes
    ) -> dict[str, int] | None:
        headers = {"Authorization": f"Bearer {self.device.token()}"}
        try:
            async with client.post(url + RECORDS_PATH, data=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                content: dict[str, int] = await answer.json()
                return content
        except aiohttp.ClientError:
            return None


async def kill_rounds(program: Program, rounds: int, probes: int, seed: int) -> int:
    """Kill the collector again and again while batches come; return the records acknowledged."""
    chance = random.Random(seed)
    with contextlib.closing(Database(program.ledger)) as database:
        migrate(database)
        fill_registry(database, START)
        senders = [
            Sender(enrol_directly(database, Device(f"p{number}")), chance)
            for number in range(probes)
        ]
    for _ in range(rounds):
        async with program.running() as (process, url), aiohttp.ClientSession() as client:
            sending = [asyncio.create_task(one.send(client, url)) for one in senders]
            await asyncio.sleep(chance.uniform(0.1, 0.8))
            process.kill()
            await asyncio.wait_for(asyncio.gather(*sending), 30)
    check_truth(program, senders)
    return sum(sender.acknowledged for sender in senders)


def check_truth(program: Program, senders: list[Sender]) -> None:
    """Assert that the ledger has all that was acknowledged, once, in whole sealed chains."""
    with contextlib.closing(Database(program.ledger)) as database:
        stored, sealed, totals = database.read_now(
            lambda c: (
                c.execute(select(records).order_by(records.c.probe_id, records.c.seq)).all(),
                c.execute(select(seals)).all(),
                c.execute(select(ingest_totals)).all(),
            )
        )
        check = database.read_now(
            lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        )
    assert check == "ok"
    for sender in senders:
        device = sender.device
        mine = [row for row in stored if row.probe_id == device.probe]
        # Stored and not acknowledged is possible: the answer did not arrive.
        assert len(mine) >= sender.acknowledged
        assert [row.line for row in mine] == device.lines[: len(mine)]
        links = [read_link(row.line) for row in mine]
        for number in range(1, len(links)):
            check_follows(links[number - 1], links[number], number)
        at = {row.seq: row for row in sealed if row.probe_id == device.probe}
        last = at[links[-1].seq]
        seal = Seal(
            seal="ed25519",
            probe=last.probe_id,
            chain=last.chain,
            seq=last.seq,
            hash=last.hash,
            signature=last.signature,
        )
        check_seal(device.key.public_key(), seal, links[-1])
    assert sum(row.stored for row in totals) == len(stored)
    for row in totals:
        assert row.received == row.stored + row.duplicate + row.quarantined


async def test_killed_while_records_flow_it_loses_none(program: Program) -> None:
    """Whatever was acknowledged is stored once, and every chain and its last seal hold."""
    assert await kill_rounds(program, rounds=4, probes=4, seed=1) > 50


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_killed_a_hundred_times_it_loses_none(
    program: Program, record_property: Callable[[str, object], None]
) -> None:
    """As above, many more times."""
    acknowledged = await kill_rounds(program, rounds=100, probes=8, seed=2)
    record_property("records_acknowledged", acknowledged)
    assert acknowledged > 5000
