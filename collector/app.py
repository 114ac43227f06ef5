"""The composition root: puts ledger, API and pages together as one aiohttp application."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from collector import keys
from collector.api import enrol, health, instruction, records
from collector.api.bodies import BODIES, BodyBudget
from collector.api.problems import explain_refusals
from collector.api.refusals import RefusalBook
from collector.cases.running import run_mail
from collector.door import DOORS, keep_place
from collector.fleet_plans import FleetPlans, make_plan
from collector.housekeeping import HOUSE, House, keep_house
from collector.ingest.checking import Checkers
from collector.ledger.database import Database
from collector.ledger.writer import Writer
from collector.metrics.outbox import OutboxMetrics
from collector.metrics.served import REGISTRY, add_metrics, time_requests
from collector.settings import CollectorSettings
from collector.sinks.metrics import SinkMetrics
from collector.sinks.running import TASKS, run_sinks
from collector.web import routes
from protocol.constants import MAX_BODY_BYTES


def utc_now() -> datetime:
    """Return this moment, aware, UTC."""
    return datetime.now(UTC)


def build(
    settings: CollectorSettings,
    database: Database,
    *,
    now: Callable[[], datetime] = utc_now,
) -> web.Application:
    """Return the application. Its ledger is ``database``, migrated already, closed by the caller.

    Args:
        settings: the collector's section.
        database: where records are kept.
        now: the clock.
    """
    app = web.Application(
        client_max_size=MAX_BODY_BYTES, middlewares=[keep_place, time_requests, explain_refusals]
    )
    app[keys.SETTINGS] = settings
    app[keys.DATABASE] = database
    app[keys.NOW] = now
    app[keys.WRITER] = writer = Writer(database, settings.limits)
    app[keys.REFUSALS] = refusals = RefusalBook(writer)
    app[keys.CHECKERS] = Checkers(settings.limits)
    app[instruction.FLEET] = plans = FleetPlans(partial(make_plan, database, settings))
    app[BODIES] = BodyBudget(settings.limits)
    app[DOORS] = []
    app[HOUSE] = House()
    # The last one to start is the first one to end: sinks are given away and refusals are
    # written before the writer ends.
    app.cleanup_ctx.append(_run_threads)
    app.cleanup_ctx.append(refusals.run)
    app[TASKS] = []
    app.cleanup_ctx.append(run_sinks)
    app.cleanup_ctx.append(keep_house)
    app.cleanup_ctx.append(run_mail)
    app.cleanup_ctx.append(plans.run)
    _add_routes(app, settings)
    return app


def _add_routes(app: web.Application, settings: CollectorSettings) -> None:
    """Add every part that answers requests, in one place."""
    records.add_routes(app)
    enrol.add_routes(app, settings.enrolment)
    instruction.add_routes(app)
    health.add_routes(app)
    add_metrics(app, settings.metrics)
    app[REGISTRY].register(OutboxMetrics(app[keys.DATABASE], app[keys.NOW]))
    app[REGISTRY].register(SinkMetrics(app[keys.DATABASE], app[TASKS], app[keys.NOW]))
    routes.add_routes(app)


async def _run_threads(app: web.Application) -> AsyncIterator[None]:
    app[keys.WRITER].start()
    yield
    app[keys.CHECKERS].close()
    app[keys.WRITER].close()
