"""ndt7 (v0.11.0): the upgrade to its WebSocket, and one direction of a test on it.

The bytes move as everywhere in this server: a download's payload comes from the pool by sendfile,
an upload's is dropped in the kernel; it is masked, and nobody unmasks it.
"""

import contextlib
import secrets
from http import HTTPStatus
from typing import TypeVar

from protocol import ndt7, websocket
from protocol.ndt7 import (
    AppInfo,
    ConnectionInfo,
    Measurement,
    TcpMeasurement,
    next_message_bytes,
)
from protocol.websocket import CloseCode, FrameError, Frames, Message, Opcode
from server.addresses import plain_address
from server.answer import Headers
from server.channel import GarbagePool
from server.errors import ClientGone, HttpError
from server.exchange import Exchange
from server.request import Request, tokens_of
from server.tests_seen import Counting, Direction

_Received = TypeVar("_Received", int, bytes)

_READ_BYTES = 4096
"""What is read at once of what a client sends during its download: there should be very little."""

_SMALL_FRAME_BYTES = 1024
"""ndt7's shortest binary message. Shorter ones are no measurement: their cost is the parser's."""

_MAXIMUM_DIGITS = 6
"""Of `early_exit`: a terabyte."""


def upgrade(request: Request) -> Headers:
    """Return the headers of the answer that opens ndt7's WebSocket.

    Raises:
        HttpError: 426, the request asks for no WebSocket that we speak; 400, for none of ndt7.
    """
    headers = request.headers
    asks = headers.get("upgrade", "").lower() == "websocket"
    if not asks or "upgrade" not in tokens_of(headers.get("connection", "")):
        raise HttpError(
            HTTPStatus.UPGRADE_REQUIRED,
            "this is ndt7's: it takes a WebSocket (RFC 6455)",
            (("Upgrade", "websocket"),),
        )
    if headers.get("sec-websocket-version") != websocket.VERSION:
        raise HttpError(
            HTTPStatus.UPGRADE_REQUIRED,
            f"the WebSocket's version has to be {websocket.VERSION}",
            (("Upgrade", "websocket"), ("Sec-WebSocket-Version", websocket.VERSION)),
        )
    if ndt7.SUBPROTOCOL not in tokens_of(headers.get("sec-websocket-protocol", "")):
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"Sec-WebSocket-Protocol has to name {ndt7.SUBPROTOCOL}"
        )
    key = headers.get("sec-websocket-key", "")
    if not websocket.is_key(key):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key has to be 16 bytes in Base64")
    if request.says_http_1_0 or not request.body.done:
        raise HttpError(HTTPStatus.BAD_REQUEST, "an upgrade is HTTP/1.1 and has no body")
    return (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", websocket.accept_of(key)),
        ("Sec-WebSocket-Protocol", ndt7.SUBPROTOCOL),
    )


def early_exit_bytes(query: dict[str, str]) -> int | None:
    """Return after how many acknowledged bytes a download is to end; None where not asked.

    Raises:
        HttpError: 400, it is no number of MB.
    """
    text = query.get(ndt7.EARLY_EXIT_PARAMETER)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAXIMUM_DIGITS and int(text)):
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f"{ndt7.EARLY_EXIT_PARAMETER} has to be a number of MB"
        )
    return int(text) * 1_000_000


class Transfer:
    """One direction of ndt7 on a connection that has been upgraded; it begins when constructed.

    The client's connection is aborted by the watchdog at the hard stop, or where nothing moves for
    the idle timeout: so every call below ends.

    Args:
        exchange: the upgraded request.
        direction: as the client sees it.
        counting: payload is counted there.
    """

    def __init__(self, exchange: Exchange, direction: Direction, counting: Counting) -> None:
        self._exchange = exchange
        self._channel = exchange.channel
        self._clock = exchange.clock
        self._direction = direction
        self._counting = counting
        # What the client says in text is not for us: it is dropped unread, as ndt7 allows.
        self._frames = Frames(masked=True, binary=direction == "upload", kept_text_bytes=0)
        self._client_closed = False
        self._moved = 0
        self._acknowledged = 0
        self._began = self._clock()
        longest = exchange.limits.transfer_maximum_seconds
        self._ends_at = self._began + min(ndt7.DURATION_SECONDS, longest)
        # The goodbye has its own time, also where the operator lets tests run shorter.
        self._stops_at = self._ends_at + ndt7.HARD_STOP_SECONDS - ndt7.DURATION_SECONDS
        self._measure_at = self._began + ndt7.MEASUREMENT_INTERVAL_SECONDS
        self._connection = ConnectionInfo(
            client=_endpoint(self._channel.socket.getpeername()),
            server=_endpoint(self._channel.socket.getsockname()),
        )
        self._progress()

    def download(self, pool: GarbagePool, most: int | None) -> None:
        """Send until the time is over, the client closes, or ``most`` bytes are acknowledged."""
        try:
            # A client that is quick may have sent frames with its request.
            self._take(self._exchange.request.body.beyond)
            self._send_messages(pool, most)
            self._close()
        except FrameError as error:
            self._refuse(error)
        finally:
            self._end()

    def upload(self) -> None:
        """Receive until the time is over or the client closes, and tell it what arrived."""
        try:
            self._count(self._take(self._exchange.request.body.beyond))
            while not self._is_over():
                self._count(self._receive())
                self._measure_if_due()
            self._close()
        except FrameError as error:
            self._refuse(error)
        finally:
            self._end()

    def _send_messages(self, pool: GarbagePool, most: int | None) -> None:
        size = ndt7.FIRST_MESSAGE_BYTES
        position = secrets.randbits(32)
        while not self._is_over() and (most is None or self._acknowledged < most):
            self._send_message(pool, position + self._moved, size)
            size = next_message_bytes(size, self._moved)
            self._measure_if_due()
            data = self._channel.receive_waiting(_READ_BYTES)
            if data is not None:
                self._take(_unless_gone(data))

    def _send_message(self, pool: GarbagePool, position: int, size: int) -> None:
        head = websocket.frame_head(Opcode.BINARY, size, masked=False)
        self._channel.send(head, more=True)
        left = size
        while left:
            count = self._channel.send_garbage(pool, position + size - left, left)
            left -= _unless_gone(count)
            self._count(count)

    def _receive(self) -> int:
        """Take the next bytes: payload into nothing, framing to be read; return the payload's."""
        frames, account = self._frames, self._exchange.account
        skippable = frames.skippable()
        if skippable:
            count = _unless_gone(self._channel.discard(skippable))
            frames.skip(count)
            return count
        count = self._take(_unless_gone(self._channel.receive(frames.wanted())))
        if frames.skippable() < _SMALL_FRAME_BYTES:
            account.pay()
        else:
            account.forgive()
        return count

    def _take(self, data: bytes) -> int:
        """Take framing, and what payload came with it; return how much of that."""
        before = self._frames.data_bytes
        self._heed(self._frames.feed(data))
        return self._frames.data_bytes - before

    def _heed(self, messages: list[Message]) -> None:
        """Heed control frames. Of several pings the newest is answered (RFC 6455, 5.5.3)."""
        self._client_closed |= any(message.opcode is Opcode.CLOSE for message in messages)
        pings = [message.payload for message in messages if message.opcode is Opcode.PING]
        if pings:
            self._channel.send(websocket.frame(Opcode.PONG, pings[-1], masked=False))

    def _is_over(self) -> bool:
        if self._client_closed or self._exchange.stopping():
            return True
        return self._clock() >= self._ends_at

    def _measure_if_due(self) -> None:
        if self._clock() >= self._measure_at:
            self._measure()

    def _measure(self) -> None:
        """Send what was measured so far."""
        now = self._clock()
        self._measure_at = now + ndt7.MEASUREMENT_INTERVAL_SECONDS
        elapsed = round((now - self._began) * 1e6)
        tcp = self._channel.tcp_info()
        self._acknowledged = (tcp and tcp.acknowledged_bytes) or 0
        text = Measurement(
            app_info=AppInfo(elapsed_microseconds=elapsed, moved_bytes=self._moved),
            connection_info=self._connection,
            origin="server",
            test=self._direction,
            tcp_info=None if tcp is None else TcpMeasurement.of(tcp, elapsed),
        ).encode()
        self._channel.send(websocket.frame(Opcode.TEXT, text, masked=False))
        if self._direction == "download":
            self._count(len(text))

    def _count(self, count: int) -> None:
        self._progress()
        self._moved += count
        if count and self._counting.add(count, self._clock()):
            self._counting.note(self._channel.tcp_info())

    def _progress(self) -> None:
        """Set the watchdog."""
        idle = self._clock() + self._exchange.limits.idle_timeout_seconds
        self._channel.deadline = min(idle, self._stops_at)

    def _close(self) -> None:
        """Shake hands on the end: our close frame, then whatever comes until the client's.

        Before it the last measurement, which is the summary.
        """
        self._measure()
        code = CloseCode.GOING_AWAY if self._exchange.stopping() else CloseCode.NORMAL
        self._channel.send(websocket.close_frame(code, masked=False))
        # A client that ends without a word is forgiven, as ndt7 asks.
        with contextlib.suppress(ClientGone):
            while not self._client_closed:
                self._receive()

    def _refuse(self, error: FrameError) -> None:
        """Tell the client what it did wrong; the connection ends."""
        self._channel.send(websocket.close_frame(error.code, str(error), masked=False))

    def _end(self) -> None:
        self._exchange.forgive(self._moved)
        self._counting.note(self._channel.tcp_info())


def _unless_gone(received: _Received) -> _Received:
    """Return what was received; nothing at all means that the client has ended.

    Raises:
        ClientGone: it has.
    """
    if not received:
        raise ClientGone
    return received


def _endpoint(address: tuple[str, int]) -> str:
    """Return a socket's address as ndt7 writes it: ADDRESS:PORT, an IPv6 address in brackets."""
    host, port = plain_address(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
