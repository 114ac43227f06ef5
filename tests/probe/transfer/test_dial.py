"""Connections: URLs, names, addresses, families, interfaces."""

import socket
import threading
import time

import pytest

from probe.engine import MeasurementError, Order
from probe.transfer import bind, dial
from probe.transfer.dial import Dialer, Target
from probe.transfer.guard import Guard
from probe.transfer.names import resolve
from protocol.failures import Failure
from tests.probe.far_end import listening, mute


def guard(seconds: float = 10) -> Guard:
    """Return a guard."""
    return Guard(time.monotonic() + seconds)


def wait(connection: socket.socket) -> None:
    """Keep a connection until it is closed."""
    connection.recv(1)


@pytest.mark.parametrize(
    "url, host, port, path, authority",
    [
        ("http://speed.example", "speed.example", 80, "/", "speed.example"),
        ("speed.example:8080", "speed.example", 8080, "/", "speed.example:8080"),
        ("https://speed.example/a/b", "speed.example", 443, "/a/b/", "speed.example"),
        ("wss://speed.example/ndt", "speed.example", 443, "/ndt/", "speed.example"),
        ("http://[2001:db8::1]:81/", "2001:db8::1", 81, "/", "[2001:db8::1]:81"),
        ("http://x.example/đo/a%20b", "x.example", 80, "/%C4%91o/a%20b/", "x.example"),
        ("http://bücher.example:81", "bücher.example", 81, "/", "xn--bcher-kva.example:81"),
    ],
)
def test_a_url_says_where_to_connect(
    url: str, host: str, port: int, path: str, authority: str
) -> None:
    """Host, port, path and the Host header follow from the URL."""
    target = Target.of(url)
    assert (target.host, target.port, target.path) == (host, port, path)
    assert target.authority == authority


@pytest.mark.parametrize("url", ["ftp://speed.example", "http://", "http://x:99999", "http://[::1"])
def test_what_is_no_url_is_told(url: str) -> None:
    """A server's address that cannot be used is a failure with a sentence, not a defect."""
    with pytest.raises(MeasurementError, match="URL"):
        Target.of(url)


def test_a_server_is_needed() -> None:
    """An order without a server is answered with the failure for it."""
    with pytest.raises(MeasurementError) as caught:
        Dialer.of(Order(server=None), guard())
    assert caught.value.report.code is Failure.NO_SERVER


@pytest.mark.parametrize("name", ["a..example", "x" * 70 + ".example"])
def test_a_name_that_cannot_exist_is_not_resolved(name: str) -> None:
    """A name that DNS cannot carry is a failure of name resolution."""
    with pytest.raises(MeasurementError) as caught:
        resolve(name, 80, None, guard())
    assert caught.value.report.code is Failure.NAME_RESOLUTION


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver may take as long as it likes: the measurement goes on without it."""
    released = threading.Event()

    def hang(*_: object) -> list[object]:
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    with pytest.raises(MeasurementError) as caught:
        resolve("slow.example", 80, None, guard(0.3))
    assert caught.value.report.code is Failure.DEADLINE
    assert time.monotonic() - started < 1
    released.set()


@pytest.mark.parametrize("host, family", [("127.0.0.1", 6), ("::1", 4)])
def test_an_address_of_the_other_family_is_no_address(host: str, family: int) -> None:
    """Asking for IPv6 of an IPv4 address says so."""
    with pytest.raises(MeasurementError) as caught:
        resolve(host, 80, 6 if family == 6 else 4, guard())
    assert caught.value.report.code is Failure.NO_ADDRESS


def test_each_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second address is used where the first refuses, and for all further connections."""
    with listening(wait) as url:
        good = Target.of(url)
        closed = socket.create_server(("127.0.0.1", 0))
        refused = closed.getsockname()
        closed.close()
        places = [(socket.AF_INET, refused), (socket.AF_INET, ("127.0.0.1", good.port))]
        monkeypatch.setattr(dial, "resolve", lambda *_, **__: places)
        dialer = Dialer(Target.of("http://two.example"), guard())
        dialer.dial().close()
        assert dialer.address == places[1]
        dialer.dial().close()


def test_nobody_listening_is_refused() -> None:
    """A closed port is told by its address."""
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    with pytest.raises(MeasurementError, match=f"port {port}: Connection refused") as caught:
        Dialer(Target.of(f"http://127.0.0.1:{port}"), guard()).dial()
    assert caught.value.report.code is Failure.REFUSED


def test_an_address_that_does_not_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody accepts ends within the time for it."""
    monkeypatch.setattr(dial, "CONNECT_SECONDS", 0.5)
    server = socket.create_server(("127.0.0.1", 0), backlog=0)
    # A full queue of connections that are never accepted drops the next ones.
    waiting = [socket.socket() for _ in range(4)]
    try:
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        started = time.monotonic()
        with pytest.raises(MeasurementError) as caught:
            Dialer(Target.of(f"http://127.0.0.1:{server.getsockname()[1]}"), guard()).dial()
        assert caught.value.report.code is Failure.CONNECT_TIMEOUT
        assert time.monotonic() - started < 1.5
    finally:
        for each in [server, *waiting]:
            each.close()


def test_a_handshake_ends_with_the_measurement() -> None:
    """A far end that accepts and is silent under TLS holds nobody longer than the guard allows,
    nor when the probe is asked to stop.
    """
    with listening(mute) as url:
        target = Target.of(url.replace("http:", "https:"))
        stopping = guard()
        threading.Timer(0.2, stopping.cancelled.set).start()
        for limit, code in ((guard(0.2), Failure.DEADLINE), (stopping, Failure.PROBE_STOPPING)):
            started = time.monotonic()
            with pytest.raises(MeasurementError) as caught:
                Dialer(target, limit).dial()
            assert caught.value.report.code is code
            assert time.monotonic() - started < dial.HANDSHAKE_SECONDS / 2


def test_a_silent_handshake_is_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes longer than the time for it is a failure of TLS."""
    monkeypatch.setattr(dial, "HANDSHAKE_SECONDS", 0.3)
    with listening(mute) as url, pytest.raises(MeasurementError) as caught:
        Dialer(Target.of(url.replace("http:", "https:")), guard()).dial()
    assert caught.value.report.code is Failure.TLS


def test_a_missing_interface_is_told() -> None:
    """Leaving by an interface that does not exist fails before a packet is sent."""
    # 192.0.2.0/24 is for documentation (RFC 5737); the socket is never connected.
    dialer = Dialer(Target.of("http://192.0.2.1"), guard(), interface="nope0")
    with pytest.raises(MeasurementError) as caught:
        dialer.dial()
    assert caught.value.report.code is Failure.INTERFACE_MISSING


def test_loopback_is_reached_whatever_the_interface() -> None:
    """A server on this device is reached by loopback also where a path names its interface."""
    with listening(wait) as url:
        Dialer(Target.of(url), guard(), interface="nope0").dial().close()


def test_the_address_of_an_interface() -> None:
    """The address of loopback is known; an interface that does not exist is an error."""
    assert bind.interface_address("lo", socket.AF_INET) == "127.0.0.1"
    for family in (socket.AF_INET, socket.AF_INET6):
        with pytest.raises(OSError, match=r"No such device|no interface"):
            bind.interface_address("nope0", family)
