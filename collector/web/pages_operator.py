"""The pages for operators: login, probes, what went wrong with the data, a record as evidence."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from math import ceil

from aiohttp import web

from collector import keys
from collector.api.operators import (
    SESSION_COOKIE,
    TooManyTriesError,
    check_form_token,
    check_password,
    close_session,
    open_session,
    session_length,
)
from collector.api.read import find_proof
from collector.api.respond import is_secure
from collector.ledger.proof_queries import (
    events_since,
    gaps_newest,
    probes_page,
    quarantine_page,
)
from collector.web.visit import LONGEST_PARAMETER, receive, receive_operator
from protocol.chain import hash_line

FORM_SECONDS = 5.0
"""How long a form's few hundred bytes may take to arrive."""

FORM_BYTES = 16 * 1024
"""No form of these pages is larger: a name, a long password with every letter escaped."""

_SHOWN_PROBES = 200
_SHOWN_TROUBLE = 100
_EVENT_DAYS = 30


async def show_login(request: web.Request) -> web.Response:
    """Answer the login form."""
    visit = await receive(request)
    return visit.page("login.html", _login_context(visit.words.text("login_title"), request))


async def _read_form(request: web.Request) -> Mapping[str, object]:
    """Return a small form's fields.

    Raises:
        web.HTTPRequestTimeout: it is not there after `FORM_SECONDS`; the connection's place is
            free again then.
        web.HTTPRequestEntityTooLarge: it has more than `FORM_BYTES`.
    """
    try:
        async with asyncio.timeout(FORM_SECONDS):
            return await request.clone(client_max_size=FORM_BYTES).post()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def log_in(request: web.Request) -> web.Response:
    """Open a session for a good name and password; the form again for others."""
    visit = await receive(request)
    refuse_other_sites(request)
    form = await _read_form(request)
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    following = _local(str(form.get("next", "")))
    context = _login_context(visit.words.text("login_title"), request)
    context |= {"next": following, "name": name[:LONGEST_PARAMETER]}
    try:
        good = await check_password(request, name, password)
    except TooManyTriesError as error:
        seconds = ceil(error.retry_after.total_seconds())
        text = visit.words.text("login_limited", minutes=ceil(seconds / 60))
        return visit.page(
            "login.html",
            {**context, "problem": text},
            status=429,
            headers={"Retry-After": str(seconds)},
        )
    if not good:
        problem = visit.words.text("login_wrong")
        return visit.page("login.html", {**context, "problem": problem}, status=403)
    token = await open_session(request, name)
    response = _lead_to(following)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(session_length(request.app).total_seconds()),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=is_secure(request),
    )
    return response


async def log_out(request: web.Request) -> web.Response:
    """End the session, if the form came from one of its own pages."""
    await receive_operator(request)
    form = await _read_form(request)
    if not check_form_token(request, str(form.get("token", ""))):
        raise web.HTTPForbidden
    await close_session(request)
    response = _lead_to("/")
    response.del_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="Strict", secure=is_secure(request)
    )
    return response


async def show_probes(request: web.Request) -> web.Response:
    """Answer the page of all probes."""
    visit = await receive_operator(request)
    after = request.query.get("after") or None
    probes = await request.app[keys.DATABASE].read(
        lambda connection: probes_page(connection, after, _SHOWN_PROBES)
    )
    return visit.page(
        "probes.html",
        {
            "title": visit.words.text("probes_title"),
            "probes": probes,
            "after": probes[-1].id if len(probes) == _SHOWN_PROBES else None,
        },
    )


async def show_trouble(request: web.Request) -> web.Response:
    """Answer the page of quarantine, gaps and refusals."""
    visit = await receive_operator(request)
    first_day = (visit.words.now - timedelta(days=_EVENT_DAYS)).date().isoformat()
    apart, gaps, events = await request.app[keys.DATABASE].read(
        lambda connection: (
            quarantine_page(connection, None, _SHOWN_TROUBLE),
            gaps_newest(connection, _SHOWN_TROUBLE),
            events_since(connection, first_day, _SHOWN_TROUBLE),
        )
    )
    return visit.page(
        "trouble.html",
        {
            "title": visit.words.text("trouble_title"),
            "quarantine": apart,
            "gaps": gaps,
            "events": events,
            "most": _SHOWN_TROUBLE,
        },
    )


async def show_record(request: web.Request) -> web.Response:
    """Answer the page of one record: its bytes, its hash, its place in the chain."""
    visit = await receive_operator(request)
    found = await find_proof(request)
    if found is None:
        raise web.HTTPNotFound
    line: bytes = found.row["line"]
    return visit.page(
        "record.html",
        {
            "title": visit.words.text("record_title", seq=found.row["seq"]),
            "proof": found,
            "row": found.row,
            "hash_now": hash_line(line),
            "verbatim": line.decode("utf-8", "backslashreplace"),
        },
    )


def refuse_other_sites(request: web.Request) -> None:
    """Raise 403 if a browser says that another site sent this form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise web.HTTPForbidden


def _login_context(title: str, request: web.Request) -> dict[str, object]:
    return {
        "title": title,
        "next": _local(request.query.get("next", "")),
        "name": "",
        "problem": None,
    }


def _lead_to(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


def _local(address: str) -> str:
    """Return an address if it is a path of this collector; else the first page."""
    # A browser reads "//host" and "/\host" as another host, and drops control characters first.
    if not address.startswith("/") or not address.isprintable() or "\\" in address:
        return "/"
    return "/" if address.startswith("//") else address
