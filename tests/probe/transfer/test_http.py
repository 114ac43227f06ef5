"""Small requests on a connection that stays open."""

import socket
import threading
import time

import pytest

from probe.engine import MeasurementError
from probe.transfer import kernel
from probe.transfer.dial import HANDSHAKE_SECONDS, Dialer, Target
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from protocol.failures import Failure
from tests.probe.far_end import Handler, answer, listening, mute, plain_backend


def client(url: str, seconds: float = 20) -> Client:
    """Return a client of a URL."""
    return Client(Dialer(Target.of(url), Guard(time.monotonic() + seconds)))


def chunks(pieces: list[bytes]) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces if p) + b"0\r\n\r\n"


def test_small_requests_share_a_connection() -> None:
    """Two requests go over one connection, and each answer's time is of its own request."""
    with plain_backend() as url:
        asking = client(url)
        asking.get("/empty.php")
        first = asking.connection
        second = asking.get("/empty.php")
        assert asking.connection is first
        assert 0 < second.seconds < 1
        asking.close()


def test_what_a_server_spent_itself_is_taken_off() -> None:
    """Of 0.3 s of waiting of which the server says that 0.25 s were its own, 0.05 s are the way's;
    no server can make a round trip shorter than the kernel's shortest on that connection, and what
    is no such header takes nothing off.
    """
    told = {"/a": "linewatch;dur=250.000", "/b": "linewatch;dur=999999.000", "/c": "db;dur=250.000"}

    def late(request: Handler) -> None:
        time.sleep(0.3)
        answer(request, b"", headers={"Server-Timing": told[request.path]})

    with plain_backend({path.strip("/"): late for path in told}) as url:
        asking = client(url)
        answers = {path: asking.get(path) for path in told}
        assert asking.connection is not None
        tcp = kernel.tcp_state(asking.connection)
        asking.close()
    assert tcp is not None
    assert tcp.minimum_rtt_seconds is not None
    assert 0.04 < answers["/a"].seconds < 0.15
    assert answers["/a"].taken_off_seconds >= 0.25
    assert tcp.minimum_rtt_seconds - 1e-9 <= answers["/b"].seconds < 0.04
    assert answers["/b"].server_seconds
    assert answers["/b"].server_seconds > 0.25
    assert answers["/c"].seconds > 0.29
    assert answers["/c"].taken_off_seconds < 0.1
    assert answers["/c"].server_seconds is None


def test_a_connection_that_the_server_dropped_is_replaced() -> None:
    """A kept connection that is found dead is opened anew, once, without a failure."""
    served = []

    def one_answer(connection: socket.socket) -> None:
        served.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with listening(one_answer) as url:
        asking = client(url)
        assert [asking.get("/").body for _ in range(3)] == [b"ok"] * 3
        asking.close()
    assert len(served) == 3


def test_a_chunked_answer_is_put_together() -> None:
    """The body of a small chunked answer is its payload, without the framing."""

    def chunked(request: Handler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(chunks([b"one\r\n", b"2\n", b"three"]))

    with plain_backend({"getIP.php": chunked}) as url:
        asking = client(url)
        assert asking.get("/getIP.php").body == b"one\r\n2\nthree"
        asking.close()


def test_an_answer_without_end_is_cut() -> None:
    """A small request does not read a large body."""
    large = {"getIP.php": lambda request: answer(request, bytes(5_000_000))}
    with plain_backend(large) as url, pytest.raises(MeasurementError) as caught:
        client(url).get("/getIP.php")
    assert caught.value.report.code is Failure.BAD_ANSWER


def test_an_answer_that_drips_ends_at_its_limit() -> None:
    """A server that sends a byte of its head at a time is left after the time for an answer."""

    def drip(connection: socket.socket) -> None:
        connection.recv(4096)
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 600:
            connection.sendall(bytes([byte]))
            time.sleep(0.2)

    with listening(drip) as url:
        started = time.monotonic()
        with pytest.raises(MeasurementError) as caught:
            client(url).get("/")
    assert caught.value.report.code is Failure.DEADLINE
    assert time.monotonic() - started < 7


def test_a_request_can_be_ended_from_another_thread() -> None:
    """`end` wakes a request that waits, and it is not tried again."""
    accepted = []

    def silent(connection: socket.socket) -> None:
        accepted.append(connection.recv(4096))
        connection.recv(1)

    with listening(silent) as url:
        asking = client(url)
        failed: list[MeasurementError] = []

        def ask() -> None:
            with pytest.raises(MeasurementError) as caught:
                asking.get("/")
            failed.append(caught.value)

        thread = threading.Thread(target=ask)
        thread.start()
        while not accepted:
            time.sleep(0.01)
        asking.end()
        thread.join(2)
        assert not thread.is_alive()
        assert len(accepted) == 1


def test_a_request_that_is_connecting_can_be_ended() -> None:
    """`end` does not wait for a far end that is silent while TLS begins; nothing is asked of it
    afterwards either.
    """
    accepted = []

    def silent(connection: socket.socket) -> None:
        accepted.append(connection.recv(4096))
        mute(connection)

    with listening(silent) as url:
        asking = client(url.replace("http:", "https:"))
        failed: list[Failure] = []

        def ask() -> None:
            with pytest.raises(MeasurementError) as caught:
                asking.get("/")
            failed.append(caught.value.report.code)

        thread = threading.Thread(target=ask)
        thread.start()
        while not accepted:
            time.sleep(0.01)
        asking.end()
        thread.join(HANDSHAKE_SECONDS / 2)
        assert not thread.is_alive()
        ask()
        asking.close()
    assert failed == [Failure.CONNECTION_LOST] * 2
    assert len(accepted) == 1


def test_nothing_is_sent_on_a_connection_that_came_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that is made just when `end` comes carries no request, and is closed."""
    received = []
    dial = Dialer.dial

    def late(dialer: Dialer, guard: Guard | None = None) -> socket.socket:
        connection = dial(dialer, guard)
        asking.end()
        return connection

    monkeypatch.setattr(Dialer, "dial", late)
    with listening(lambda connection: received.append(connection.recv(4096))) as url:
        asking = client(url)
        with pytest.raises(MeasurementError) as caught:
            asking.get("/")
        assert asking.connection is None
    assert caught.value.report.code is Failure.CONNECTION_LOST
    assert received in ([], [b""])
