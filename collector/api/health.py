"""`GET /healthz`: does the collector answer, and its ledger too?"""

from aiohttp import web
from sqlalchemy import Connection, select

from collector import keys
from collector.api.waiting import in_time

HEALTH_PATH = "/healthz"


def add_routes(app: web.Application) -> None:
    """Add the resource. The application has the keys of `collector.keys`."""
    app.router.add_get(HEALTH_PATH, get_health)


async def get_health(request: web.Request) -> web.Response:
    """Answer 200 where the ledger can be read.

    Whether it can be written is `linewatch_collector_writer_failing`'s to say: a balancer that
    took the collector away for that would also take away the writes that show it is well again.

    Raises:
        LedgerError: it cannot be read (503).
        RefusedError: 503, it does not answer.
    """
    await in_time(request, request.app[keys.DATABASE].read(_ask))
    return web.Response(text="ok\n")


def _ask(connection: Connection) -> None:
    connection.execute(select(1)).one()
