"""The short token that a probe's requests carry: a JWT (RFC 7519), signed EdDSA (RFC 8037)."""

from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import TypeAdapter, ValidationError

from protocol.constants import TOKEN_LEEWAY_SECONDS, TOKEN_LIFETIME_SECONDS
from protocol.errors import TokenError
from protocol.model import Identifier

_PROBE: TypeAdapter[str] = TypeAdapter(Identifier)
_ALGORITHM = "EdDSA"
_AUDIENCE = "linewatch-collector"


class TokenTimeError(TokenError):
    """The token is the probe's, but its times do not fit: a clock is wrong."""


def mint(key: Ed25519PrivateKey, probe: str, now: datetime) -> str:
    """Return a token by which ``probe`` signs its request at ``now`` (aware)."""
    claims = {
        "iss": probe,
        "aud": _AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=TOKEN_LIFETIME_SECONDS)).timestamp()),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def claimed_probe(token: str) -> str:
    """Return the probe that a token claims to come from, so that its key can be looked up.

    Raises:
        TokenError: the token is not a JWT that names its probe.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise TokenError(f"not a token ({_plain(error)})") from None
    try:
        return _PROBE.validate_python(claims.get("iss"), strict=True)
    except ValidationError:
        raise TokenError("the token does not name its probe") from None


def check(token: str, key: Ed25519PublicKey, now: datetime) -> None:
    """Raise unless the token is signed by ``key`` and its times fit ``now``.

    Raises:
        TokenTimeError: signed by the probe, but issued in the future, expired, or too long-lived.
        TokenError: anything else.
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            # The clock is the caller's: the times are checked below, against `now`.
            options={
                "require": ["iss", "aud", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise TokenError(f"the token is not this probe's ({_plain(error)})") from None
    issued, expires = claims["iat"], claims["exp"]
    if not (isinstance(issued, int) and isinstance(expires, int)):
        raise TokenError("the token's times are not whole seconds")
    seconds = now.timestamp()
    if issued > seconds + TOKEN_LEEWAY_SECONDS:
        raise TokenTimeError("the token was issued in the future: set the probe's clock")
    if expires < seconds - TOKEN_LEEWAY_SECONDS:
        raise TokenTimeError("the token has expired: set the probe's clock")
    if expires - issued > TOKEN_LIFETIME_SECONDS:
        raise TokenTimeError(f"the token lives longer than {TOKEN_LIFETIME_SECONDS} s")


def _plain(error: jwt.InvalidTokenError) -> str:
    """Return an error's words, which may quote the token, as text that any encoding can carry."""
    return str(error).encode("ascii", "backslashreplace").decode("ascii")
