"""ndt7 on the measurement server, byte by byte: upgrade, load, measurements, goodbye, breaches."""

import contextlib
import itertools
import json
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from protocol import ndt7
from protocol.ndt7 import DOWNLOAD_PATH, SUBPROTOCOL, UPLOAD_PATH
from protocol.websocket import (
    CloseCode,
    Frames,
    Message,
    Opcode,
    accept_of,
    close_frame,
    close_reason,
    frame,
    frame_head,
)
from server.app import MeasurementServer
from server.settings import ServerSettings
from tests.server.conftest import Client, Connect, Serve

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Protocol": f"chat, {SUBPROTOCOL}",
}
MASK = b"\x12\x34\x56\x78"


def headers(**changes: str | None) -> list[str]:
    """Return the lines that ask for an upgrade; ``None`` leaves one out."""
    fields = UPGRADE | {name.replace("_", "-"): value for name, value in changes.items()}
    return [f"{name}: {value}" for name, value in fields.items() if value is not None]


def request(path: str) -> bytes:
    """Return the bytes that ask for an upgrade."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers(), "", ""]).encode()


class Socket:
    """A WebSocket's client end, on a connection that was upgraded."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.frames = Frames(masked=False, binary=True, kept_text_bytes=4096)
        self.messages: list[Message] = []
        self._take(client.read_ahead)

    def read(self) -> bool:
        """Read once; False at the end of the connection."""
        data = self.client.socket.recv(65536)
        self._take(data)
        return bool(data)

    def until(self, opcode: Opcode) -> Message:
        """Read until a frame of a kind has come, and return it."""
        while not (found := [m for m in self.messages if m.opcode is opcode]):
            assert self.read(), f"the server ended after {self.messages}"
        return found[0]

    def measurements(self) -> list[dict[str, Any]]:
        """Return the measurements that came so far."""
        return [json.loads(m.payload) for m in self.messages if m.opcode is Opcode.TEXT]

    def _take(self, data: bytes) -> None:
        self.messages += self.frames.feed(data)


@pytest.fixture(scope="module")
def server() -> Iterator[MeasurementServer]:
    """One server with usual settings for all tests that need no other."""
    server = MeasurementServer(ServerSettings(listen="127.0.0.1:0"))
    yield server
    server.stop()


@pytest.fixture
def upgrade(connect: Connect) -> Callable[..., Socket]:
    """Open ndt7's WebSocket to a server."""

    def open_one(server: MeasurementServer, path: str) -> Socket:
        client = connect(server)
        client.send(request(path))
        assert client.head().status == 101
        return Socket(client)

    return open_one


Upgrade = Callable[..., Socket]


def masked(opcode: Opcode, payload: bytes) -> bytes:
    """Return a client's frame."""
    head = frame_head(opcode, len(payload), masked=True)[:-4] + MASK
    return head + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def test_the_handshake_is_the_specifications(server: MeasurementServer, connect: Connect) -> None:
    """The answer is 101 with our key's answer and ndt7's subprotocol; it has no length."""
    client = connect(server)
    assert client.ask(DOWNLOAD_PATH, "HEAD", b"", *headers()).status == 405
    client.send(request(UPLOAD_PATH))
    head = client.head()
    assert head.status == 101
    assert head.headers["sec-websocket-accept"] == accept_of(KEY)
    assert head.headers["sec-websocket-protocol"] == SUBPROTOCOL
    assert head.headers["connection"].lower() == "upgrade"
    assert "content-length" not in head.headers


@pytest.mark.parametrize(
    "changes, status, says",
    [
        ({"Upgrade": None}, 426, "WebSocket"),
        ({"Connection": "keep-alive"}, 426, "WebSocket"),
        ({"Sec_WebSocket_Version": "8"}, 426, "13"),
        ({"Sec_WebSocket_Protocol": None}, 400, SUBPROTOCOL),
        ({"Sec_WebSocket_Protocol": "net.measurementlab.ndt.v6"}, 400, SUBPROTOCOL),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400, "Key"),
        ({"Sec_WebSocket_Key": None}, 400, "Key"),
        ({"Content_Length": "5"}, 400, "body"),
    ],
)
def test_what_is_no_upgrade_to_ndt7_is_refused(
    server: MeasurementServer,
    connect: Connect,
    changes: dict[str, str | None],
    status: int,
    says: str,
) -> None:
    """A request without WebSocket is told so (426), one for another protocol too (400)."""
    answer = connect(server).ask(DOWNLOAD_PATH, "GET", b"", *headers(**changes))
    assert answer.status == status
    assert says in answer.body.decode()


@pytest.mark.parametrize("query", ["early_exit=", "early_exit=0", "early_exit=x", "a=%ff"])
def test_a_query_that_makes_no_sense_is_refused(
    server: MeasurementServer, connect: Connect, query: str
) -> None:
    """A query that is not to be understood fails the upgrade, as the specification asks."""
    answer = connect(server).ask(f"{DOWNLOAD_PATH}?{query}", "GET", b"", *headers())
    assert answer.status == 400


def test_a_download_grows_measures_and_says_goodbye(serve: Serve, upgrade: Upgrade) -> None:
    """Binary messages come until the time is over, with measurements in between; the last one
    holds what was sent, and the connection ends when both have said goodbye.
    """
    server = serve(limits={"transfer_maximum_seconds": 1})
    socket = upgrade(server, f"{DOWNLOAD_PATH}?client_name=test&test=none-of-ours")
    began = time.monotonic()
    close = socket.until(Opcode.CLOSE)
    assert 0.5 < time.monotonic() - began < 5
    assert close_reason(close.payload) == "1000"
    said = socket.measurements()
    assert 2 <= len(said) <= 11
    last = said[-1]
    assert last["Origin"] == "server"
    assert last["Test"] == "download"
    assert last["ConnectionInfo"]["Server"] == f"127.0.0.1:{server.port}"
    assert last["ConnectionInfo"]["Client"].startswith("127.0.0.1:")
    texts = [m for m in socket.messages if m.opcode is Opcode.TEXT]
    assert last["AppInfo"]["NumBytes"] == socket.frames.data_bytes - len(texts[-1].payload)
    assert 900_000 < last["AppInfo"]["ElapsedTime"] < 5_000_000
    assert last["TCPInfo"]["BytesAcked"] > 1_000_000
    elapsed = [each["AppInfo"]["ElapsedTime"] for each in said]
    # The last one comes with the goodbye, whenever that is.
    assert all(b - a >= 249_000 for a, b in itertools.pairwise(elapsed[:-1]))
    socket.client.send(close_frame(CloseCode.NORMAL, masked=True))
    assert not socket.read()


def test_a_download_ends_early_where_asked(server: MeasurementServer, upgrade: Upgrade) -> None:
    """`early_exit` ends a download once as many MB are acknowledged, long before its time."""
    socket = upgrade(server, f"{DOWNLOAD_PATH}?early_exit=1")
    socket.until(Opcode.CLOSE)
    last = socket.measurements()[-1]
    assert last["TCPInfo"]["BytesAcked"] >= 1_000_000
    assert last["AppInfo"]["ElapsedTime"] < 8_000_000


def test_an_upload_is_counted_and_told(serve: Serve, connect: Connect, upgrade: Upgrade) -> None:
    """What a client sends is counted, in one frame or several, and the last measurement, before
    the server's goodbye, holds all of it; the server's metrics too.
    """
    server = serve()
    socket = upgrade(server, UPLOAD_PATH)
    load = bytes(300_000)
    socket.client.send(masked(Opcode.BINARY, load))
    parts = frame(Opcode.BINARY, load, masked=True), frame(Opcode.CONTINUATION, load, masked=True)
    socket.client.send(bytes([parts[0][0] & 0x7F]) + parts[0][1:])
    socket.client.send(masked(Opcode.PING, b"still there?"))
    socket.client.send(parts[1] + masked(Opcode.TEXT, b'{"Origin": "client"}'))
    assert socket.until(Opcode.PONG).payload == b"still there?"
    socket.client.send(masked(Opcode.CLOSE, struct.pack("!H", 1000)))
    assert close_reason(socket.until(Opcode.CLOSE).payload) == "1000"
    last = socket.measurements()[-1]
    assert last["Test"] == "upload"
    assert last["AppInfo"]["NumBytes"] == 900_000 + len('{"Origin": "client"}')
    assert last["TCPInfo"]["BytesReceived"] > 900_000
    assert not socket.read()
    text = connect(server).ask("/metrics").body.decode()
    assert 'linewatch_server_payload_bytes_total{direction="upload"} 900020.0' in text
    assert 'linewatch_server_requests_total{resource="upload",status="101"} 1.0' in text


def test_an_upload_ends_at_its_time(serve: Serve, upgrade: Upgrade) -> None:
    """A client that never stops is told goodbye, and what it still sends is not counted."""
    socket = upgrade(serve(limits={"transfer_maximum_seconds": 1}), UPLOAD_PATH)
    chunk = masked(Opcode.BINARY, bytes(8192))
    sent = 0
    until = time.monotonic() + 0.7
    while time.monotonic() < until:
        socket.client.send(chunk)
        sent += 8192
        time.sleep(0.01)
    while not any(m.opcode is Opcode.CLOSE for m in socket.messages):
        socket.client.send(chunk)
        socket.client.socket.settimeout(0.05)
        try:
            socket.read()
        except TimeoutError:
            continue
    last = socket.measurements()[-1]
    assert sent <= last["AppInfo"]["NumBytes"]
    assert last["AppInfo"]["ElapsedTime"] >= 900_000


BREACHES = {
    "unmasked": (b"\x82\x05hello", 1002),
    "reserved bit": (b"\xf2\x80" + MASK, 1002),
    "long ping": (b"\x89\xfe\x00\x7e" + MASK, 1002),
    "ping in parts": (b"\x09\x80" + MASK, 1002),
    "too long": (b"\x82\xff" + struct.pack("!Q", 1 << 25) + MASK, 1009),
}


@pytest.mark.parametrize("data, code", BREACHES.values(), ids=list(BREACHES))
def test_a_breach_ends_the_upload_with_its_code(
    server: MeasurementServer, upgrade: Upgrade, data: bytes, code: int
) -> None:
    """A client that breaks the protocol is told how, and the connection ends."""
    socket = upgrade(server, UPLOAD_PATH)
    socket.client.send(data)
    assert close_reason(socket.until(Opcode.CLOSE).payload).startswith(str(code))
    assert not socket.read()


def test_load_from_the_client_of_a_download_is_refused(
    server: MeasurementServer, upgrade: Upgrade
) -> None:
    """A client that sends load in its download is told that this is not supported (1003)."""
    socket = upgrade(server, DOWNLOAD_PATH)
    socket.client.send(masked(Opcode.BINARY, bytes(1024)))
    assert close_reason(socket.until(Opcode.CLOSE).payload).startswith("1003")


def test_a_ping_within_a_download_is_answered(server: MeasurementServer, upgrade: Upgrade) -> None:
    """The newest of several pings is answered between two messages."""
    socket = upgrade(server, DOWNLOAD_PATH)
    socket.client.send(masked(Opcode.PING, b"one") + masked(Opcode.PING, b"two"))
    assert socket.until(Opcode.PONG).payload == b"two"


@pytest.mark.parametrize(
    "limits, hard_stop_seconds",
    [({"transfer_maximum_seconds": 0.5}, 10.5), ({"idle_timeout_seconds": 1}, 13.0)],
    ids=["at the hard stop", "after the idle timeout"],
)
def test_a_client_that_takes_nothing_is_cut_off(
    serve: Serve,
    upgrade: Upgrade,
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, float],
    hard_stop_seconds: float,
) -> None:
    """A download that nobody reads is ended without a goodbye: none can be sent any more."""
    monkeypatch.setattr(ndt7, "HARD_STOP_SECONDS", hard_stop_seconds)
    server = serve(limits=limits)
    socket = upgrade(server, DOWNLOAD_PATH)
    socket.client.socket.settimeout(20)
    until = time.monotonic() + 15
    while len(server._connections) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(server._connections) == 0
    with pytest.raises(ConnectionResetError):
        socket.until(Opcode.CLOSE)


def test_ndt7_counts_as_a_test(serve: Serve, connect: Connect, upgrade: Upgrade) -> None:
    """A server that may run one test refuses ndt7's beside it with 503, before any upgrade."""
    server = serve(limits={"tests": 1})
    upgrade(server, DOWNLOAD_PATH)
    answer = connect(server, source="127.0.0.2").ask(UPLOAD_PATH, "GET", b"", *headers())
    assert answer.status == 503
    assert "retry-after" in answer.headers


def test_a_server_that_stops_says_that_it_goes_away(serve: Serve, upgrade: Upgrade) -> None:
    """Running tests are told goodbye (1001) when the server stops."""
    server = serve()
    socket = upgrade(server, DOWNLOAD_PATH)
    socket.read()
    server._service.stopping = True
    assert close_reason(socket.until(Opcode.CLOSE).payload) == "1001"


def test_tiny_frames_are_paid_for(serve: Serve, connect: Connect, upgrade: Upgrade) -> None:
    """A client that sends its upload in frames of a byte takes no more of the processor than its
    share: it has to wait for the rest.
    """
    server = serve()
    socket = upgrade(server, UPLOAD_PATH)
    socket.client.socket.settimeout(0.5)
    tiny = masked(Opcode.BINARY, b"x") * 20_000
    with contextlib.suppress(TimeoutError):  # the server reads more slowly than we send
        while True:
            socket.client.send(tiny)

    def waited() -> float:
        text = connect(server, source="127.0.0.2").ask("/metrics").body.decode()
        return float(text.partition("\nlinewatch_server_waited_seconds_total ")[2].split()[0])

    until = time.monotonic() + 20
    while waited() < 0.1:
        assert time.monotonic() < until
        time.sleep(0.1)
