"""The mail of a running collector: a task that sends, and reminds now and then."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from collector import keys
from collector.cases.calendar import vietnam
from collector.cases.outgoing import Outgoing, Tried
from collector.cases.posting import Due, queue_reminders
from collector.domain.cases.working_days import WorkingDays
from collector.errors import CollectorError
from collector.sinks.running import own_name

POLL_SECONDS: Final = 10.0
"""How often the outbox is looked into: nobody waits for a complaint by the second."""

REMIND_EVERY: Final = timedelta(hours=1)

_LOG = logging.getLogger(__name__)


async def run_mail(app: web.Application) -> AsyncIterator[None]:
    """Send mail while the application runs (an aiohttp cleanup context); none without a server."""
    settings = app[keys.SETTINGS]
    if settings.mail.host is None:
        yield
        return
    zone = ZoneInfo(settings.timezone)
    outgoing = Outgoing(
        app[keys.DATABASE],
        app[keys.WRITER].run,
        settings.mail,
        holder=own_name(),
        now=app[keys.NOW],
        zone=zone,
        chance=Random(),  # noqa: S311 - spreads waits
    )
    calendar = vietnam(settings.cases.days_off)
    task = asyncio.create_task(_work(app, outgoing, calendar, zone), name="mail")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _work(
    app: web.Application, outgoing: Outgoing, calendar: WorkingDays, zone: ZoneInfo
) -> None:
    reminded_at: datetime | None = None
    failing = False
    # Ends with the application, which cancels it.
    while True:
        tried = Tried.NOTHING
        try:
            now = app[keys.NOW]()
            if reminded_at is None or now - reminded_at >= REMIND_EVERY:
                await _remind(app, calendar, now.astimezone(zone))
                reminded_at = now
            tried = await outgoing.turn()
            failing = False
        except Exception as error:  # noqa: BLE001 - the task outlives what nobody foresaw
            if not failing:
                # Said once: a ledger that is away for a day fills no log.
                known = isinstance(error, CollectorError)
                _LOG.warning("mail is left for later: %s", error, exc_info=not known)
            failing = True
        if tried in (Tried.NOTHING, Tried.FAILED):
            await asyncio.sleep(POLL_SECONDS)


async def _remind(app: web.Application, calendar: WorkingDays, now: datetime) -> None:
    settings = app[keys.SETTINGS].mail
    job = partial(queue_reminders, calendar=calendar, settings=settings, now=now)
    new: list[Due] = await app[keys.WRITER].run(job)
    for one in new:
        _LOG.info("case %d: a reminder of '%s' is queued", one.case.id, one.deadline.rule.id)
