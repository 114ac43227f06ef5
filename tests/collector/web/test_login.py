"""Login, sessions and logout of operators, at a real collector."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, CookieJar
from argon2 import PasswordHasher
from sqlalchemy import delete, insert, select

from collector.api.operators import TRIES_PER_NAME, TRY_SPAN
from collector.ledger import schema
from collector.web import pages_operator
from collector.web.pages_operator import FORM_BYTES
from tests.collector.conftest import Running, Start
from tests.collector.web.markup import read

PASSWORD = "mật khẩu dài và đủ khó"
# The cheapest parameters: the tests are about who gets in, not about how long guessing takes.
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def add_operator(collector: Running, name: str = "an") -> None:
    """Register an operator."""
    row = {"name": name, "password_hash": HASHER.hash(PASSWORD), "created_at": datetime.now(UTC)}
    with collector.database.write() as connection:
        connection.execute(insert(schema.operators).values(row))


async def log_in(
    collector: Running,
    name: str = "an",
    password: str = PASSWORD,
    following: str = "/probes",
    **headers: str,
) -> ClientResponse:
    """Send the login form; return the answer."""
    form = {"name": name, "password": password, "next": following}
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    answer = await collector.client.post(
        f"{collector.url}/login", data=form, headers=sent, allow_redirects=False
    )
    await answer.read()
    return answer


async def become_operator(collector: Running) -> None:
    """Let the client ask as an operator from now on."""
    add_operator(collector)
    token = (await log_in(collector)).cookies["linewatch_session"].value
    collector.client.headers["Cookie"] = f"linewatch_session={token}"


@pytest.fixture
async def known(collector: Running) -> Running:
    """Return a collector with one operator, and a client that keeps cookies of addresses too."""
    add_operator(collector)
    collector.client._cookie_jar = CookieJar(unsafe=True)
    return collector


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 13, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.moment


async def test_good_password_opens_a_session_and_leads_on(known: Running) -> None:
    """Name and password give a strict, script-proof cookie, and the page that was asked for."""
    answer = await log_in(known)
    assert answer.status == 303
    assert answer.headers["Location"] == "/probes"
    cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie
    async with known.client.get(f"{known.url}/probes", allow_redirects=False) as page:
        assert page.status == 200
        assert page.headers["Cache-Control"] == "private, no-cache"
    async with known.client.get(f"{known.url}/v1/probes") as api:
        assert api.status == 200


async def test_ledger_keeps_no_token_that_could_be_used(known: Running) -> None:
    """The session is stored as the token's hash; the cookie's value is nowhere in the ledger."""
    answer = await log_in(known)
    token = answer.cookies["linewatch_session"].value
    stored = known.rows(schema.sessions)
    assert len(stored) == 1
    assert token not in str(stored)
    assert stored[0]["operator_name"] == "an"


async def test_cookie_is_secure_behind_tls(known: Running) -> None:
    """Where the visitor came by TLS, the cookie is only ever sent by TLS."""
    answer = await log_in(known, X_Forwarded_Proto="https")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(
    "name,password", [("an", "wrong"), ("nobody", PASSWORD), ("", ""), ("an", "x" * 5000)]
)
async def test_wrong_password_shows_the_form_again(
    known: Running, name: str, password: str
) -> None:
    """Wrong name and wrong password look the same, and open nothing."""
    answer = await log_in(known, name, password)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    tree = read(await answer.text())
    assert tree.one("p", "problem").text == "Tên hoặc mật khẩu không đúng."
    assert known.rows(schema.sessions) == []


@pytest.mark.parametrize(
    "following",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\tx",
        "",
    ],
)
async def test_login_never_leads_to_another_site(known: Running, following: str) -> None:
    """Where the form asks to go on elsewhere, the login leads to the first page."""
    answer = await log_in(known, following=following)
    assert answer.headers["Location"] == "/"


async def test_login_form_of_another_site_is_refused(known: Running) -> None:
    """A browser that says the form came from elsewhere is refused, good password or not."""
    answer = await log_in(known, Sec_Fetch_Site="cross-site")
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/login", "/logout"])
async def test_a_form_has_a_size(known: Running, path: str) -> None:
    """What is larger than any form of these pages is refused, not kept in memory."""
    await log_in(known)
    form = {"name": "an", "password": "x" * 2 * FORM_BYTES}
    async with known.client.post(known.url + path, data=form, allow_redirects=False) as answer:
        assert answer.status == 413


async def test_a_form_that_does_not_come_is_given_up(
    known: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time the sender is told 408, and its connection's place is free."""
    monkeypatch.setattr(pages_operator, "FORM_SECONDS", 0.3)

    async def slow() -> AsyncIterator[bytes]:
        yield b"name="
        await asyncio.sleep(10)

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = known.url + "/login"
    async with known.client.post(url, data=slow(), headers=headers) as answer:
        assert answer.status == 408


async def test_tries_are_limited(start: Start) -> None:
    """After a few wrong tries even the good password has to wait; then it may again."""
    clock = Clock()
    collector = await start(now=clock)
    add_operator(collector)
    for _ in range(TRIES_PER_NAME):
        assert (await log_in(collector, password="wrong")).status == 403
    refused = await log_in(collector)
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= TRY_SPAN.total_seconds()
    clock.moment += TRY_SPAN
    assert (await log_in(collector)).status == 303


async def test_session_ends_in_time(start: Start) -> None:
    """A session is worth nothing after its hours, and is then removed at the next login."""
    clock = Clock()
    collector = await start(now=clock, web={"session_hours": 1})
    add_operator(collector)
    token = (await log_in(collector)).cookies["linewatch_session"].value
    cookie = {"Cookie": f"linewatch_session={token}"}
    async with collector.client.get(f"{collector.url}/v1/probes", headers=cookie) as answer:
        assert answer.status == 200
    clock.moment += timedelta(hours=1)
    async with collector.client.get(f"{collector.url}/v1/probes", headers=cookie) as answer:
        assert answer.status == 401
    await log_in(collector)
    assert len(collector.rows(schema.sessions)) == 1


async def test_removed_operator_is_out_at_once(known: Running) -> None:
    """An operator who was removed has no session any more."""
    await log_in(known)
    with known.database.write() as connection:
        connection.execute(delete(schema.operators))
    async with known.client.get(f"{known.url}/probes", allow_redirects=False) as page:
        assert page.status == 303


async def test_log_out_ends_the_session_and_needs_its_own_form(known: Running) -> None:
    """Logging out takes the token of the page's own form; then the cookie is worth nothing."""
    answer = await log_in(known)
    token = answer.cookies["linewatch_session"].value
    cookie = {"Cookie": f"linewatch_session={token}"}

    async def log_out(**form: str) -> int:
        async with known.client.post(
            f"{known.url}/logout", data=form, headers=cookie, allow_redirects=False
        ) as done:
            return done.status

    assert await log_out() == 403
    assert await log_out(token="0" * 64) == 403
    assert await log_out(token="ơ") == 403
    async with known.client.get(f"{known.url}/probes", headers=cookie) as page:
        form = read(await page.text()).one("form", "log-out")
    good: Any = form.one("input").attributes["value"]
    assert await log_out(token=good) == 303
    async with known.client.get(f"{known.url}/v1/probes", headers=cookie) as answer_after:
        assert answer_after.status == 401
    query = select(schema.sessions.c.operator_name)
    assert known.database.read_now(lambda connection: connection.scalars(query).all()) == []


@pytest.mark.parametrize("path", ["/probes", "/trouble", "/records/p1/c/0"])
async def test_operators_pages_ask_for_a_login(collector: Running, path: str) -> None:
    """Without a session these pages lead to the login, which leads back."""
    async with collector.client.get(collector.url + path, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == f"/login?next={path}"
    async with collector.client.get(collector.url + path) as login:
        assert read(await login.text()).one("input", name="next").attributes["value"] == path


@pytest.mark.parametrize("cookie", ["", "x", "a" * 3000, "../../etc"])
async def test_forged_session_is_nobody(collector: Running, cookie: str) -> None:
    """A cookie that was never given out opens nothing."""
    sent = {"Cookie": f"linewatch_session={cookie}"}
    async with collector.client.get(f"{collector.url}/v1/probes", headers=sent) as answer:
        assert answer.status == 401
