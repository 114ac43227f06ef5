"""Which probe is it? Checks the token that a probe's request carries."""

import base64
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from collector import keys
from collector.api.problems import RefusedError
from collector.api.waiting import in_time
from collector.ledger.events import EventKind
from collector.ledger.identities import KnownProbe, find_probe
from protocol import tokens
from protocol.errors import TokenError

_SCHEME = "Bearer"
_CHALLENGE = {"WWW-Authenticate": _SCHEME}
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Sender:
    """A probe that proved who it is.

    Attributes:
        known: what the registry has of it.
        key: its public key, usable.
    """

    known: KnownProbe
    public_key: str
    key: Ed25519PublicKey


async def authenticate(request: web.Request) -> Sender:
    """Return the probe that a request comes from.

    Raises:
        RefusedError: 401 where the token is missing, not good, or of a probe that is not known; 403
            where the probe's key was revoked; 503 where the ledger does not answer.
    """
    token = _token(request)
    try:
        claimed = tokens.claimed_probe(token)
    except TokenError as error:
        raise _refuse(request, EventKind.BAD_TOKEN, str(error)) from None
    reading = request.app[keys.DATABASE].read(lambda connection: find_probe(connection, claimed))
    known = await in_time(request, reading)
    if known is None or known.public_key is None:
        raise _refuse(request, EventKind.UNKNOWN_PROBE, "this probe is not enrolled here")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(known.public_key))
    try:
        tokens.check(token, key, request.app[keys.NOW]())
    except tokens.TokenTimeError as error:
        raise _refuse(request, EventKind.WRONG_CLOCK, str(error), known.probe) from None
    except TokenError as error:
        raise _refuse(request, EventKind.BAD_TOKEN, str(error)) from None
    if known.revoked:
        detail = f"the key of probe {known.probe} was revoked; ask the operator"
        raise _refuse(request, EventKind.REVOKED_PROBE, detail, known.probe)
    return Sender(known, known.public_key, key)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # Bytes that are no text come as letters that cannot be encoded again.
    fits = 0 < len(token) <= _LONGEST_TOKEN and token.isascii()
    if scheme.lower() != _SCHEME.lower() or not fits:
        raise _refuse(request, EventKind.BAD_TOKEN, "a probe's token is needed (Bearer)")
    return token.strip()


def _refuse(request: web.Request, kind: EventKind, detail: str, probe: str = "") -> RefusedError:
    request.app[keys.REFUSALS].note(kind, probe, request.app[keys.NOW](), detail)
    if kind is EventKind.REVOKED_PROBE:
        return RefusedError(HTTPStatus.FORBIDDEN, detail, fault=kind.value)
    return RefusedError(HTTPStatus.UNAUTHORIZED, detail, fault=kind.value, headers=_CHALLENGE)
