"""Who is an operator: passwords (argon2id), sessions kept in the ledger, and a limit on tries."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, insert, select

from collector import keys
from collector.api.attempts import Attempts
from collector.api.remote import client_address
from collector.errors import CollectorError
from collector.ledger.schema import operators, sessions

SESSION_COOKIE = "linewatch_session"

TRY_SPAN = timedelta(minutes=15)
TRIES_PER_NAME = 5
"""Wrong passwords for one name from one place in `TRY_SPAN`."""

TRIES_PER_ADDRESS = 20
"""Wrong passwords from one place in `TRY_SPAN`, whatever the names."""

_REMEMBERED_TRIES = 10_000
"""So many that nobody reaches it from a few places, and so few that memory does not notice."""

_LONGEST_PASSWORD = 1024
_LONGEST_NAME = 64
_VERIFYING_AT_ONCE = 2
"""Each check takes 64 MiB and tens of milliseconds, on purpose; more would be an attack."""

_BASIC_TRUST = timedelta(seconds=60)
"""A good HTTP Basic password is not checked again for so long; API clients send it every time."""

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))
"""Checked where the name is unknown, so that an answer's time does not tell names apart."""


class TooManyTriesError(CollectorError):
    """Too many wrong passwords.

    Attributes:
        retry_after: when the next try is looked at.
    """

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("too many wrong passwords")
        self.retry_after = retry_after


@dataclass
class Guard:
    """Lets operators in. One for an application.

    Attributes:
        wrong_of_name: wrong passwords for one name from one place.
        wrong_of_place: wrong passwords from one place.
        verifying: holds the checks that run at once to a few.
        trusted: HTTP Basic credentials (hashed) that were good, and until when.
    """

    wrong_of_name: Attempts = field(
        default_factory=lambda: Attempts(TRIES_PER_NAME, _REMEMBERED_TRIES, TRY_SPAN)
    )
    wrong_of_place: Attempts = field(
        default_factory=lambda: Attempts(TRIES_PER_ADDRESS, _REMEMBERED_TRIES, TRY_SPAN)
    )
    verifying: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_VERIFYING_AT_ONCE)
    )
    trusted: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def refuse_many(self, place: str, name: str, now: datetime) -> None:
        """Raise `TooManyTriesError` if this place may not try this name now."""
        waits = (
            self.wrong_of_name.wait(f"{place} {name}", now),
            self.wrong_of_place.wait(place, now),
        )
        longest = max((wait for wait in waits if wait), default=None)
        if longest:
            raise TooManyTriesError(longest)

    def note_wrong(self, place: str, name: str, now: datetime) -> None:
        """Count a wrong password."""
        self.wrong_of_name.note_wrong(f"{place} {name}", now)
        self.wrong_of_place.note_wrong(place, now)


GUARD = web.AppKey("guard", Guard)


def _place_of(request: web.Request) -> str:
    """Return what tries are counted by: the visitor's address, of IPv6 the /64."""
    trusted = request.app[keys.SETTINGS].limits.trusted_proxies
    return client_address(request.remote, request.headers.get("X-Forwarded-For"), trusted)


async def check_password(request: web.Request, name: str, password: str) -> bool:
    """Return whether this is the operator's password.

    Raises:
        TooManyTriesError: the password was not looked at.
    """
    guard, now = request.app[GUARD], request.app[keys.NOW]
    place = _place_of(request)
    name = name[:_LONGEST_NAME]
    guard.refuse_many(place, name, now())
    stored = await request.app[keys.DATABASE].read(lambda connection: _hash_of(connection, name))
    async with guard.verifying:
        # Those who waited here may have used up the tries meanwhile.
        guard.refuse_many(place, name, now())
        good = await asyncio.to_thread(_verify, stored, password[:_LONGEST_PASSWORD])
        if not good:
            guard.note_wrong(place, name, now())
    return good


def _verify(stored: str | None, password: str) -> bool:
    try:
        _HASHER.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def _hash_of(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(operators.c.password_hash).where(operators.c.name == name))


async def open_session(request: web.Request, name: str) -> str:
    """Remember that an operator logged in; return the token for their cookie."""
    token = secrets.token_urlsafe(32)
    now = request.app[keys.NOW]()
    expires = now + session_length(request.app)

    def write(connection: Connection) -> None:
        connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
        row = {
            "token_hash": _hashed(token),
            "operator_name": name,
            "created_at": now,
            "expires_at": expires,
        }
        connection.execute(insert(sessions).values(row))

    await request.app[keys.WRITER].run(write)
    return token


async def close_session(request: web.Request) -> None:
    """Forget the session of this request."""
    token_hash = _hashed(request.cookies.get(SESSION_COOKIE, ""))

    def write(connection: Connection) -> None:
        connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))

    await request.app[keys.WRITER].run(write)


def session_length(app: web.Application) -> timedelta:
    """Return how long a login lasts."""
    return timedelta(hours=app[keys.SETTINGS].web.session_hours)


async def session_operator(request: web.Request) -> str | None:
    """Return the name of the operator whose session cookie the request carries, or None."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    now = request.app[keys.NOW]()
    query = select(sessions.c.operator_name).where(
        sessions.c.token_hash == _hashed(token), sessions.c.expires_at > now
    )
    return await request.app[keys.DATABASE].read(lambda connection: connection.scalar(query))


async def basic_operator(request: web.Request) -> str | None:
    """Return the name of the operator whose HTTP Basic password the request carries, or None.

    Raises:
        TooManyTriesError: the password was not looked at.
    """
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    # Bytes that are no text come as letters that cannot be encoded again.
    if scheme.lower() != "basic" or not encoded.isascii():
        return None
    guard, now = request.app[GUARD], request.app[keys.NOW]()
    guard.trusted = {key: one for key, one in guard.trusted.items() if one[1] > now}
    known = guard.trusted.get(_hashed(encoded))
    if known:
        return known[0]
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not await check_password(request, name, password):
        return None
    guard.trusted[_hashed(encoded)] = (name, now + _BASIC_TRUST)
    return name


def form_token(request: web.Request) -> str:
    """Return what a form of this session must carry, so that no other site can send it."""
    token = request.cookies.get(SESSION_COOKIE, "")
    return hmac.new(token.encode(), b"linewatch-form", hashlib.sha256).hexdigest()


def check_form_token(request: web.Request, given: str) -> bool:
    """Return whether a form came from a page of this session."""
    return hmac.compare_digest(form_token(request).encode(), given.encode())


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
