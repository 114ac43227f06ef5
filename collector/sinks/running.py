"""The sinks of a running collector: a task for each, from its start to its end."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from logging import getLogger
from random import Random
from typing import Final
from uuid import uuid4

from aiohttp import web

from collector import keys
from collector.errors import CollectorError, LedgerError
from collector.ledger.database import Database
from collector.settings import InfluxdbSettings
from collector.sinks import keeping
from collector.sinks.far_end import AwayError, FarEnd
from collector.sinks.feeder import Feeder, Step, Write

_LOG = getLogger(__name__)

POLL_SECONDS: Final = 1.0
"""How often a sink that has everything looks for more, and one that is another's whether it is
still."""

FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 60.0
"""Waiting doubles with each failure, up to this; a far end that is back is found within it."""

RELEASE_SECONDS: Final = 5.0
"""How long a collector that stops tries to give its sinks away."""


@dataclass
class SinkCounts:
    """What a sink's task has done since it started.

    Attributes:
        failures: steps that failed, by the far end or the ledger.
        failing: the last step failed.
    """

    failures: int = 0
    failing: bool = False


class SinkTask:
    """Feeds one sink until it is cancelled.

    Args:
        feeder: that makes the steps.
        chance: spreads the waits of several collectors and sinks.
    """

    def __init__(self, feeder: Feeder, chance: Random) -> None:
        self.name = feeder.name
        self.counts = SinkCounts()
        self._feeder = feeder
        self._chance = chance

    async def run(self) -> None:
        """Step for ever; ends by being cancelled."""
        in_a_row = 0
        while True:
            try:
                step = await self._feeder.step()
            except Exception as error:  # noqa: BLE001 - the task outlives what nobody foresaw
                in_a_row += 1
                self._note_failure(error, in_a_row)
                await asyncio.sleep(self._wait_seconds(error, in_a_row))
                continue
            if in_a_row:
                _LOG.info("sink %s: it goes on, after %d failures", self.name, in_a_row)
            in_a_row = 0
            self.counts.failing = False
            await asyncio.sleep(0 if step is Step.MOVED else POLL_SECONDS)

    def _note_failure(self, error: Exception, in_a_row: int) -> None:
        self.counts.failures += 1
        self.counts.failing = True
        if in_a_row > 1:
            return  # said already: a sink that is down for a day fills no log
        if isinstance(error, CollectorError):
            _LOG.warning("sink %s: %s; it is tried again until it goes on", self.name, error)
        else:
            _LOG.error("sink %s: a step failed, by a defect", self.name, exc_info=error)

    def _wait_seconds(self, error: Exception, in_a_row: int) -> float:
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(in_a_row - 1, 16))
        asked = error.wait_seconds if isinstance(error, AwayError) else 0.0
        return max(self._chance.uniform(longest / 2, longest), asked)


def open_far_end(settings: InfluxdbSettings) -> FarEnd:
    """Return a client for a sink. Needs a running loop; has to be closed."""
    # Half a second and some MB: for those alone who have a sink.
    from collector.sinks.influxdb import Influxdb  # noqa: PLC0415

    return Influxdb(settings)


def place_of(settings: InfluxdbSettings) -> str:
    """Return where a sink's records go, without secrets: its address holds none."""
    org = f", org {settings.org}" if settings.org else ""
    return f"{settings.url.rstrip('/')}, bucket {settings.bucket}{org}"


async def _tell_of_moved(database: Database, places: dict[str, str]) -> None:
    """Say in the log which sinks have another address: it may be the same far end all the same."""
    for name, before in (await database.read(partial(keeping.moved, far_ends=places))).items():
        _LOG.warning(
            "sink %s was filled at %s and is at %s now, where what it got before may not be: "
            "'linewatch collector sinks refill %s' writes all to it, 'sinks fill %s --moved' says "
            "that its data moved with it",
            name,
            before,
            places[name],
            name,
            name,
        )


def own_name() -> str:
    """Return a name for whoever feeds sinks in this process, unlike any other's."""
    return f"{socket.gethostname()[:40]}/{os.getpid()}/{uuid4().hex[:8]}"


TASKS: Final[web.AppKey[list[SinkTask]]] = web.AppKey("sinks")


async def run_sinks(app: web.Application) -> AsyncIterator[None]:
    """Feed the sinks while the application runs. Its writer runs before and after."""
    settings = app[keys.SETTINGS].sinks
    writer, now = app[keys.WRITER], app[keys.NOW]
    places = {one.name: place_of(one) for one in settings.influxdb}
    far_ends = {one.name: open_far_end(one) for one in settings.influxdb}
    feeders = _feeders(far_ends, app[keys.DATABASE], writer.run, now)
    if places:
        await writer.run(partial(keeping.add_missing, far_ends=places, now=now()))
        await _tell_of_moved(app[keys.DATABASE], places)
    app[TASKS] += [SinkTask(feeder, Random()) for feeder in feeders]  # noqa: S311 - spreads waits
    running = [asyncio.create_task(task.run(), name=f"sink {task.name}") for task in app[TASKS]]
    yield
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await _release(feeders)
    for far_end in far_ends.values():
        await far_end.close()


def _feeders(
    far_ends: dict[str, FarEnd],
    database: Database,
    write: Write,
    now: Callable[[], datetime],
) -> list[Feeder]:
    holder = own_name()
    return [
        Feeder(name, database, write, far_end, holder=holder, now=now)
        for name, far_end in far_ends.items()
    ]


async def _release(feeders: Sequence[Feeder]) -> None:
    try:
        async with asyncio.timeout(RELEASE_SECONDS):
            for feeder in feeders:
                await feeder.release()
    except (LedgerError, TimeoutError):
        _LOG.warning("the sinks could not be given away: another collector waits for a minute")
