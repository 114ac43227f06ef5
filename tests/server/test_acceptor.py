"""Floods of connections: limits, descriptors running out, and service that goes on."""

import contextlib
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protocol.constants import SERVER_PATH
from tests.certificates import Certificate
from tests.server.conftest import Client, Connect, Serve


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Let this process open as many files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def _process(*, descriptors: int = 4096, **limits: int) -> Iterator[tuple[int, int]]:
    """Run a server in a process of its own; give its port and process id."""
    environment = {f"LINEWATCH_SERVER__LIMITS__{key.upper()}": str(n) for key, n in limits.items()}
    command = [sys.executable, "-m", "linewatch", "server", "run", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        ["prlimit", f"--nofile={descriptors}:{descriptors}", *command],
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline().rpartition(":")[2]), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def test_over_the_limit_of_an_address(serve: Serve, connect: Connect) -> None:
    """One connection too many of an address gets 503 with Retry-After; other addresses do not."""
    server = serve(limits={"connections_per_address": 3, "retry_after_seconds": 21})
    inside = [connect(server) for _ in range(3)]
    for client in inside:
        assert client.ask("/empty.php").status == 200
    refused = connect(server).answer()
    assert (refused.status, refused.headers["retry-after"]) == (503, "21")
    assert connect(server, source="127.0.0.9").ask("/empty.php").status == 200
    inside[0].socket.close()
    assert _eventually(lambda: connect(server).ask("/empty.php").status == 200)


def test_refused_client_reads_its_answer_after_its_request(serve: Serve, connect: Connect) -> None:
    """A refused client that sends a request, and more, is not reset before it reads its 503."""
    server = serve(limits={"connections_per_address": 1})
    connect(server).ask("/empty.php")
    for _ in range(20):
        client = connect(server)
        client.send(b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        client.send(b"x" * 100_000)
        assert client.answer().status == 503
        assert client.ended()


def test_refusal_speaks_tls(
    serve: Serve, connect: Connect, make_certificate: Callable[[str], Certificate]
) -> None:
    """Over the limit an HTTPS client gets its 503 too."""
    made = make_certificate("refusal")
    server = serve(
        tls={"certificate": made.certificate, "key": made.key},
        limits={"connections_per_address": 1},
    )
    connect(server)
    context = ssl.create_default_context(cafile=str(made.certificate))
    raw = connect(server).socket
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
        assert Client(tls).answer().status == 503


def test_silent_refused_clients_are_let_go(serve: Serve, connect: Connect) -> None:
    """A refused client that never ends its connection is ended after two seconds."""
    server = serve(limits={"connections_per_address": 1})
    connect(server)
    silent = connect(server)
    assert silent.answer().status == 503
    begun = time.monotonic()
    until = begun + 5
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < until:  # fails once the server has closed
            silent.send(b"x")
            time.sleep(0.1)
    assert 1 < time.monotonic() - begun < 4


def test_stopping_server_lets_refused_clients_go(serve: Serve, connect: Connect) -> None:
    """A server that holds refused connections stops all the same."""
    server = serve(limits={"connections_per_address": 1})
    connect(server)
    silent = connect(server)
    assert silent.answer().status == 503
    server.stop()
    assert silent.ended()


@pytest.mark.usefixtures("many_descriptors")
def test_ten_thousand_idle_connections(connect: Connect) -> None:
    """With 10,000 idle connections, from one address and from many, a client is still served."""
    with _process(connections=256, connections_per_address=64) as (port, process):
        idle: list[socket.socket] = []
        try:
            for number in range(10_000):
                # Half from one address, half from 250.
                source = "127.0.0.1" if number % 2 else f"127.0.1.{number % 500 // 2 + 1}"
                idle.append(socket.create_connection(("127.0.0.1", port), 10, (source, 0)))
            # Connections are accepted in order: one that is served says that the flood is over.
            assert _eventually(
                lambda: connect(port, source="127.0.2.200").ask("/empty.php").status == 200
            )
            time.sleep(1.1)  # then the waiting ones may be closed for those who ask
            begun = time.monotonic()
            for number in range(20):
                client = connect(port, source=f"127.0.2.{number + 1}")
                assert client.ask(SERVER_PATH).status == 200
                assert len(client.ask("/garbage.php?ckSize=1").body) == 1024 * 1024
            assert time.monotonic() - begun < 5
        finally:
            for one in idle:
                one.close()
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        assert int(resident.split()[1]) < 256 * 1024, resident


@pytest.mark.parametrize("size", [1, 1024])
def test_endless_chunks_do_not_keep_others_waiting(connect: Connect, size: int) -> None:
    """While 60 connections send small chunks as fast as they are taken, others are served."""
    with _process() as (port, _), _flood(port, size):
        time.sleep(2)  # until all of them are at it
        begun = time.monotonic()
        other = connect(port, source="127.0.0.2")
        for _ in range(60):
            assert other.ask("/empty.php").status == 200
        assert time.monotonic() - begun < 4


@contextlib.contextmanager
def _flood(port: int, size: int) -> Iterator[None]:
    """Send chunks on 60 connections of 127.0.0.1, from a process of its own."""
    with subprocess.Popen([sys.executable, "-c", _FLOOD, str(port), str(size)]) as process:
        try:
            yield
        finally:
            process.kill()


_FLOOD = """
import select, socket, sys
port, size = int(sys.argv[1]), int(sys.argv[2])
chunk = b"%x\\r\\n%b\\r\\n" % (size, b"x" * size)
left, data = {}, chunk * (60000 // len(chunk))
for number in range(60):
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.sendall(b"POST /empty.php HTTP/1.1\\r\\nHost: x\\r\\n")
    sock.sendall(b"Transfer-Encoding: chunked\\r\\n\\r\\n")
    sock.setblocking(False)
    left[sock] = b""
while True:
    for sock in select.select([], left, [])[1]:
        left[sock] = left[sock] or data
        left[sock] = left[sock][sock.send(left[sock]):]
"""


def test_survives_without_descriptors(connect: Connect) -> None:
    """A server that has no descriptors left goes on accepting once there are some."""
    with _process(descriptors=48, connections=1000, connections_per_address=1000) as (port, _):
        flood = [connect(port) for _ in range(200)]
        time.sleep(0.5)
        assert _eventually(lambda: connect(port).ask("/empty.php").status == 200)
        for client in flood:
            client.socket.close()
        assert _eventually(lambda: connect(port).ask("/empty.php").status == 200)


def _eventually(holds: Callable[[], bool]) -> bool:
    """Try for 10 s at most; a connection that is refused meanwhile is no answer."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with contextlib.suppress(OSError, EOFError):
            if holds():
                return True
        time.sleep(0.05)
    return False
