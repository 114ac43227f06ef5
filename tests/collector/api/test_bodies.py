"""The memory of bodies: never above its limits, always given back, refused in words."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from collector.api.bodies import STRANGERS, BodyBudget
from collector.api.problems import RefusedError
from collector.settings import LimitSettings
from protocol.constants import MAX_BATCH_BYTES, RECORDS_PATH
from protocol.messages import Problem
from tests.collector.conftest import Running, Start
from tests.collector.device import Device
from tests.collector.metrics.test_served import scrape, value

LIMITS = LimitSettings(body_bytes=2 * MAX_BATCH_BYTES, body_bytes_per_probe=MAX_BATCH_BYTES)
HELD = "linewatch_collector_body_bytes"


@given(
    st.lists(
        st.tuples(st.sampled_from(["p1", "p2", "p3", STRANGERS]), st.integers(0, 6 * 1024 * 1024)),
        max_size=40,
    )
)
def test_no_more_is_held_than_the_limits_say(bodies: list[tuple[str, int]]) -> None:
    """Whoever takes what: both limits hold at every moment, and at the end nothing is held."""
    budget = BodyBudget(LIMITS)
    held: dict[str, int] = {}
    refused = 0
    with contextlib.ExitStack() as open_bodies:
        for sender, size in bodies:
            take = open_bodies.enter_context(budget.lend(sender))
            share, total = held.get(sender, 0) + size, sum(held.values()) + size
            fits = share <= LIMITS.body_bytes_per_probe and total <= LIMITS.body_bytes
            if fits:
                take(size)
                held[sender] = share
            else:
                with pytest.raises(RefusedError) as refusal:
                    take(size)
                refused += 1
                expected = 429 if share > LIMITS.body_bytes_per_probe else 503
                assert refusal.value.problem.status == expected
            assert budget.held_bytes == sum(held.values())
    assert (budget.held_bytes, budget.refused) == (0, refused)
    with budget.lend("p1") as take:
        take(LIMITS.body_bytes_per_probe)


def test_a_share_holds_the_largest_batch() -> None:
    """Limits below one batch would refuse it for ever: they are refused as settings."""
    for name in ("body_bytes", "body_bytes_per_probe"):
        with pytest.raises(ValueError, match=name):
            LimitSettings.model_validate({name: MAX_BATCH_BYTES - 1})


@contextlib.asynccontextmanager
async def unfinished(
    collector: Running, device: Device, unpacked_bytes: int
) -> AsyncIterator[asyncio.StreamReader]:
    """Send a body that unpacks to so much and does not end; yield where its answer comes."""
    reader, writer = await asyncio.open_connection(*collector.place)
    packer = zlib.compressobj(wbits=31)
    body = packer.compress(b"0" * unpacked_bytes) + packer.flush(zlib.Z_SYNC_FLUSH)
    head = (
        f"POST {RECORDS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        f"Content-Encoding: gzip\r\nAuthorization: Bearer {device.token()}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()


async def wait_until_held(collector: Running, held_bytes: int) -> None:
    """Return once bodies hold exactly so much."""
    async with asyncio.timeout(30):
        while True:
            if value(await scrape(collector), HELD) == held_bytes:
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("other,status", [("p1", 429), ("p2", 503)])
async def test_unfinished_bodies_hold_only_so_much(start: Start, other: str, status: int) -> None:
    """One token, and all together, are refused above their limit; what ends makes room again."""
    limits = {"body_bytes": MAX_BATCH_BYTES, "body_bytes_per_probe": MAX_BATCH_BYTES}
    collector = await start(limits=limits, metrics={"cache_seconds": 0.001})
    first = collector.device("p1")
    second = first if other == "p1" else collector.device(other, "l2")
    five = 5 * 1024 * 1024
    async with unfinished(collector, first, five):
        await wait_until_held(collector, five)
        async with unfinished(collector, second, five) as refused:
            answer = await asyncio.wait_for(refused.read(), 30)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"Retry-After: 30\r\n" in head
        assert b"application/problem+json" in head
        assert Problem.model_validate_json(body).status == status
        assert value(await scrape(collector), HELD) == five
        # A small batch still fits beside it.
        second.fill(3, datetime.now(UTC) - timedelta(hours=1))
        assert (await collector.post(second, second.batch()))[0] == 200
    await wait_until_held(collector, 0)
    async with unfinished(collector, second, five):
        await wait_until_held(collector, five)
    samples = await scrape(collector)
    assert value(samples, "linewatch_collector_bodies_refused_total") == 1
