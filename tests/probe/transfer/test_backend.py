"""What a server is, as far as its answers tell."""

import json

import pytest

from probe.engine import MeasurementError
from probe.transfer import backend
from probe.transfer.backend import Backend, Paths
from probe.transfer.http import Client
from protocol.constants import PLAIN_UPLOAD_BYTES, SERVER_PATH
from protocol.failures import Failure
from protocol.messages import ServerEntry, ServerInfo, ServerLoad
from protocol.model import encode
from tests.probe.far_end import Handler, answer, empty, get_ip, plain_backend
from tests.probe.transfer.test_http import client

INFO = ServerInfo(
    name="hp-1",
    software="linewatch/9",
    your_address="192.0.2.7",
    upload_maximum_bytes=123,
    stamp_port=None,
    load=ServerLoad(tests_running=2, connections=3, connections_limit=10, cpu_ratio=0.25),
)


def plain(prefix: str = "/") -> Backend:
    """Return a plain backend."""
    return Backend("http://near", Paths.libre_speed(prefix), None, "0" * 32)


def found(url: str, **entry: object) -> Backend:
    """Ask a server what it is."""
    asking: Client = client(url)
    try:
        return backend.find(asking, ServerEntry.model_validate({"name": "s", "url": url, **entry}))
    finally:
        asking.close()


@pytest.mark.parametrize(
    "prefix, path", [("/", ""), ("/", "backend/"), ("/mess/", "mess/"), ("/mess/", "mess/backend/")]
)
def test_our_own_server_is_known_by_what_it_says(prefix: str, path: str) -> None:
    """A server that says what it is is asked at the site's root, also behind a path; what it says
    of itself is taken.
    """
    own = {SERVER_PATH[1:]: lambda request: answer(request, encode(INFO))}
    with plain_backend(own, prefix=prefix) as url:
        server = found(url + path)
    assert server.info == INFO
    assert server.upload_bytes == 123
    assert f"test={server.test}&stream=3" in server.garbage(3)
    identity = server.identity("192.0.2.1", None, None)
    assert (identity.name, identity.tests_running, identity.cpu_ratio) == ("hp-1", 2, 0.25)
    assert server.identity("192.0.2.1", 5, 0.9).cpu_ratio == 0.9


@pytest.mark.parametrize("said", [b"", b"{}", b"<html>", b'{"schema": 99}'])
def test_a_stranger_at_our_path_is_plain(said: bytes) -> None:
    """Something else at our own path does not make a server ours."""
    with plain_backend({SERVER_PATH[1:]: lambda request: answer(request, said)}) as url:
        server = found(url)
    assert server.info is None
    assert server.upload_bytes == PLAIN_UPLOAD_BYTES
    assert "test=" not in server.upload(0)


ELSEWHERE = {"dlURL": "get/bytes?token=1", "ulURL": "/put", "pingURL": "tick", "getIpURL": "me"}
"""Paths as a server list names them: with a query, with and without a slash in front."""


def test_paths_of_an_entry_are_used_as_they_are() -> None:
    """A backend that has its resources elsewhere is found where its entry says, below the URL's own
    path; queries go on where there is one already.
    """
    with plain_backend(served={"tick": empty, "me": get_ip}, prefix="/api/") as url:
        server = found(url + "api", paths=ELSEWHERE)
    assert server.garbage(0).startswith("/api/get/bytes?token=1&ckSize=1024&r=")
    assert server.upload(0).startswith("/api/put?r=")
    assert server.empty().startswith("/api/tick?r=")
    assert server.paths.address == "/api/me"


def test_paths_of_an_entry_do_not_hide_our_own_server() -> None:
    """One of Linewatch's servers in somebody's list still counts uploads where they arrive."""
    own = {SERVER_PATH[1:]: lambda request: answer(request, encode(INFO))}
    with plain_backend(own) as url:
        assert found(url, paths=ELSEWHERE).info == INFO


def test_wrong_paths_are_told() -> None:
    """A path that answers nothing useful ends as no server, and the sentence names it."""
    with plain_backend() as url, pytest.raises(MeasurementError, match="/tick answered status 404"):
        found(url, paths=ELSEWHERE)


@pytest.mark.parametrize("path", ["speedtest/upload.php", "speedtest/", "speedtest"])
def test_a_server_of_ooklas_is_known_by_its_entry(path: str) -> None:
    """The URL is its upload's or their folder; the other resources stand beside it, and it is
    asked for its small answer alone.
    """
    pong = {"latency.txt": lambda request: answer(request, b"test=test\n")}
    with plain_backend(served=pong, prefix="/speedtest/") as url:
        server = found(url + path, engine="ookla")
    assert server.garbage(1).startswith("/speedtest/random4000x4000.jpg?r=")
    assert server.upload(1).startswith("/speedtest/upload.php?r=")
    assert server.empty().startswith("/speedtest/latency.txt?r=")
    assert server.upload_bytes == 7 * 1024 * 1024
    assert backend.public_address(client("http://127.0.0.1:9"), server) is None


def test_a_stranger_is_no_server_of_ooklas() -> None:
    """Another answer than the expected one is told."""
    page = {"latency.txt": lambda request: answer(request, b"hello")}
    with plain_backend(served=page) as url, pytest.raises(MeasurementError) as caught:
        found(url, engine="ookla")
    assert caught.value.report.code is Failure.NOT_A_SERVER
    assert "instead of test=test" in caught.value.report.detail


def test_our_own_server_may_be_full() -> None:
    """503 at the first question already is a busy server."""
    full = {SERVER_PATH[1:]: lambda request: answer(request, b"", status=503)}
    with plain_backend(full) as url, pytest.raises(MeasurementError) as caught:
        found(url)
    assert caught.value.report.code is Failure.SERVER_BUSY


def test_nothing_is_asked_twice_under_one_name() -> None:
    """No cache on the way can answer: each small request has its own address."""
    assert len({plain().empty() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "said, address",
    [
        (
            json.dumps({"processedString": "203.0.113.9 - VNPT, VN", "rawIspInfo": {}}),
            "203.0.113.9",
        ),
        (json.dumps({"processedString": "2001:db8::9"}), "2001:db8::9"),
        ("203.0.113.9", "203.0.113.9"),
        ("<html>", None),
        ("{}", None),
        ("", None),
        ('["203.0.113.9"]', None),
    ],
)
def test_the_public_address_is_read_from_what_backends_say(said: str, address: str | None) -> None:
    """Backends say the address alone, in JSON, with a carrier behind it, or not at all."""
    own = {"getIP.php": lambda request: answer(request, said.encode())}
    with plain_backend(own) as url:
        asking = client(url)
        assert backend.public_address(asking, plain()) == address
        asking.close()


def test_a_missing_view_of_the_test_is_no_failure() -> None:
    """A server of ours that forgot the test, or answers rubbish, leaves the probe's own counts."""
    ours = Backend("http://near", Paths.libre_speed("/"), INFO, "0" * 32)

    def rubbish(request: Handler) -> None:
        answer(request, b"rubbish")

    for replaced in ({}, {f"linewatch/v1/tests/{'0' * 32}": rubbish}):
        with plain_backend(replaced) as url:
            asking = client(url)
            assert backend.server_test(asking, ours) is None
            asking.close()
    assert backend.server_test(client("http://127.0.0.1:9"), plain()) is None
