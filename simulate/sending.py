"""Batches to a collector over its real HTTP, as a fleet would: tokens, patience, order.

A probe's batches go one after another, as its chain demands; different probes' beside each other.
"""

import asyncio
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import tokens
from protocol.constants import RECORDS_CONTENT_TYPE, RECORDS_PATH
from protocol.errors import LinewatchError
from protocol.messages import IngestAnswer
from simulate.device import Batch

ATTEMPTS: Final = 12
"""How often a batch is sent before it is given up: some minutes, a collector's restart."""

LONGEST_PAUSE_SECONDS: Final = 30.0
JITTER: Final = 0.25
"""A fleet that was told the same wait comes back spread over a quarter of it."""

REQUEST_SECONDS: Final = 60.0
COMPRESSION: Final = 1
"""The fastest: one machine compresses what thousands of devices would."""

_AHEAD: Final = 2
"""Batches that wait for each sender: what bounds memory."""

_LATER: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class SendingError(LinewatchError):
    """A batch was not taken, and will not be."""


@dataclass(slots=True)
class Delivered:
    """What a collector has taken.

    Attributes:
        stored, duplicate, quarantined: records.
        batches: that were answered.
        again: requests that had to be repeated.
        seconds: of each answered request, from its beginning to its answer.
    """

    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    batches: int = 0
    again: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Records that were answered for."""
        return self.stored + self.duplicate + self.quarantined


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch as it travels."""

    probe: str
    records: int
    body: bytes


def parcel(batch: Batch) -> Parcel:
    """Return a batch, compressed."""
    body = gzip.compress(batch.body, COMPRESSION, mtime=0)
    return Parcel(batch.probe, len(batch.lines), body)


class Sender:
    """Sends parcels to collectors; several take turns by probe.

    Args:
        urls: the collectors'.
        keys: each probe's.
        concurrency: requests at the same time.
        rate: records per second at most; None: as fast as it goes.
        told: called after each answer.
    """

    def __init__(
        self,
        urls: list[str],
        keys: Mapping[str, Ed25519PrivateKey],
        *,
        concurrency: int = 8,
        rate: float | None = None,
        told: Callable[[Delivered], None] = lambda _: None,
    ) -> None:
        self.delivered = Delivered()
        self._urls = [url.rstrip("/") + RECORDS_PATH for url in urls]
        self._keys = keys
        self._concurrency = concurrency
        self._rate = rate
        self._told = told
        self._stopping = asyncio.Event()
        # Spreads returns in time, and nothing else.
        self._dice = random.Random()  # noqa: S311

    def stop(self) -> None:
        """Begin no further request; those under way are finished."""
        self._stopping.set()

    async def send(self, parcels: Iterator[Parcel]) -> Delivered:
        """Send all parcels; what is made ahead is bounded.

        Raises:
            SendingError: one was refused, or its collector did not come back.
        """
        queues: list[asyncio.Queue[Parcel | None]] = [
            asyncio.Queue(_AHEAD) for _ in range(self._concurrency)
        ]
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        connector = aiohttp.TCPConnector(limit=self._concurrency)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as client,
            asyncio.TaskGroup() as group,
        ):
            for queue in queues:
                group.create_task(self._work(client, queue))
            await self._hand_out(parcels, queues)
        return self.delivered

    async def _hand_out(
        self, parcels: Iterator[Parcel], queues: list[asyncio.Queue[Parcel | None]]
    ) -> None:
        places: dict[str, int] = {}
        begun, handed_out = time.monotonic(), 0
        # Making a parcel takes a while: in a thread, so that answers are taken meanwhile.
        while not self._stopping.is_set() and (one := await asyncio.to_thread(next, parcels, None)):
            if self._rate:
                await self._pause(begun + handed_out / self._rate - time.monotonic())
            place = places.setdefault(one.probe, len(places))
            await queues[place % len(queues)].put(one)
            handed_out += one.records
        for queue in queues:
            await queue.put(None)

    async def _work(
        self, client: aiohttp.ClientSession, queue: "asyncio.Queue[Parcel | None]"
    ) -> None:
        # Ends with the None that follows the last parcel.
        while one := await queue.get():
            if not self._stopping.is_set():
                await self._deliver(client, one)

    async def _deliver(self, client: aiohttp.ClientSession, one: Parcel) -> None:
        url = self._urls[hash_of(one.probe) % len(self._urls)]
        for attempt in range(ATTEMPTS):
            if attempt:
                self.delivered.again += 1
            # Full jitter, as the probe's own uplink has.
            pause = self._dice.random() * min(LONGEST_PAUSE_SECONDS, 2.0**attempt)
            try:
                began = time.perf_counter()
                async with client.post(url, data=one.body, headers=self._headers(one)) as answer:
                    content = await answer.read()
                    status, after = answer.status, answer.headers.get("Retry-After", "")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = f"{url}: {type(error).__name__}: {error}"
            else:
                if status == HTTPStatus.OK:
                    self._take(content, time.perf_counter() - began)
                    return
                reason = f"{url}: {status} {_why(content)}"
                if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LATER:
                    raise SendingError(f"probe {one.probe} is refused: {reason}{_hint(status)}")
                if after.isdigit():
                    asked = min(float(after), LONGEST_PAUSE_SECONDS)
                    pause = asked * (1 + JITTER * self._dice.random())
            await self._pause(pause)
            if self._stopping.is_set():
                return
        raise SendingError(f"probe {one.probe} is not delivered after {ATTEMPTS} times: {reason}")

    def _headers(self, one: Parcel) -> dict[str, str]:
        token = tokens.mint(self._keys[one.probe], one.probe, datetime.now(UTC))
        return {
            "Authorization": f"Bearer {token}",
            "Content-Type": RECORDS_CONTENT_TYPE,
            "Content-Encoding": "gzip",
        }

    def _take(self, content: bytes, seconds: float) -> None:
        answer = IngestAnswer.model_validate_json(content)
        told = self.delivered
        told.stored += answer.stored
        told.duplicate += answer.duplicate
        told.quarantined += len(answer.quarantined)
        told.batches += 1
        told.seconds.append(seconds)
        self._told(told)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the stop."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds)
            except TimeoutError:
                return


def hash_of(probe: str) -> int:
    """Return a number that is the same in every process: whose collector a probe's is."""
    return sum(probe.encode())


def _why(content: bytes) -> str:
    try:
        told = json.loads(content)
        return str(told.get("detail") or told.get("title"))
    except (ValueError, AttributeError):
        return content[:200].decode(errors="replace")


def _hint(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ": does the collector's registry have the fleet? See 'linewatch registry import'"
    if status == HTTPStatus.CONFLICT:
        return ": send the fleet from its first day on"
    return ""
