"""The fleet's plan as the collector's instructions use it: computed now and then, not each time."""

import asyncio
import logging
import time
from collections.abc import Callable

from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.fleet import FleetPlan, read_fleet
from collector.settings import CollectorSettings

PLAN_SECONDS = 900.0
"""How old a plan may be. It is of the whole registry: a new path draws its moments alone until it
is in the next one."""

_LOG = logging.getLogger(__name__)


class FleetPlans:
    """The newest plan.

    Args:
        database: the registry's.
        settings: the collector's.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        database: Database,
        settings: CollectorSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._plan: FleetPlan | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def current(self) -> FleetPlan:
        """Return a plan that is at most `PLAN_SECONDS` old, or the last one where none can be read.

        Raises:
            LedgerError: there is none yet, and it cannot be read.
        """
        async with self._reading:
            if self._plan is None or self._clock() - self._read_at > PLAN_SECONDS:
                try:
                    self._plan = await self._database.read(
                        lambda connection: read_fleet(connection, self._settings)
                    )
                except LedgerError as error:
                    if self._plan is None:
                        raise
                    _LOG.warning("the fleet's plan stays the last one: %s", error)
                self._read_at = self._clock()
            return self._plan
