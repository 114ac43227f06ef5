"""What a server is, as far as its answers tell."""

import json

import pytest

from probe.engine import MeasurementError
from probe.transfer import backend
from probe.transfer.backend import Backend
from probe.transfer.http import Client
from protocol.constants import PLAIN_UPLOAD_BYTES, SERVER_PATH
from protocol.failures import Failure
from protocol.messages import ServerInfo, ServerLoad
from protocol.records import encode
from tests.probe.far_end import Handler, answer, plain_backend
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
    return Backend("http://near", prefix, None, "0" * 32)


def found(url: str) -> Backend:
    """Ask a server what it is."""
    asking: Client = client(url)
    try:
        return backend.find(asking)
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
    ours = Backend("http://near", "/", INFO, "0" * 32)

    def rubbish(request: Handler) -> None:
        answer(request, b"rubbish")

    for replaced in ({}, {f"linewatch/v1/tests/{'0' * 32}": rubbish}):
        with plain_backend(replaced) as url:
            asking = client(url)
            assert backend.server_test(asking, ours) is None
            asking.close()
    assert backend.server_test(client("http://127.0.0.1:9"), plain()) is None
