"""The load of chaos tests: a simulated fleet that sends to whichever collector it meets.

It knows what it wrote (simulate's own truth, and sums of the values), what it was told is stored,
and it holds each answer to what a collector may answer on a bad day: 200, or 503 with Retry-After.
"""

import asyncio
import gzip
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, Final

import aiohttp

from protocol import tokens
from protocol.constants import RECORDS_CONTENT_TYPE, RECORDS_PATH
from protocol.messages import IngestAnswer
from simulate import Batch, Fleet, FleetPlan, rhythm
from simulate.device import Device
from tests.integration.chaos_parts import RETRY_AFTER_SECONDS

PATIENCE_SECONDS: Final = 600.0
"""The longest that a batch may be on its way: through three troubles of two minutes, too."""

REQUEST_SECONDS: Final = 30.0
TWICE: Final = 0.15
"""Of the batches, those that are sent twice at once: a device that lost the answer, and hurries."""

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "download_bits_per_second": ("speed", "download", "bits_per_second"),
    "upload_bits_per_second": ("speed", "upload", "bits_per_second"),
    "round_trip_seconds": ("latency", "round_trip", "median_seconds"),
    "lost_ratio": ("latency", "lost_ratio"),
}
"""Values whose sums are compared: the ledger's column, and where the record has it."""

Sums = dict[tuple[str, str], float]
"""By a column of `VALUES` and the line."""


def plan_of(seed: int, probes: int, days: int = 650) -> FleetPlan:
    """Return a fleet full of troubles.

    It begins so long ago that no day is in the future: VictoriaMetrics drops what is.
    """
    schedule = rhythm(8, 7200, 1800)
    start = date(2025, 1, 1)
    return FleetPlan(probes, days, seed, start, schedule, trouble=12.0, batch_records=40)


class Load:
    """Probes that send day after day, until they are told to end.

    Args:
        plan: of the fleet.
        urls: the collectors'; each request meets one of them, as behind a load balancer.
        rate: records a second of the whole fleet, where it is not behind; then as fast as it goes.

    Attributes:
        told: by probe and chain, up to which seq a collector has said that it is stored.
        answers: how many of each status; `none` where the connection broke.
        answered: set at every 200.
        sums: of what was measured and sent.
    """

    def __init__(self, plan: FleetPlan, urls: Sequence[str], rate: float) -> None:
        self.fleet = Fleet(plan)
        self.told: dict[tuple[str, str], int] = {}
        self.answers: Counter[int | str] = Counter()
        self.answered = asyncio.Event()
        self.sums: Sums = {}
        self._devices = [Device(plan, probe) for probe in self.fleet.probes()]
        self._keys = self.fleet.keys()
        self._urls = [url + RECORDS_PATH for url in urls]
        self._rate = rate / plan.probes
        self._dice = plan.dice("chaos load")
        self._ending = asyncio.Event()
        self.fleet.truths = {device.probe.id: device.truth for device in self._devices}

    @property
    def records(self) -> int:
        """How many were written so far."""
        return sum(truth.records for truth in self.fleet.truths.values())

    def end(self) -> None:
        """Let each probe send the rest of its day and one day more, then end."""
        self._ending.set()

    async def run(self) -> None:
        """Send until `end` is called; return once all is stored.

        Raises:
            AssertionError: an answer is none that a collector may give, or a batch was on its way
                for longer than `PATIENCE_SECONDS`.
        """
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as client, asyncio.TaskGroup() as tasks:
            for device in self._devices:
                tasks.create_task(self._live(client, device))

    async def _live(self, client: aiohttp.ClientSession, device: Device) -> None:
        lines = {way.path.name: way.line.id for way in device.probe.ways}
        begun, sent = time.monotonic(), 0
        for day in self.fleet.plan.days_of():
            last = self._ending.is_set()
            for batch in device.day(day):
                self._add_values(batch, lines)
                await self._deliver(client, batch)
                sent += len(batch.lines)
                await self._rest(begun + sent / self._rate - time.monotonic())
            if last:
                return
        assert self._ending.is_set(), "the fleet has no more days: give the plan more"

    async def _rest(self, seconds: float) -> None:
        """Wait, but not when all of it is to end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), max(seconds, 0.0))

    async def _deliver(self, client: aiohttp.ClientSession, batch: Batch) -> None:
        body = gzip.compress(batch.body, 1, mtime=0)
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            times = 2 if self._dice.random() < TWICE else 1
            requests = (self._post(client, batch, body) for _ in range(times))
            if any(await asyncio.gather(*requests)):
                return
            assert time.monotonic() < ends, f"probe {batch.probe} is not delivered: {self.answers}"
            await asyncio.sleep(RETRY_AFTER_SECONDS * self._dice.uniform(0.2, 1.2))

    async def _post(self, client: aiohttp.ClientSession, batch: Batch, body: bytes) -> bool:
        """Return whether the batch is stored now, by what the collector says."""
        url = self._dice.choice(self._urls)
        token = tokens.mint(self._keys[batch.probe], batch.probe, datetime.now(UTC))
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": RECORDS_CONTENT_TYPE,
            "Content-Encoding": "gzip",
        }
        try:
            async with client.post(url, data=body, headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.answers["none"] += 1
            return False
        self.answers[answer.status] += 1
        if answer.status != 200:
            said = (answer.status, answer.headers.get("Retry-After"))
            assert said == (503, str(RETRY_AFTER_SECONDS)), (said, content)
            return False
        self._take(batch, IngestAnswer.model_validate_json(content))
        return True

    def _take(self, batch: Batch, answer: IngestAnswer) -> None:
        assert answer.stored + answer.duplicate == len(batch.lines), answer
        assert answer.next_seq >= batch.first_seq + len(batch.lines), answer
        place = (batch.probe, batch.chain)
        self.told[place] = max(self.told.get(place, 0), answer.next_seq)
        self.answered.set()

    def _add_values(self, batch: Batch, lines: Mapping[str, str]) -> None:
        for record in map(json.loads, batch.lines):
            if record.get("outcome") != "measured":
                continue
            for column, place in VALUES.items():
                value = _at(record, place)
                if value is not None:
                    key = (column, lines[record["path"]])
                    self.sums[key] = self.sums.get(key, 0.0) + value


def _at(record: Any, place: Sequence[str]) -> float | None:
    for name in place:
        record = record.get(name) if record else None
    return None if record is None else float(record)
