"""The fleet's plan as the collector's instructions use it: computed now and then, beside the rest.

Of a country it takes seconds, a budget that has to be kept some more; with them in a thread all
that the collector does would wait. So a large fleet's plan is made by a process of its own, and
while a new one is made the last one serves.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web

from collector.beside import done_beside
from collector.ledger.database import Database
from collector.ledger.fleet import FleetPlan, count_paths, read_fleet
from collector.settings import CollectorSettings

PLAN_SECONDS = 900.0
"""How old a plan may be before another is made. It is of the whole registry: a new path draws its
moments alone until it is in the next one."""

SMALL_FLEET: Final = 1000
"""Paths whose plan is made in a tenth of a second: less than it takes to start a process."""

_LOG = logging.getLogger(__name__)

Make = Callable[[], Awaitable[FleetPlan]]
"""Makes a plan; raises `LedgerError` where it cannot."""


class FleetPlans:
    """The newest plan.

    Args:
        make: makes a new one.
        clock: seconds that never go back.
    """

    def __init__(self, make: Make, clock: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._clock = clock
        self._plan: FleetPlan | None = None
        self._made_at = 0.0
        self._making: asyncio.Task[None] | None = None

    async def current(self) -> FleetPlan:
        """Return the last plan; where it is older than `PLAN_SECONDS`, another is being made.

        Raises:
            LedgerError: there is none yet, and it cannot be made.
        """
        if self._plan is None or self._clock() - self._made_at > PLAN_SECONDS:
            if self._making is None or self._making.done():
                self._making = asyncio.create_task(self._renew(), name="fleet plan")
            if self._plan is None:
                await asyncio.shield(self._making)
        # Without one the task has raised.
        return self._plan or FleetPlan()

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """End with the application what is being made (an aiohttp cleanup context)."""
        del app
        yield
        await self.close()

    async def close(self) -> None:
        """Give up the plan that is being made."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    async def _renew(self) -> None:
        try:
            self._plan = await self._make()
        except Exception as error:
            if self._plan is None:
                raise
            # Not only the ledger's: with the last plan everybody goes on measuring.
            _LOG.warning("the fleet's plan stays the last one: %s: %s", type(error).__name__, error)
        self._made_at = self._clock()


async def make_plan(database: Database, settings: CollectorSettings) -> FleetPlan:
    """Return a new plan: a large fleet's is made by another process.

    Raises:
        LedgerError: the registry cannot be read, or the process ended without a plan.
    """
    if await database.read(count_paths) <= SMALL_FLEET:
        return await database.read(lambda connection: read_fleet(connection, settings))
    return await done_beside(PLAN_SECONDS, read_plan, settings)


def read_plan(settings: CollectorSettings) -> FleetPlan:
    """Return the plan of the ledger that the settings name.

    Raises:
        LedgerError: the registry cannot be read.
    """
    with contextlib.closing(Database(settings.ledger)) as database:
        return database.read_now(lambda connection: read_fleet(connection, settings))
