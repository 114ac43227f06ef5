"""`/metrics`: what the ledger holds, read from it, and what the running collector does.

The ledger's part is read and written ahead while somebody asks for it, in a thread: of a city it
takes seconds, and whoever asks waits for none of them.
"""

import asyncio
import gzip
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from secrets import compare_digest

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from collector import keys
from collector.api.bodies import BODIES
from collector.api.problems import RefusedError
from collector.errors import LedgerError
from collector.housekeeping import HOUSE
from collector.ledger.database import Database
from collector.ledger.engines import sqlite_file
from collector.ledger.figures import read_figures
from collector.ledger.size import size_bytes
from collector.metrics.exposition import Family, text_of
from collector.metrics.ledger import ledger_families, room_families
from collector.metrics.process import ProcessMetrics
from collector.serving import DOORS
from collector.settings import MetricsSettings

_LOG = logging.getLogger(__name__)

METRICS_PATH = "/metrics"

_LOOPBACK = ("127.", "::1", "::ffff:127.")

_WANTED_SECONDS = 150.0
"""How long after the last request the next text is still made ahead: Prometheus asks every minute
or more often."""

_REST = 5
"""Between two texts it rests so many times as long as one takes: what it costs stays a sixth of a
core, however large the fleet."""

_COMPRESSION = 1
"""Of lines that are so much alike even the fastest leaves a tenth."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Text:
    """A part of the answer, as it is and compressed."""

    plain: bytes = field(repr=False)
    packed: bytes = field(repr=False)


class LedgerText:
    """The ledger's part of the answer, made ahead.

    Args:
        database: the ledger.
        settings: how old a latest value may be, and how long a text is good.
        now: the clock.
        room_bytes: how much the database may take; None: not known here.
    """

    def __init__(
        self,
        database: Database,
        settings: MetricsSettings,
        now: Callable[[], datetime],
        room_bytes: int | None,
    ) -> None:
        self._room_bytes = room_bytes
        self._database = database
        self._settings = settings
        self._now = now
        self._text = Text(b"", b"")
        self._made_at: float | None = None
        self._took = 0.0
        self._wanted_at = 0.0
        self._making: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()

    async def current(self) -> Text:
        """Return the text; one that is older than it should be only where the next takes long."""
        self._wanted_at = time.monotonic()
        self._asked.set()
        if self._age() > self._settings.cache_seconds:
            too_old = self._age() > 2 * self._good_seconds()
            await asyncio.wait(
                {self._make()}, timeout=None if too_old else self._settings.wait_seconds
            )
        return self._text

    async def run(self) -> None:
        """Make texts ahead, as long as somebody asks for them; ends when it is cancelled."""
        while True:
            await self._asked.wait()
            await asyncio.sleep(max(0.0, self._good_seconds() - self._age()))
            if time.monotonic() - self._wanted_at > _WANTED_SECONDS:
                self._asked.clear()
            elif self._age() >= self._good_seconds():
                await asyncio.wait({self._make()})

    def _age(self) -> float:
        return float("inf") if self._made_at is None else time.monotonic() - self._made_at

    def _good_seconds(self) -> float:
        """Return how old a text gets before another is made ahead."""
        return max(self._settings.cache_seconds, _REST * self._took)

    def _make(self) -> "asyncio.Task[None]":
        """Return the task that makes the next text: one at a time."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._renew(), name="metrics text")
        return self._making

    async def _renew(self) -> None:
        began = time.monotonic()
        self._text = await asyncio.to_thread(self._write)
        self._made_at = time.monotonic()
        self._took = self._made_at - began

    def _write(self) -> Text:
        readable = Family("linewatch_collector_ledger_readable", "1: the ledger answers.")
        try:
            families = self._families()
        except LedgerError:
            families = None
        except Exception:  # noqa: BLE001 - logged whole
            # An old text that says all is well would be believed.
            _LOG.exception("what the ledger holds cannot be shown")
            families = None
        if families is None:
            # There is nothing else to say then: what is not known is absent.
            readable.add(0)
            return _packed(text_of([readable]))
        readable.add(1)
        return _packed(text_of([readable, *families]))

    def _families(self) -> list[Family]:
        figures, size = self._database.read_now(
            lambda connection: (read_figures(connection), size_bytes(connection))
        )
        latest_seconds = self._settings.latest_hours * 3600
        families = ledger_families(figures, self._now(), latest_seconds)
        return [*families, *room_families(size, self._room_bytes)]


def _packed(plain: bytes) -> Text:
    return Text(plain, gzip.compress(plain, _COMPRESSION))


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
    app[_LEDGER_TEXT] = LedgerText(app[keys.DATABASE], settings, app[keys.NOW], room_bytes)
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
