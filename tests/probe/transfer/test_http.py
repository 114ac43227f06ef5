"""HTTP by hand: heads, bodies, limits."""

import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.engine import MeasurementError
from probe.transfer.dial import Dialer, Target
from probe.transfer.guard import Guard
from probe.transfer.http import Chunked, Client, Counted, Head, UntilClose, parse_head, take_head
from protocol.failures import Failure
from tests.probe.far_end import Handler, answer, listening, plain_backend


def client(url: str, seconds: float = 20) -> Client:
    """Return a client of a URL."""
    return Client(Dialer(Target.of(url), Guard(time.monotonic() + seconds)))


def chunks(pieces: list[bytes]) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces if p) + b"0\r\n\r\n"


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=10),
    st.lists(st.integers(1, 20), min_size=1, max_size=20),
)
def test_a_chunked_body_is_counted_however_it_arrives(pieces: list[bytes], cuts: list[int]) -> None:
    """The payload counted is the payload sent, wherever the network cuts the stream, and the body
    is complete exactly at its end.
    """
    wire, at, payload, turn = chunks(pieces), 0, 0, 0
    body = Chunked()
    while at < len(wire):
        assert not body.done
        step = cuts[turn % len(cuts)]
        turn += 1
        certain = body.skippable()
        if certain and turn % 2:
            step = min(step, certain)
            body.skip(step)
            payload += step
        else:
            payload += body.feed(wire[at : at + step])
        at += step
    assert body.done
    assert payload == sum(map(len, pieces))


@pytest.mark.parametrize(
    "wire", [b"xyz\r\n", b"-5\r\n", b"3\r\nabcd\r\n", b"0\r\n\r\nmore", b"1" * 300, b"\r\n"]
)
def test_broken_chunks_are_refused(wire: bytes) -> None:
    """Framing that is not chunked encoding is an error, not payload."""
    with pytest.raises(ValueError, match="chunk"):
        Chunked().feed(wire)


def test_a_body_that_ends_early_is_an_error() -> None:
    """A connection that closes inside a body of known length, or before the last chunk, is told
    from one that ends where it should.
    """
    for body in (Counted(10), Chunked()):
        body.feed(b"5\r\n")
        with pytest.raises(ValueError, match="closed"):
            body.close()
    until = UntilClose()
    until.feed(b"anything")
    until.close()
    assert until.done


def test_more_than_the_length_said_is_an_error() -> None:
    """Bytes after the end of a body are not payload."""
    with pytest.raises(ValueError, match="more bytes"):
        Counted(3).feed(b"four")


@pytest.mark.parametrize(
    "raw",
    [b"SSH-2.0-OpenSSH_9.2", b"HTTP/2 200 OK", b"HTTP/1.1 abc", b"HTTP/1.1 200 OK\r\nno colon"],
)
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    """A head that is not HTTP/1 is an error."""
    with pytest.raises(ValueError, match="is no"):
        parse_head(raw)


def test_control_characters_do_not_get_through() -> None:
    """A header cannot carry what steers the terminal of the person who reads of it."""
    with pytest.raises(ValueError, match="control characters"):
        parse_head(b"HTTP/1.1 301 Moved\r\nLocation: http://x/\x1b[2J")


def test_a_head_has_a_limit() -> None:
    """A head that never ends is refused at its limit, garbage at its first bytes."""
    assert take_head(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000) is None
    with pytest.raises(ValueError, match="longer than"):
        take_head(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20000)
    with pytest.raises(ValueError, match="no HTTP"):
        take_head(b"220 mail ready")


def test_interim_answers_are_passed_over() -> None:
    """An answer that follows '100 Continue' is the answer."""
    taken = take_head(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nrest")
    assert taken == (Head(204, {}), b"rest")


@pytest.mark.parametrize(
    "head, kept",
    [
        (Head(200, {"content-length": "0"}), True),
        (Head(200, {"content-length": "0", "connection": "close"}), False),
        (Head(200, {}), False),
        (Head(200, {"content-length": "0"}, 0), False),
        (Head(200, {"content-length": "0", "connection": "Keep-Alive"}, 0), True),
    ],
)
def test_a_connection_is_kept_as_its_answer_says(head: Head, kept: bool) -> None:
    """Keep-alive is HTTP/1.1's default and HTTP/1.0's exception."""
    assert head.keeps_alive is kept


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
