"""speedtest-cli's own program against our server; only the service that it asks first is ours."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.speedtest_net import listed, speedtest_net
from protocol.constants import OOKLA_SIZES, SERVER_PATH
from tests.server.conftest import Connect, Serve

PROGRAM = Path(sys.executable).with_name("speedtest-cli")


def result(*arguments: str, proxy: str) -> dict[str, Any]:
    """Run speedtest-cli and return what it measured.

    It asks the service by plain http through a proxy; 127.0.0.1 it asks directly.
    """
    environment = {**os.environ, "http_proxy": proxy, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [PROGRAM, "--json", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("mini", [True, False])
def test_speedtest_cli_completes(serve: Serve, mini: bool) -> None:
    """It finds our server by its address (--mini) and by a list, and measures both ways."""
    server = serve()
    with speedtest_net() as service:
        service.servers = [listed(f"{server.url}/speedtest/upload.php", 17)]
        how = ["--mini", server.url] if mini else ["--server", "17"]
        found = result(*how, proxy=service.url)
    assert found["server"]["url"] == f"{server.url}/speedtest/upload.php"
    assert 0 < found["ping"] < 1000
    assert found["bytes_received"] > min(OOKLA_SIZES.values())
    assert found["bytes_sent"] > 500_000
    assert found["download"] > 0 < found["upload"]


@pytest.mark.parametrize("side", OOKLA_SIZES)
def test_images_have_the_sizes_of_ooklas(serve: Serve, connect: Connect, side: int) -> None:
    """Each image is as long as on Ookla's servers, and no other is there."""
    answer = connect(serve()).ask(f"/speedtest/random{side}x{side}.jpg?x=1.2", "HEAD")
    assert (answer.status, int(answer.headers["content-length"])) == (200, OOKLA_SIZES[side])
    assert connect(serve()).ask(f"/speedtest/random{side}x{side + 1}.jpg").status == 404


def test_an_upload_is_answered_with_its_size(serve: Serve, connect: Connect) -> None:
    """The answer to an upload is its length; to a question without one, 0."""
    client = connect(serve())
    assert (
        client.ask("/speedtest/upload.php", "POST", b"content1=" + b"0" * 991).body == b"size=1000"
    )
    assert client.ask("/speedtest/upload.php").body == b"size=0"
    assert client.ask("/speedtest/latency.txt?x=1").body == b"test=test\n"


def test_a_busy_server_turns_them_away(serve: Serve, connect: Connect) -> None:
    """What they move counts as a test: where the server is full they are told so like others."""
    server = serve(limits={"tests": 1})
    holding, other = connect(server), connect(server)
    holding.send(
        b"POST /speedtest/upload.php?test=" + b"a" * 32 + b" HTTP/1.1\r\nHost: a\r\n"
        b"Content-Length: 2000000\r\n\r\n" + b"0" * 1000
    )
    until = time.monotonic() + 10
    while json.loads(other.ask(SERVER_PATH).body)["load"]["tests_running"] < 1:
        assert time.monotonic() < until
    assert other.ask("/speedtest/random350x350.jpg").status == 503
    assert other.ask("/speedtest/latency.txt").status == 200
