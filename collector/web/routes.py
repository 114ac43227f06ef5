"""Every address of the pages, and what an error looks like there."""

import logging

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from collector.api import read
from collector.api.operators import GUARD, Guard
from collector.api.overview import OVERVIEW, Overview, keep_ahead
from collector.api.respond import add_security_headers
from collector.errors import LedgerError
from collector.web import pages_case_months, pages_cases, pages_operator, pages_public
from collector.web.visit import (
    ASSET_VERSION,
    STATIC,
    TEMPLATES,
    BadParameterError,
    Visit,
    receive,
    words_for,
)

_LOG = logging.getLogger(__name__)

_CACHED_FOR_GOOD = "public, max-age=31536000, immutable"
_PROGRAMS = ("/v1/", "/metrics", "/healthz", "/static/")
"""Addresses that programs ask: their errors are not pages."""


def add_routes(app: web.Application) -> None:
    """Put the pages, and the API that they show, into the application."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    app[OVERVIEW] = Overview()
    app.cleanup_ctx.append(keep_ahead)
    app[GUARD] = Guard()
    app.on_response_prepare.append(add_security_headers)
    app.middlewares.append(_errors_as_pages)
    router = app.router
    router.add_get("/", pages_public.show_lines)
    router.add_get("/lines/{line}", pages_public.show_line)
    router.add_get("/api", pages_public.show_api)
    router.add_get("/login", pages_operator.show_login)
    router.add_post("/login", pages_operator.log_in)
    router.add_post("/logout", pages_operator.log_out)
    router.add_get("/probes", pages_operator.show_probes)
    router.add_get("/trouble", pages_operator.show_trouble)
    router.add_get("/cases", pages_cases.show_cases)
    router.add_get("/cases/months", pages_case_months.show_months)
    router.add_get(r"/cases/{case:\d{1,9}}", pages_cases.show_case)
    router.add_get(r"/cases/{case:\d{1,9}}/files/{file:\d{1,9}}", pages_cases.send_file)
    router.add_get(r"/records/{probe}/{chain}/{seq:\d{1,19}}", pages_operator.show_record)
    router.add_get(f"/static/{ASSET_VERSION}/{{name}}", _send_static)
    read.add_routes(app)


async def _send_static(request: web.Request) -> web.StreamResponse:
    """Send a file of ours. Only names that are in the folder are looked up."""
    name = request.match_info["name"]
    if name not in {path.name for path in STATIC.iterdir()}:
        raise web.HTTPNotFound
    return web.FileResponse(STATIC / name, headers={"Cache-Control": _CACHED_FOR_GOOD})


@web.middleware
async def _errors_as_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an error into a page that says what happened, for people who asked for a page."""
    if request.path.startswith(_PROGRAMS):
        return await handler(request)
    try:
        return await handler(request)
    except BadParameterError as error:
        return _error_page(
            request, None, 400, "bad_request_title", f"{error.parameter}: {error.why}"
        )
    except (web.HTTPNotFound, web.HTTPForbidden, web.HTTPMethodNotAllowed) as error:
        visit = await receive(request)
        key = "not_found" if error.status == web.HTTPNotFound.status_code else "refused"
        return _error_page(request, visit, error.status, f"{key}_title", visit.words.text(key))
    except LedgerError as error:
        _LOG.error("%s: %s", request.path, error)
        text = words_for(request).text("unavailable")
        return _error_page(request, None, 503, "unavailable_title", text)


def _error_page(
    request: web.Request, visit: Visit | None, status: int, title_key: str, said: str
) -> web.Response:
    visit = visit or Visit(request, words_for(request), None)
    return visit.page(
        "error.html", {"title": visit.words.text(title_key), "said": said}, status=status
    )
