"""`linewatch collector run|migrate` on PostgreSQL: two processes, one empty database."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select

from collector.ledger.database import Database
from collector.ledger.migrate import newest_version
from collector.ledger.schema import records
from protocol.constants import RECORDS_PATH
from tests.collector import postgres
from tests.collector.commands.test_run import START, Program
from tests.collector.conftest import enrol_directly, fill_registry
from tests.collector.device import Device


@pytest.fixture
def program(tmp_path: Path, server: postgres.Server) -> Program:
    """Return the program on a database that nothing is in."""
    ledger = server.settings(server.new_database())
    assert ledger.url is not None
    address = ledger.url.get_secret_value()
    program = Program(tmp_path)
    program.ledger = ledger
    (tmp_path / "config.yaml").write_text(f"collector: {{ledger: {{url: '{address}'}}}}\n")
    return program


async def test_two_that_start_at_once_share_a_new_ledger(program: Program) -> None:
    """One makes the tables, the other waits; then both take the same batches, and each record is
    there once, both show it, and `migrate` finds nothing to do.
    """

    async def send(client: aiohttp.ClientSession, url: str, end: int) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {device.token()}"}
        body = device.batch(0, end)
        async with client.post(url + RECORDS_PATH, data=body, headers=headers) as answer:
            assert answer.status == 200
            content: dict[str, Any] = await answer.json()
            return content

    async with contextlib.AsyncExitStack() as stack:
        started = [program.running(), program.running()]
        urls = [url for _, url in await asyncio.gather(*(one.__aenter__() for one in started))]
        for one in started:
            stack.push_async_exit(one)
        with contextlib.closing(Database(program.ledger)) as database:
            fill_registry(database, START)
            device = enrol_directly(database, Device("p1"))
        device.fill(60, START)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        for end in (20, 40, 60):
            answers = await asyncio.gather(*(send(client, url, end) for url in urls * 2))
            assert sum(answer["stored"] for answer in answers) == 20
            assert sum(answer["duplicate"] for answer in answers) == 4 * end - 20
        for url in urls:
            async with client.get(f"{url}/lines/l1") as page:
                assert page.status == 200
    migrating = await program.start("migrate")
    out, _ = await migrating.communicate()
    assert out.decode() == f"the ledger is of version {newest_version()} already\n"
    with contextlib.closing(Database(program.ledger)) as database:
        query = select(func.count(), func.count(func.distinct(records.c.seq)))
        assert database.read_now(lambda c: tuple(c.execute(query).one())) == (60, 60)
