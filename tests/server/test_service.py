"""A connection from its first byte to its end: keep-alive, refusals, slow clients."""

import socket
import time

import pytest

from tests.server.conftest import Connect, Serve

_SHORT = {
    "head_timeout_seconds": 0.4,
    "idle_timeout_seconds": 0.4,
    "transfer_maximum_seconds": 0.8,
}
"""Limits that a test can wait for. The watchdog adds a second to some of them."""


def test_a_connection_serves_many_requests(serve: Serve, connect: Connect) -> None:
    """Requests follow each other on one connection, sent together or apart."""
    client = connect(serve())
    one = b"GET /empty.php HTTP/1.1\r\nHost: x\r\n\r\n"
    upload = b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    client.send(one + upload + one)
    assert [client.answer().status for _ in range(3)] == [200] * 3
    client.send(one)
    assert client.answer().status == 200


def test_close_is_obeyed(serve: Serve, connect: Connect) -> None:
    """A client that says close gets its answer and then the end."""
    client = connect(serve())
    answer = client.ask("/empty.php", "GET", b"", "Connection: close")
    assert answer.headers["connection"] == "close"
    assert client.ended()


@pytest.mark.parametrize("stays", [True, False])
def test_serves_http_1_0(serve: Serve, connect: Connect, stays: bool) -> None:
    """A client of HTTP/1.0 is served, and kept only where it asks to be."""
    client = connect(serve())
    extra = "Connection: keep-alive\r\n" if stays else ""
    client.send(f"GET /getIP.php HTTP/1.0\r\n{extra}\r\n".encode())
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (
        200,
        "keep-alive" if stays else "close",
    )
    if stays:
        client.send(b"GET /getIP.php HTTP/1.0\r\n\r\n")
        assert client.answer().status == 200
    assert client.ended()


def test_head_has_no_body(serve: Serve, connect: Connect) -> None:
    """HEAD is answered with the length of what GET would give, and nothing after it."""
    client = connect(serve())
    whole = client.ask("/getIP.php")
    assert client.ask("/getIP.php", "HEAD").headers["content-length"] == str(len(whole.body))
    assert client.ask("/garbage.php?ckSize=1", "HEAD").headers["content-length"] == "1048576"
    assert client.ask("/empty.php").status == 200


def test_waiting_clients_are_told_to_go_on(serve: Serve, connect: Connect) -> None:
    """A client that expects a 100 before its body gets it, and then the answer."""
    client = connect(serve())
    client.send(
        b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    )
    assert client.head().status == 100
    client.send(b"abcd")
    assert client.answer().status == 200


def test_too_long_upload_is_refused_at_once(serve: Serve, connect: Connect) -> None:
    """An upload announced longer than allowed gets its 413 though the client goes on sending."""
    client = connect(serve(limits={"upload_maximum_bytes": 1000}))
    client.send(b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
    client.send(b"x" * 9_000_000)
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert client.ended()


def test_too_long_chunked_upload_is_refused_when_it_is(serve: Serve, connect: Connect) -> None:
    """A chunked upload is refused once it is longer than allowed."""
    client = connect(serve(limits={"upload_maximum_bytes": 1000}))
    client.send(b"POST /empty.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(b"258\r\n" + b"x" * 600 + b"\r\n")
    client.send(b"258\r\n" + b"x" * 600 + b"\r\n")
    assert client.answer().status == 413


def test_body_that_nobody_wants_is_skipped_if_small(serve: Serve, connect: Connect) -> None:
    """A small body of a GET is read past; a long one is refused."""
    client = connect(serve())
    assert client.ask("/getIP.php", "GET", b"x" * 1000).status == 200
    assert len(client.ask("/garbage.php?ckSize=1", "GET", b"x" * 1000).body) == 1048576
    assert client.ask("/getIP.php", "GET", b"x" * 1_000_000).status == 413
    assert client.ended()


def test_malformed_request_is_answered(serve: Serve, connect: Connect) -> None:
    """What is no request gets a 400 with a reason, and the end."""
    client = connect(serve())
    client.send(b"\x16\x03\x01 hello\r\n\r\n")
    answer = client.answer()
    assert answer.status == 400
    assert b"not understood" in answer.body
    assert client.ended()


def test_long_head_is_refused(serve: Serve, connect: Connect) -> None:
    """A head of more bytes than allowed gets a 431, though the client has not ended it."""
    client = connect(serve(limits={"header_bytes": 2000}))
    client.send(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 5000)
    assert client.answer().status == 431


def test_idle_connection_is_ended(serve: Serve, connect: Connect) -> None:
    """A connection without a request is ended after the idle timeout, also between requests."""
    client = connect(serve(limits=_SHORT))
    begun = time.monotonic()
    assert client.ended()
    assert 0.3 < time.monotonic() - begun < 2


def test_head_byte_by_byte_is_ended(serve: Serve, connect: Connect) -> None:
    """A head that comes a byte at a time is answered 408 after its time, though it never stops."""
    client = connect(serve(limits=_SHORT))
    begun = time.monotonic()
    client.socket.settimeout(0.1)
    while time.monotonic() - begun < 5:
        client.send(b"G")
        try:
            assert client.answer().status == 408
            break
        except TimeoutError:
            continue
    assert time.monotonic() - begun < 2


def test_upload_a_byte_at_a_time_is_ended(serve: Serve, connect: Connect) -> None:
    """An upload that goes on for ever is ended after the transfer's maximum, with a 408."""
    client = connect(serve(limits=_SHORT))
    client.send(b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    begun = time.monotonic()
    client.socket.settimeout(0.1)
    while time.monotonic() - begun < 5:
        client.send(b"x")
        try:
            assert client.answer().status == 408
            break
        except TimeoutError:
            continue
    assert 0.6 < time.monotonic() - begun < 3


def test_stalled_upload_is_ended(serve: Serve, connect: Connect) -> None:
    """An upload that stops in the middle is ended after the idle timeout."""
    client = connect(serve(limits=_SHORT))
    client.send(b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
    begun = time.monotonic()
    assert client.ended()
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("bytes_a_time", [0, 1])
def test_download_nobody_reads_is_ended(serve: Serve, connect: Connect, bytes_a_time: int) -> None:
    """A client that takes a download a byte at a time, or not at all, is ended in time."""
    client = connect(serve(limits=_SHORT))
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(b"GET /garbage.php?ckSize=100 HTTP/1.1\r\nHost: x\r\n\r\n")
    client.head()
    begun = time.monotonic()
    watching = connect(client.socket.getpeername()[1])
    while b"linewatch_server_connections_open 2" in watching.ask("/metrics").body:
        assert time.monotonic() - begun < 5
        if bytes_a_time:
            client.socket.recv(bytes_a_time)
        time.sleep(0.1)
    assert b"linewatch_server_connections_timed_out_total 1" in watching.ask("/metrics").body


def test_fast_answers_after_each_other(serve: Serve, connect: Connect) -> None:
    """Small answers leave at once: twenty round trips on loopback take far less than a second."""
    client = connect(serve())
    client.ask("/empty.php")
    begun = time.monotonic()
    for _ in range(20):
        client.ask("/empty.php")
    assert time.monotonic() - begun < 0.5
