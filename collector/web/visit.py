"""One visit of a page: who comes, what language they read, and how a page is written for them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import aiohttp_jinja2
from aiohttp import web

from collector import keys
from collector.api.operators import form_token, session_operator
from collector.api.respond import answer, is_secure
from collector.web.i18n import (
    LANGUAGE_COOKIE,
    LANGUAGE_COOKIE_SECONDS,
    LANGUAGE_PARAMETER,
    Language,
    Words,
    choose_language,
)

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"

LONGEST_PARAMETER = 200
"""No name of a ward, carrier or line is longer; what is longer is refused, not searched for."""

ASSET_VERSION = hashlib.blake2b(
    b"".join(path.read_bytes() for path in sorted(STATIC.iterdir())), digest_size=6
).hexdigest()
"""Part of the address of each static file, so that it can be cached for good."""


class BadParameterError(web.HTTPBadRequest):
    """A parameter of the address cannot be used.

    Attributes:
        parameter: its name.
        why: a sentence, English.
    """

    def __init__(self, parameter: str, why: str) -> None:
        super().__init__(text=f"{parameter}: {why}")
        self.parameter = parameter
        self.why = why


@dataclass(frozen=True)
class Visit:
    """One visit.

    Attributes:
        request: of the visitor.
        words: in their language.
        operator: who is logged in; None for the public.
    """

    request: web.Request
    words: Words
    operator: str | None

    def page(
        self,
        template: str,
        context: Mapping[str, Any],
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> web.Response:
        """Return a page written from a template."""
        words = self.words
        text = aiohttp_jinja2.render_string(
            template,
            self.request,
            {
                "words": words,
                "t": words.text,
                "language": words.language.value,
                "language_link": self._link_to_other_language(),
                "operator": self.operator,
                "form_token": form_token(self.request) if self.operator else "",
                "here": self.request.path,
                "asset_version": ASSET_VERSION,
                "path": path,
                **context,
            },
        )
        response = answer(
            self.request,
            text.encode(),
            "text/html",
            # Ages change by the minute; the tag spares what did not change.
            cache="no-cache" if self.operator is None else "private, no-cache",
            status=status,
            headers={
                "Vary": "Cookie, Accept-Language",
                "Content-Language": words.language.value,
                **(headers or {}),
            },
        )
        if LANGUAGE_PARAMETER in self.request.query:
            response.set_cookie(
                LANGUAGE_COOKIE,
                words.language.value,
                max_age=LANGUAGE_COOKIE_SECONDS,
                path="/",
                httponly=True,
                samesite="Lax",
                secure=is_secure(self.request),
            )
        return response

    def _link_to_other_language(self) -> str:
        other = Language.EN if self.words.language is Language.VI else Language.VI
        kept = {
            name: value[:LONGEST_PARAMETER]
            for name, value in self.request.query.items()
            if name != LANGUAGE_PARAMETER
        }
        return f"?{urlencode({**kept, LANGUAGE_PARAMETER: other.value})}"


async def receive(request: web.Request) -> Visit:
    """Return the visit of a request.

    Raises:
        BadParameterError: a parameter is too long.
    """
    for name, value in request.query.items():
        if len(name) > LONGEST_PARAMETER or len(value) > LONGEST_PARAMETER:
            raise BadParameterError(name[:30], f"longer than {LONGEST_PARAMETER} characters")
    return Visit(request, words_for(request), await session_operator(request))


def words_for(request: web.Request) -> Words:
    """Return the words in the visitor's language, in the collector's time zone."""
    language = choose_language(
        request.query, request.cookies, request.headers.get("Accept-Language", "")
    )
    zone = ZoneInfo(request.app[keys.SETTINGS].timezone)
    return Words(language, zone, request.app[keys.NOW]())


async def receive_public(request: web.Request) -> Visit:
    """As `receive`; sends to the login where the pages are not public."""
    visit = await receive(request)
    if visit.operator is None and not request.app[keys.SETTINGS].web.public:
        raise web.HTTPSeeOther(login_address(request))
    return visit


async def receive_operator(request: web.Request) -> Visit:
    """As `receive`; sends everybody but operators to the login."""
    visit = await receive(request)
    if visit.operator is None:
        raise web.HTTPSeeOther(login_address(request))
    return visit


def login_address(request: web.Request) -> str:
    """Return the address of the login that leads back here."""
    return f"/login?{urlencode({'next': request.path_qs[:LONGEST_PARAMETER]})}"


def path(*parts: object) -> str:
    """Return an absolute path of these parts, each escaped for its place in an address."""
    return "/" + "/".join(quote(str(part), safe="") for part in parts)
