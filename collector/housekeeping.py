"""What a collector does for its ledger now and then.

It makes months ahead, shows the terms that hold today, and folds old latency.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from collector import keys
from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.folding import Folded, fold_old
from collector.ledger.months import MONTHS_AHEAD, ensure_month
from collector.ledger.terms import show_today
from collector.ledger.writer import Writer

EVERY_SECONDS: Final = 3600.0
"""Between two rounds, and by chance up to a tenth more: several collectors keep out of step."""

AGAIN_SECONDS: Final = 60.0
"""After a round that failed; twice as long after each other one, up to `EVERY_SECONDS`."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class House:
    """How the rounds went since the start.

    Attributes:
        rounds: that were done to their end.
        failures: rounds that were not.
        failing: of these, how many the last ones were, one after another.
        unreadable: old latency records that the last whole round could not read, and left.
    """

    rounds: int = 0
    failures: int = 0
    failing: int = 0
    unreadable: int = 0


HOUSE = web.AppKey("house", House)


async def keep_house(app: web.Application) -> AsyncIterator[None]:
    """Run the rounds while the application runs (an aiohttp cleanup context)."""
    task = asyncio.create_task(_rounds(app), name="housekeeping")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _rounds(app: web.Application) -> None:
    days = app[keys.SETTINGS].ledger.latency_days
    zone = ZoneInfo(app[keys.SETTINGS].timezone)
    # Ends with the application, which cancels it.
    while True:
        now = app[keys.NOW]().astimezone(zone)
        await keep(app[keys.DATABASE], app[keys.WRITER], now, days, app[HOUSE])
        await asyncio.sleep(pause_seconds(app[HOUSE]) * random.uniform(1, 1.1))  # noqa: S311 - no secret


def pause_seconds(house: House) -> float:
    """Return how long it is to the next round."""
    if not house.failing:
        return EVERY_SECONDS
    # The power is bounded, too: a number without end is no float.
    return min(AGAIN_SECONDS * 2.0 ** min(house.failing - 1, 10), EVERY_SECONDS)


async def keep(
    database: Database, writer: Writer, now: datetime, latency_days: int | None, house: House
) -> None:
    """Do all that is due, and note how that went; what fails is said in the log.

    Each chore is done whether another one failed or not.

    Args:
        database: the ledger, to read.
        writer: of the ledger.
        now: this moment, in the zone whose day is today.
        latency_days: how old records are that are folded; None: none is.
        house: is told.
    """
    failed = False
    for chore in (
        partial(_make_months, writer, now.astimezone(UTC)),
        partial(_show_terms, writer, now),
        partial(_fold, database, writer, now, latency_days, house),
    ):
        try:
            await chore()
        except LedgerError as error:
            failed = True
            _LOG.warning("housekeeping is left for later: %s", error)
        except Exception:  # noqa: BLE001 - logged whole
            # What nobody foresaw of one record must not end what all of the ledger needs.
            failed = True
            _LOG.exception("housekeeping is left for later")
    if failed:
        house.failures += 1
        house.failing += 1
    else:
        house.rounds += 1
        house.failing = 0


async def _make_months(writer: Writer, now: datetime) -> None:
    await writer.run(lambda connection: ensure_month(connection, now, MONTHS_AHEAD))


async def _show_terms(writer: Writer, now: datetime) -> None:
    changed: int = await writer.run(lambda connection: show_today(connection, now.date()))
    if changed:
        _LOG.info("other terms hold on %d lines since today", changed)


async def _fold(
    database: Database, writer: Writer, now: datetime, latency_days: int | None, house: House
) -> None:
    if latency_days is None:
        return
    before = now - timedelta(days=latency_days)
    done: Folded = await fold_old(database.read, writer.run, before, now)
    if done.records:
        _LOG.info(
            "%d latency records older than %d days are in hours now", done.records, latency_days
        )
    if done.unreadable != house.unreadable:
        _LOG.warning(
            "%d latency records older than %d days stay as they are: this version does not read "
            "their model",
            done.unreadable,
            latency_days,
        )
    house.unreadable = done.unreadable
