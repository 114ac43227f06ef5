"""The limit on wrong passwords, and HTTP Basic."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from collector.api.operators import (
    TRIES_PER_ADDRESS,
    TRIES_PER_NAME,
    TRY_SPAN,
    Guard,
    TooManyTriesError,
)
from collector.ledger import schema
from tests.collector.conftest import Running
from tests.collector.web.test_login import PASSWORD, add_operator

NOW = datetime(2026, 11, 20, 13, tzinfo=UTC)


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header of HTTP Basic."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


async def test_name_is_limited_at_each_place() -> None:
    """A name that was tried too often waits there, and can still log in from another place."""
    guard = Guard()
    for _ in range(TRIES_PER_NAME):
        guard.refuse_many("192.0.2.1", "an", NOW)
        guard.note_wrong("192.0.2.1", "an", NOW)
    with pytest.raises(TooManyTriesError) as refused:
        guard.refuse_many("192.0.2.1", "an", NOW + timedelta(minutes=1))
    assert refused.value.retry_after == TRY_SPAN - timedelta(minutes=1)
    guard.refuse_many("192.0.2.1", "binh", NOW)
    guard.refuse_many("192.0.2.2", "an", NOW)
    guard.refuse_many("192.0.2.1", "an", NOW + TRY_SPAN)


async def test_place_is_limited_whatever_the_names() -> None:
    """Trying many names from one place is limited too."""
    guard = Guard()
    for number in range(TRIES_PER_ADDRESS):
        guard.refuse_many("192.0.2.1", f"name{number}", NOW)
        guard.note_wrong("192.0.2.1", f"name{number}", NOW)
    with pytest.raises(TooManyTriesError):
        guard.refuse_many("192.0.2.1", "one-more", NOW)
    guard.refuse_many("192.0.2.2", "one-more", NOW)


async def test_basic_password_opens_the_operators_part(collector: Running) -> None:
    """HTTP Basic with a good password is enough, and stays so for the next requests."""
    add_operator(collector)
    for _ in range(2):
        async with collector.client.get(
            f"{collector.url}/v1/probes", headers=basic("an", PASSWORD)
        ) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("an", "wrong"),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Bearer x"},
    ],
)
async def test_anything_else_is_401(collector: Running, headers: dict[str, str]) -> None:
    """Without a good password the answer is a problem that says what to send."""
    add_operator(collector)
    async with collector.client.get(f"{collector.url}/v1/probes", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert answer.content_type == "application/problem+json"


async def test_wrong_basic_passwords_are_limited(collector: Running) -> None:
    """Basic is no way around the limit on tries."""
    add_operator(collector)
    statuses = []
    for _ in range(TRIES_PER_NAME + 1):
        async with collector.client.get(
            f"{collector.url}/v1/probes", headers=basic("an", "wrong")
        ) as answer:
            statuses.append(answer.status)
            last = answer.headers
    assert statuses == [401] * TRIES_PER_NAME + [429]
    assert int(last["Retry-After"]) > 0


async def test_unknown_name_is_not_told_apart(collector: Running) -> None:
    """An operator who is not there is refused as one with a wrong password."""
    add_operator(collector)
    with collector.database.write() as connection:
        connection.execute(delete(schema.operators))
    async with collector.client.get(
        f"{collector.url}/v1/probes", headers=basic("an", PASSWORD)
    ) as answer:
        assert answer.status == 401
