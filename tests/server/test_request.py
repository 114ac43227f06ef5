"""Reading requests off a connection, however its bytes are cut."""

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.channel import Channel
from server.errors import ClientGone, HttpError, TooSlow
from server.request import Request, RequestReader

_HEADER_BYTES = 2048


def _pair() -> tuple[socket.socket, Channel]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=5)
        accepted, address = listener.accept()
    return client, Channel(accepted, address[0], time.monotonic() + 5)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Channel]]:
    """A client's socket and the server's channel of the same connection."""
    client, channel = _pair()
    with client:
        yield client, channel
    channel.close()


def _reader(channel: Channel) -> RequestReader:
    return RequestReader(channel, _HEADER_BYTES, 5, 5)


def _read(pair: tuple[socket.socket, Channel], data: bytes) -> Request | None:
    client, channel = pair
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    return _reader(channel).read()


def test_decodes_path_and_query(pair: tuple[socket.socket, Channel]) -> None:
    """Percent-encoding is decoded; of a parameter given twice the last counts."""
    request = _read(pair, b"GET /get%49P.php?a=%C3%A9&b&a=2 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert request
    assert (request.path, request.query) == ("/getIP.php", {"a": "2", "b": ""})


def test_takes_a_whole_address(pair: tuple[socket.socket, Channel]) -> None:
    """A proxy's form of the target, with scheme and host, means the same."""
    request = _read(pair, b"GET http://x:80/empty.php?r=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert request
    assert (request.path, request.query) == ("/empty.php", {"r": "1"})


@pytest.mark.parametrize(
    "version,connection,keep_alive",
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.1", "Connection: Upgrade, Close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: Keep-Alive\r\n", True),
    ],
)
def test_knows_whether_the_client_stays(
    pair: tuple[socket.socket, Channel], version: str, connection: str, keep_alive: bool
) -> None:
    """HTTP/1.1 stays unless it says close; HTTP/1.0 goes unless it says keep-alive."""
    request = _read(pair, f"GET / HTTP/{version}\r\nHost: x\r\n{connection}\r\n".encode())
    assert request
    assert request.keep_alive is keep_alive


@pytest.mark.parametrize(
    "data,status",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (
            b"POST / HTTP/1.1\r\nHost:x\r\nContent-Length:5\r\nTransfer-Encoding:chunked\r\n\r\n",
            400,
        ),
        (b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /?" + b"&".join([b"a=1"] * 40) + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://[x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 2 * _HEADER_BYTES, 431),
    ],
)
def test_refuses_what_is_no_request(
    pair: tuple[socket.socket, Channel], data: bytes, status: int
) -> None:
    """A malformed, ambiguous, unknown or too long head is refused with its own status."""
    with pytest.raises(HttpError) as caught:
        _read(pair, data)
    assert caught.value.status == status


def test_end_between_requests_is_no_error(pair: tuple[socket.socket, Channel]) -> None:
    """A client may end its connection before a request."""
    assert _read(pair, b"") is None


def test_end_within_a_head_is_one(pair: tuple[socket.socket, Channel]) -> None:
    """A client that ends in the middle of a head has gone."""
    with pytest.raises(ClientGone):
        _read(pair, b"GET / HT")


def test_end_within_a_body_is_one(pair: tuple[socket.socket, Channel]) -> None:
    """A client that ends in the middle of a body has gone; what it sent was counted."""
    request = _read(pair, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert request
    assert request.body.drain(pair[1]) == 3
    with pytest.raises(ClientGone):
        request.body.drain(pair[1])
    assert (request.body.received, request.body.done) == (3, False)


def test_end_within_a_chunk_is_one(pair: tuple[socket.socket, Channel]) -> None:
    """The same holds for a chunked body, and a malformed chunk is refused."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    request = _read(pair, head + b"5\r\nabc")
    assert request
    assert request.body.drain(pair[1]) == 3
    with pytest.raises(ClientGone):
        request.body.drain(pair[1])


def test_malformed_chunk_is_refused(pair: tuple[socket.socket, Channel]) -> None:
    """A chunk whose length is no number is refused."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    request = _read(pair, head + b"zz\r\n")
    assert request
    with pytest.raises(HttpError, match="400"):
        request.body.drain(pair[1])


def test_head_has_a_time_in_all(pair: tuple[socket.socket, Channel]) -> None:
    """A head that comes byte by byte is given up after its time, though bytes keep coming."""
    client, channel = pair
    now = iter([0.0, 0.0, 0.0, 9.0, 11.0])
    client.sendall(b"G")
    reader = RequestReader(channel, _HEADER_BYTES, 10, 60, lambda: _send_and_next(client, now))
    with pytest.raises(TooSlow):
        reader.read()


def _send_and_next(client: socket.socket, now: Iterator[float]) -> float:
    client.sendall(b"E")
    return next(now)


_HEAD_OF_LENGTH = b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
_HEAD_OF_CHUNKS = b"POST /empty.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@st.composite
def _pipelines(draw: st.DrawFn) -> tuple[list[int], bytes]:
    """Requests with bodies of some lengths, and all their bytes one after the other."""
    lengths = draw(st.lists(st.integers(0, 5000), min_size=1, max_size=5))
    data = b""
    for length in lengths:
        body = b"x" * length
        if draw(st.booleans()):
            data += _HEAD_OF_LENGTH % length + body
        else:
            data += _HEAD_OF_CHUNKS
            while body:
                piece = body[: draw(st.integers(1, 3000))]
                body = body[len(piece) :]
                data += b"%x\r\n%s\r\n" % (len(piece), piece)
            data += b"0\r\n\r\n"
    return lengths, data


@settings(max_examples=60, deadline=None)
@given(_pipelines(), st.lists(st.integers(1, 700), max_size=20))
def test_pipelined_bodies_are_told_apart(
    pipeline: tuple[list[int], bytes], cuts: list[int]
) -> None:
    """However requests are cut into packets, each body has its own length, none a byte more."""
    lengths, data = pipeline
    client, channel = _pair()
    with client:
        for cut in cuts:
            client.sendall(data[:cut])
            data = data[cut:]
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        seen, already = [], b""
        while request := _reader(channel).read(already):
            while not request.body.done:
                request.body.drain(channel)
            seen.append(request.body.received)
            already = request.body.beyond
    channel.close()
    assert seen == lengths
