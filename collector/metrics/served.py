"""`/metrics`: what the ledger holds, read from it, and what the running collector does."""

import asyncio
import gzip
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from secrets import compare_digest

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from collector import keys
from collector.api.bodies import BODIES
from collector.api.problems import RefusedError
from collector.door import DOORS
from collector.housekeeping import HOUSE
from collector.ledger.engines import sqlite_file
from collector.metrics.ledger_text import LedgerText, Shown
from collector.metrics.process import ProcessMetrics
from collector.settings import MetricsSettings

_LOG = logging.getLogger(__name__)

METRICS_PATH = "/metrics"

_LOOPBACK = ("127.", "::1", "::ffff:127.")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


REGISTRY = web.AppKey("metrics_registry", CollectorRegistry)
_LEDGER_TEXT = web.AppKey("ledger_text", LedgerText)
_SECONDS = web.AppKey("request_seconds", Histogram)


def add_metrics(app: web.Application, settings: MetricsSettings) -> None:
    """Make the application's metrics and their resource. It has the keys of `collector.keys`."""
    registry = app[REGISTRY] = CollectorRegistry()
    ledger = app[keys.SETTINGS].ledger
    file = sqlite_file(ledger)
    # Of a file it is its disk: see `ProcessMetrics`.
    room_bytes = None if file else ledger.room_bytes
    shown = Shown(ledger, settings.latest_hours * 3600, room_bytes)
    app[_LEDGER_TEXT] = LedgerText(app[keys.DATABASE], shown, settings, app[keys.NOW])
    folder = file.absolute().parent if file else None
    registry.register(ProcessMetrics(app[keys.WRITER], app[BODIES], app[DOORS], app[HOUSE], folder))
    app[_SECONDS] = Histogram(
        "linewatch_collector_request_seconds",
        "Requests, by resource, method and status (499: the sender went away in mid-body): how "
        "long until the answer was ready.",
        ("resource", "method", "status"),
        registry=registry,
    )
    app.cleanup_ctx.append(_make_ahead)
    app.router.add_get(METRICS_PATH, get_metrics)


async def _make_ahead(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[_LEDGER_TEXT].run(), name="metrics")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@web.middleware
async def time_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Measure how long an answer takes. Outermost, so that refusals are answers already."""
    began = time.monotonic()
    status = HTTPStatus.INTERNAL_SERVER_ERROR.value
    try:
        answer = await handler(request)
        status = answer.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        # The route's pattern, not the path: else anybody could make series without end.
        resource = request.match_info.route.resource
        name = resource.canonical if resource else "other"
        method = request.method if request.method in hdrs.METH_ALL else "other"
        seconds = request.app[_SECONDS].labels(name, method, str(status))
        seconds.observe(time.monotonic() - began)
    return answer


async def get_metrics(request: web.Request) -> web.Response:
    """Return the metrics in Prometheus' text format.

    Raises:
        RefusedError: 401, the reader has no right to them.
    """
    _refuse_strangers(request)
    of_ledger = await request.app[_LEDGER_TEXT].current()
    of_process = await asyncio.to_thread(generate_latest, request.app[REGISTRY])
    headers = {hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST}
    if "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return web.Response(body=of_ledger.plain + of_process, headers=headers)
    headers[hdrs.CONTENT_ENCODING] = "gzip"
    # A gzip stream may have several members, one after the other (RFC 1952 section 2.2).
    return web.Response(body=of_ledger.packed + gzip.compress(of_process), headers=headers)


def _refuse_strangers(request: web.Request) -> None:
    token = request.app[keys.SETTINGS].metrics.token
    if token is not None:
        given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")[2].strip()
        # Bytes that are no text come as letters that only this way can be encoded again.
        given_bytes = given.encode("utf-8", "surrogateescape")
        if compare_digest(given_bytes, token.get_secret_value().encode()):
            return
    elif (request.remote or "").startswith(_LOOPBACK) and "X-Forwarded-For" not in request.headers:
        return
    raise RefusedError(
        HTTPStatus.UNAUTHORIZED,
        "metrics are for programs on this machine, or with collector.metrics.token as Bearer",
        headers={hdrs.WWW_AUTHENTICATE: "Bearer"},
    )
