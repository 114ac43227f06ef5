"""PostgreSQL is gone, frozen, slow and full while a fleet sends: its collectors say so, and hold no
more.

Single faults of it are in tests/collector/ledger/test_trouble.py.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
import pytest

from bench.processes import resident_bytes
from collector.ledger.database import Database
from tests.collector import postgres
from tests.collector.fleet_ledger import register
from tests.integration.chaos_load import Load, plan_of
from tests.integration.chaos_parts import World, world
from tests.integration.chaos_truth import check_ledger, check_sink

PROBES: Final = 12
RATE: Final = 300.0
"""Each probe sends every 1.6 s where it is not behind: within each trouble, and soon enough."""

QUEUED_BYTES: Final = 400_000
"""Three batches of this fleet: more than that cannot wait."""

ANSWER_SECONDS: Final = 1.0
"""A ledger that says nothing is waited for no longer."""

GROWTH_BYTES: Final = 32 * 2**20
"""What a collector may hold more after its troubles than before: its queue is small here, and what
else it remembers of a dozen probes is too. Python's allocator gives little back."""

RECOVERY_SECONDS: Final = 15.0
"""After the end of a trouble the next batch is taken: a probe comes back within 1.2 s here, and a
collector that waits for a connection gives it up after 5 s (`connect_timeout_seconds`)."""


@contextlib.asynccontextmanager
async def gone(server: postgres.Server) -> AsyncIterator[None]:
    """Kill it; start it at the end of the block."""
    await asyncio.to_thread(server.kill)
    yield
    await asyncio.to_thread(server.start)


@contextlib.asynccontextmanager
async def frozen(server: postgres.Server) -> AsyncIterator[None]:
    """Let it do nothing until the end of the block."""
    with server.frozen():
        yield


@contextlib.asynccontextmanager
async def slow(server: postgres.Server) -> AsyncIterator[None]:
    """Let it work for half of the time until the end of the block."""

    async def hold_back() -> None:
        while True:
            with server.frozen():
                await asyncio.sleep(0.3)
            await asyncio.sleep(0.3)

    holding = asyncio.create_task(hold_back())
    try:
        yield
    finally:
        holding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await holding


@contextlib.asynccontextmanager
async def full(server: postgres.Server) -> AsyncIterator[None]:
    """Take all of its connections, those of the collectors too, until the end of the block."""
    with contextlib.ExitStack() as held:
        await asyncio.to_thread(take_all, server, held)
        yield


def take_all(server: postgres.Server, held: contextlib.ExitStack) -> None:
    """Hold connections until nobody else has one."""
    mine = [held.enter_context(psycopg.connect(server.address("postgres"), autocommit=True))]
    ends = time.monotonic() + 30
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'linewatch'"
    )
    while mine[0].execute(others.encode()).fetchall():
        assert time.monotonic() < ends, "the collectors are quicker"
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                mine.append(held.enter_context(psycopg.connect(server.address("postgres"))))


def memory(running: World) -> list[int]:
    """Return the memory of each collector."""
    return [resident_bytes(collector.pid) for collector in running.collectors]


async def endure(
    trouble: AbstractAsyncContextManager[None], load: Load, seconds: float, *, some: bool
) -> tuple[int, int, float]:
    """Let a trouble last; return how many requests were taken meanwhile and how many refused, and
    how long it took afterwards until the next batch was taken. Where some are to be taken meanwhile
    it lasts until one was.
    """
    before = load.answers.copy()
    async with trouble:
        await asyncio.sleep(seconds)
        async with asyncio.timeout(RECOVERY_SECONDS * 6):
            # Answers are counted, none is waited for by itself.
            while some and load.answers[200] == before[200]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        during = load.answers - before
    load.answered.clear()
    began = time.monotonic()
    async with asyncio.timeout(RECOVERY_SECONDS * 6):
        await load.answered.wait()
    return during[200], during[503], time.monotonic() - began


async def largest(running: World, found: list[int]) -> None:
    """Keep the most memory that each collector ever had in ``found``, until cancelled."""
    while True:
        found[:] = map(max, found, memory(running))
        await asyncio.sleep(0.1)


async def send_through(
    running: World, load: Load, seconds: float, wait_seconds: float
) -> Sequence[str]:
    """Send while one trouble follows the other; hold the ledger and the sink to the truth.

    Args:
        running: what runs.
        load: that is sent.
        seconds: that each trouble lasts.
        wait_seconds: for the sink, in the end.

    Returns:
        Figures, a line for each trouble and one for the memory.
    """
    assert running.database is not None
    server = running.database.server
    figures = []
    with contextlib.closing(Database(running.ledger)) as database:
        register(database, load.fleet, datetime.now(UTC))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run())
            await asyncio.sleep(seconds)
            before = memory(running)
            most = list(before)
            watch = asyncio.create_task(largest(running, most))
            for trouble in (gone, frozen, slow, full):
                # What is slow still takes some, and may keep up.
                some, name = trouble is slow, trouble.__name__
                taken, refused, recovered = await endure(trouble(server), load, seconds, some=some)
                figures.append(
                    f"{name}: {taken} taken, {refused} refused, next batch after {recovered:.2f} s"
                )
                assert (taken if some else refused) > 0, name
                assert recovered < RECOVERY_SECONDS, name
            load.end()
        watch.cancel()
        for far_end in running.far_ends:
            await check_sink(far_end, load, wait_seconds)
        check_ledger(database, load)
    grown = [now - then for now, then in zip(most, before, strict=True)]
    figures.append(f"{load.records} records, {load.answers}, memory {before} grew by {grown}")
    assert max(grown) < GROWTH_BYTES
    return figures


@pytest.fixture
def running(tmp_path: Path) -> Iterator[World]:
    """Run two collectors, of which little waits, on one PostgreSQL."""
    limits = {"queued_bytes": QUEUED_BYTES, "answer_seconds": ANSWER_SECONDS}
    with world("postgresql", tmp_path, lease_seconds=1.0, **limits) as made:
        yield made


@pytest.mark.timeout(300)
async def test_while_it_is_in_trouble_probes_come_again(running: World) -> None:
    """Gone, frozen, slow, without connections: each request is answered, by 503 with Retry-After
    where there is no room; nothing is half stored or lost, memory stays, and it recovers by itself.
    """
    load = Load(plan_of(7, PROBES), [one.url for one in running.collectors], RATE)
    said = await send_through(running, load, seconds=3, wait_seconds=60)
    sys.stdout.write("\n".join(said) + "\n")
    assert load.answers["none"] == 0
    assert [collector.restarts for collector in running.collectors] == [0, 0]


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_while_it_is_in_trouble_for_minutes_probes_come_again(running: World) -> None:
    """The same for two minutes each, with more probes than can wait."""
    load = Load(plan_of(8, 5 * PROBES), [one.url for one in running.collectors], RATE)
    said = await send_through(running, load, seconds=120, wait_seconds=300)
    sys.stdout.write("\n".join(said) + "\n")
    assert [collector.restarts for collector in running.collectors] == [0, 0]
