"""Answers: what headers they carry, and how a browser that has them already is told so."""

import hashlib

from aiohttp import web
from multidict import CIMultiDict

SECURITY_HEADERS = {
    # Only what this collector itself serves; no script at all, no frame around it.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_STRICT_TRANSPORT = "max-age=31536000"
_WORTH_COMPRESSING_BYTES = 1024


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every answer of the application: a signal of aiohttp."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if is_secure(request):
        response.headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT)


def is_secure(request: web.Request) -> bool:
    """Return whether the visitor came by TLS, here or at a proxy in front.

    A visitor who claims it falsely only makes their own cookie stricter.
    """
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def answer(
    request: web.Request,
    body: bytes,
    content_type: str,
    *,
    cache: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Return the answer, or 304 where the visitor has exactly this already."""
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    fields = CIMultiDict(headers or {})
    fields["Cache-Control"] = cache
    if status == web.HTTPOk.status_code:
        fields.setdefault("ETag", tag)
        known = {part.strip() for part in request.headers.get("If-None-Match", "").split(",")}
        if fields["ETag"] in known:
            return web.Response(status=304, headers=fields)
    response = web.Response(
        body=body, status=status, content_type=content_type, charset="utf-8", headers=fields
    )
    if len(body) >= _WORTH_COMPRESSING_BYTES:
        response.enable_compression()
    return response
