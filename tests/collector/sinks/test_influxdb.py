"""What a server's answer means: taken, refused for good, or away; and that the token stays here."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from collector.settings import CollectorSettings, InfluxdbSettings
from collector.sinks.far_end import AwayError, RefusedError
from collector.sinks.influxdb import Influxdb
from protocol.settings import Configuration, dump
from tests.collector.sinks.far_ends import InInflux
from tests.services import Service, influxdb, influxql

POINT = "linewatch_reach,line=l1 records=1i 1795180550000"
TOKEN = "s3cret-token/with=signs"


@asynccontextmanager
async def answering(
    answer: Callable[[web.Request], Any], **settings: Any
) -> AsyncIterator[tuple[Influxdb, list[tuple[web.Request, bytes]]]]:
    """Yield a client of a server that answers as it is told, and what the server was asked."""
    asked: list[tuple[web.Request, bytes]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append((request, await request.read()))
        made: web.StreamResponse = await answer(request)
        return made

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    url = str(server.make_url("/below"))
    client = Influxdb(InfluxdbSettings(**{"name": "x", "url": url, "token": TOKEN, **settings}))
    try:
        yield client, asked
    finally:
        await client.close()
        await server.close()


def status(number: int, text: str = "", **headers: str) -> Callable[[web.Request], Any]:
    """Return what answers with a status."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=number, text=text, headers=headers)

    return answer


@pytest.mark.parametrize(
    "settings, path, query, login",
    [
        (
            {"org": "city", "bucket": "b"},
            "/below/api/v2/write",
            {"bucket": "b", "org": "city", "precision": "ms"},
            f"Token {TOKEN}",
        ),
        (
            {"version": 1, "bucket": "db/year", "token": "an:pass word"},
            "/below/write",
            {"db": "db", "rp": "year", "precision": "ms"},
            "Basic YW46cGFzcyB3b3Jk",
        ),
    ],
    ids=["version 2", "version 1"],
)
async def test_points_go_out_in_one_compressed_request(
    settings: dict[str, Any], path: str, query: dict[str, str], login: str
) -> None:
    """Below the address that the settings name, with the login, all points in one body."""
    async with answering(status(204), **settings) as (client, asked):
        await client.write([POINT, POINT])
    ((request, body),) = asked
    assert (request.method, request.path, dict(request.query)) == ("POST", path, query)
    assert request.headers["Authorization"] == login
    assert body.decode() == f"{POINT}\n{POINT}"
    assert request.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("number", [400, 413, 422])
async def test_what_may_be_a_points_fault_is_refused(number: int) -> None:
    """The server's own words are the reason."""
    async with answering(status(number, '{"message": "field type conflict"}')) as (client, _):
        with pytest.raises(RefusedError, match=rf"{number} .*field type conflict"):
            await client.write([POINT])


@pytest.mark.parametrize("number", [302, 401, 403, 404, 405, 408, 429, 500, 502, 503, 507])
async def test_anything_else_may_pass(number: int) -> None:
    """No login, no bucket, too much, trouble: the same points again later; nobody is followed."""
    elsewhere = {"Location": "http://192.0.2.1/"}
    async with answering(status(number, **elsewhere)) as (client, asked):
        with pytest.raises(AwayError, match=str(number)):
            await client.write([POINT])
    assert len(asked) == 1


@pytest.mark.parametrize("asked, seconds", [("7", 7.0), ("999999", 600.0), ("tomorrow", 0.0)])
async def test_a_server_may_say_when_to_come_back(asked: str, seconds: float) -> None:
    """In seconds, within reason."""
    async with answering(status(429, **{"Retry-After": asked})) as (client, _):
        with pytest.raises(AwayError) as error:
            await client.write([POINT])
    assert error.value.wait_seconds == seconds


async def test_a_server_that_does_not_answer_is_away() -> None:
    """After the settings' time, not later."""

    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with answering(never, timeout_seconds=0.2) as (client, _):
        with pytest.raises(AwayError, match=r"no answer within 0\.2 s"):
            await client.write([POINT])


async def test_a_server_that_is_not_there_is_away() -> None:
    """A refused connection is a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Influxdb(InfluxdbSettings(name="x", url=f"http://127.0.0.1:{port}"))
    with pytest.raises(AwayError, match=str(port)):
        await client.write([POINT])
    await client.close()


async def test_a_server_that_breaks_off_is_away() -> None:
    """A connection that ends without an answer."""

    async def breaks_off(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        return web.Response()

    async with answering(breaks_off) as (client, _):
        with pytest.raises(AwayError):
            await client.write([POINT])


@pytest.mark.parametrize("number", [400, 401])
async def test_the_token_is_in_no_error(number: int) -> None:
    """Not even where the server repeats it."""

    async def repeats(request: web.Request) -> web.StreamResponse:
        words = "x" * 260 + request.headers["Authorization"]
        return web.Response(status=number, text=words, headers={"X-You-Sent": words})

    async with answering(repeats) as (client, _):
        with pytest.raises((AwayError, RefusedError)) as error:
            await client.write([POINT])
    shown = repr(error.value) + str(error.value) + repr(error.value.__cause__)
    assert "xxx" in shown
    assert "s3cret" not in shown


def test_the_token_is_in_no_dump() -> None:
    """What `--check` prints hides it, and so does what Python shows."""
    entry = {"name": "x", "url": "http://192.0.2.1:8086", "token": TOKEN}
    section = CollectorSettings.model_validate({"sinks": {"influxdb": [entry]}})
    assert "192.0.2.1" in dump(section)
    assert "s3cret" not in dump(section) + repr(section)


@pytest.mark.parametrize(
    "entries, sentence",
    [
        ("[{name: x, url: 'ftp://a'}]", "an address is needed"),
        ("[{name: x, url: 'http://me:s3cret@a'}]", "do not belong into the address"),
        ("[{name: x, url: 'http://a?token=s3cret'}]", "do not belong into the address"),
        ("[{name: 'a b', url: 'http://a'}]", "should match pattern"),
        ("[{name: x, url: 'http://a', version: 3}]", "should be 1 or 2"),
        ("[{name: x, url: 'http://a'}, {name: x, url: 'http://b'}]", "the same name"),
    ],
)
def test_a_wrong_setting_is_a_sentence(entries: str, sentence: str) -> None:
    """It names the setting, and no secret."""
    text = f"collector: {{sinks: {{influxdb: {entries}}}}}"
    with pytest.raises(Exception, match=sentence) as error:
        Configuration("c.yaml", text).section("collector", CollectorSettings)
    assert "s3cret" not in str(error.value)


async def test_a_real_influxdb_wants_its_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With a wrong password it is away, without the database too; with the right one it takes."""
    with influxdb(tmp_path_factory.mktemp("closed"), auth=True) as service:
        influxql(service.url, "CREATE USER an WITH PASSWORD 'right' WITH ALL PRIVILEGES")
        own = {"name": "x", "url": service.url, "version": 1, "bucket": "b"}
        wrong = Influxdb(InfluxdbSettings(**own, token="an:wrong"))
        right = Influxdb(InfluxdbSettings(**own, token="an:right"))
        with pytest.raises(AwayError, match="401"):
            await wrong.write([POINT])
        with pytest.raises(AwayError, match=r"404 .*database not found"):
            await right.write([POINT])
        influxql(service.url, "CREATE DATABASE b", login=("an", "right"))
        await right.write([POINT])
        found = influxql(service.url, "SELECT * FROM linewatch_reach", "b", ("an", "right"))
        await wrong.close()
        await right.close()
    assert found[0]["values"] == [[1795180550000, "l1", 1]]


async def test_a_field_never_changes_its_type(influx_service: Service) -> None:
    """A real InfluxDB refuses a float where an integer stands: what a sink writes is for ever."""
    store = InInflux(influx_service)
    client = Influxdb(store.settings())
    await client.write([POINT])
    with pytest.raises(RefusedError, match="type"):
        await client.write([POINT.replace("records=1i", "records=1.0")])
    await client.close()
    assert [list(fields.values()) for fields in store.points().values()] == [[1]]


@pytest.mark.parametrize(
    "headers, breaks, connections",
    [({}, False, 1), ({"Connection": "close"}, False, 1), ({}, True, 3)],
    ids=["kept", "announced", "broken off"],
)
async def test_a_connection_that_ends_unannounced_is_told(
    headers: dict[str, str], breaks: bool, connections: int
) -> None:
    """A server that says that it closes goes on; one that just hangs up may have been killed."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if breaks and request.transport:
            asyncio.get_running_loop().call_later(0.02, request.transport.abort)
        return web.Response(status=204, headers=headers)

    async with answering(answer) as (client, asked):
        for _ in range(3):
            await client.write([POINT])
            await asyncio.sleep(0.1 if breaks else 0)
        assert len(asked) == 3
        assert client.connections == connections
