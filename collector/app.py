"""The composition root: puts ledger, API and pages together as one aiohttp application."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from aiohttp import web

from collector import keys
from collector.ledger.database import Database
from collector.ledger.writer import Writer
from collector.settings import CollectorSettings


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
    app = web.Application()
    app[keys.SETTINGS] = settings
    app[keys.DATABASE] = database
    app[keys.WRITER] = Writer(database, settings.limits)
    app[keys.NOW] = now
    app.cleanup_ctx.append(_run_writer)
    _add_routes(app)
    return app


def _add_routes(app: web.Application) -> None:
    """Every part that answers requests, in one place. Later: the API to read, and the pages."""
    del app


async def _run_writer(app: web.Application) -> AsyncIterator[None]:
    app[keys.WRITER].start()
    yield
    app[keys.WRITER].close()
