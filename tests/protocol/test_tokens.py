"""The token of a request: whose it is, and when it is good."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import tokens
from protocol.constants import TOKEN_LEEWAY_SECONDS, TOKEN_LIFETIME_SECONDS
from protocol.errors import TokenError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def signed(**claims: object) -> str:
    """Return a token of the good claims, some of them changed; None takes one away."""
    seconds = int(NOW.timestamp())
    good = {"iss": "p1", "aud": "linewatch-collector", "iat": seconds, "exp": seconds + 60}
    changed = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode(changed, KEY, algorithm="EdDSA")


def test_a_fresh_token_is_good_and_names_its_probe() -> None:
    """What a probe mints, its collector takes."""
    token = tokens.mint(KEY, "p1", NOW)
    assert tokens.claimed_probe(token) == "p1"
    tokens.check(token, KEY.public_key(), NOW)


@pytest.mark.parametrize("skew_seconds", [-TOKEN_LEEWAY_SECONDS, 0, TOKEN_LIFETIME_SECONDS])
def test_clocks_may_differ_a_little(skew_seconds: int) -> None:
    """Within leeway and lifetime a token is good."""
    tokens.check(
        tokens.mint(KEY, "p1", NOW), KEY.public_key(), NOW + timedelta(seconds=skew_seconds)
    )


@pytest.mark.parametrize(
    "skew, reason",
    [
        (timedelta(days=-3650), "future"),
        (timedelta(seconds=-TOKEN_LEEWAY_SECONDS - 1), "future"),
        (timedelta(seconds=TOKEN_LIFETIME_SECONDS + TOKEN_LEEWAY_SECONDS + 1), "expired"),
        (timedelta(days=3650), "expired"),
    ],
)
def test_a_wrong_clock_is_told_apart_from_a_wrong_key(skew: timedelta, reason: str) -> None:
    """A good signature at a wrong time is a `TokenTimeError`: the probe can correct itself."""
    with pytest.raises(tokens.TokenTimeError, match=reason):
        tokens.check(tokens.mint(KEY, "p1", NOW), KEY.public_key(), NOW + skew)


def test_a_token_that_lives_too_long_is_refused() -> None:
    """A probe cannot give itself a token for a year."""
    lasting = signed(exp=int(NOW.timestamp()) + TOKEN_LIFETIME_SECONDS + 1)
    with pytest.raises(tokens.TokenTimeError, match="longer"):
        tokens.check(lasting, KEY.public_key(), NOW)


@pytest.mark.parametrize(
    "claims",
    [{"aud": "another"}, {"aud": None}, {"iat": None}, {"exp": None}, {"iss": None}, {"iat": 1.5}],
)
def test_a_token_needs_every_claim_as_it_should_be(claims: dict[str, Any]) -> None:
    """A claim that is missing or wrong makes the token no good, not late."""
    with pytest.raises(TokenError) as caught:
        tokens.check(signed(**claims), KEY.public_key(), NOW)
    assert not isinstance(caught.value, tokens.TokenTimeError)


def test_another_key_or_no_signature_is_refused() -> None:
    """Only the probe's own key signs for it, and `none` and HMAC are no algorithms here."""
    other = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
    parts = signed().split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    hmac = jwt.encode({"iss": "p1"}, "k" * 32, algorithm="HS256")
    for token in (tokens.mint(other, "p1", NOW), f"{header}.{parts[1]}.", hmac):
        with pytest.raises(TokenError):
            tokens.check(token, KEY.public_key(), NOW)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "💥", signed(iss=None), signed(iss="p") + "ä"])
def test_what_names_no_probe_is_refused(token: str) -> None:
    """A token that cannot be read ends as a `TokenError`, whatever it is made of."""
    with pytest.raises(TokenError):
        tokens.claimed_probe(token)


@pytest.mark.parametrize(
    "header,claims",
    [
        ({"alg": "EdDSA", "crit": ["\ud800"]}, {"iss": "pi-1"}),
        ({"alg": "EdDSA"}, {"iss": "\ud800"}),
        ({"alg": "EdDSA"}, {"iss": "a/b"}),
        ({"alg": "EdDSA"}, {"iss": 7}),
    ],
)
def test_a_token_of_odd_letters_is_refused_in_plain_ones(
    header: dict[str, object], claims: dict[str, object]
) -> None:
    """Half a surrogate pair or a name that is none ends as a refusal that can be written down."""
    parts = (json.dumps(part).encode() for part in (header, claims))
    token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    with pytest.raises(TokenError) as caught:
        tokens.claimed_probe(f"{token}.{'A' * 86}")
    assert str(caught.value).isascii()
