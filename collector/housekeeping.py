"""What a collector does for its ledger now and then: folds old latency, makes months ahead."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from collector import keys
from collector.errors import LedgerError
from collector.ledger.fold import fold_step
from collector.ledger.months import MONTHS_AHEAD, ensure_month
from collector.ledger.writer import Writer

EVERY_SECONDS: Final = 3600.0
"""Between two rounds, and by chance up to a tenth more: several collectors keep out of step."""

_LOG = logging.getLogger(__name__)


async def keep_house(app: web.Application) -> AsyncIterator[None]:
    """Run the rounds while the application runs (an aiohttp cleanup context)."""
    task = asyncio.create_task(_rounds(app), name="housekeeping")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _rounds(app: web.Application) -> None:
    days = app[keys.SETTINGS].ledger.latency_days
    # Ends with the application, which cancels it.
    while True:
        try:
            await keep(app[keys.WRITER], app[keys.NOW](), days)
        except LedgerError as error:
            _LOG.warning("housekeeping is left for later: %s", error)
        await asyncio.sleep(EVERY_SECONDS * random.uniform(1, 1.1))  # noqa: S311 - no secret


async def keep(writer: Writer, now: datetime, latency_days: int | None) -> int:
    """Do all that is due; return how many latency records were folded.

    Args:
        writer: of the ledger.
        now: this moment.
        latency_days: how old records are that are folded; None: none is.

    Raises:
        LedgerError: the ledger cannot be written, or too much waits for it.
    """
    await writer.run(lambda connection: ensure_month(connection, now, MONTHS_AHEAD))
    if latency_days is None:
        return 0
    before = now - timedelta(days=latency_days)
    folded = 0
    # Ends: every step takes records away, and none is added that is so old.
    while count := await writer.run(lambda connection: fold_step(connection, before, now)):
        folded += count
    if folded:
        _LOG.info("%d latency records older than %d days are in hours now", folded, latency_days)
    return folded
