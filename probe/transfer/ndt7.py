"""The streams of the engine `ndt7`: one WebSocket of binary messages, each way.

Messages are skipped, not copied: what arrives is dropped in the kernel as soon as a message's head
has told its length, and what is sent goes from a memory file to the socket. The masking key that
makes this possible is `protocol.websocket.NO_MASK`.
"""

import base64
import contextlib
import secrets
import select
import socket
import ssl
import time
from abc import abstractmethod
from typing import Final

from pydantic import ValidationError

from probe.admission import BUSY_STATUS, busy
from probe.engine import MeasurementError
from probe.failure import ERRORS
from probe.transfer import kernel
from probe.transfer.dial import Dialer
from probe.transfer.framing import SWITCHING, Head, request_head
from probe.transfer.stream import BLOCK_SECONDS, SendingStream, Stream
from protocol import websocket
from protocol.failures import Failure
from protocol.ndt7 import FIRST_MESSAGE_BYTES, SUBPROTOCOL, Measurement, next_message_bytes
from protocol.results import TcpInfo
from protocol.websocket import CloseCode, Frames, Message, Opcode

LINGER_SECONDS: Final = 1.0
"""How long the two ends may take to say goodbye after the test: a round trip and what the queues
hold. It is cut off then: the result stands already."""

_KEPT_TEXT_BYTES: Final = 16 * 1024
"""The longest message of the server's that is read; they are 500 bytes, M-Lab's 3 KiB."""

_KEPT_MEASUREMENTS: Final = 1000
"""Ten a second for a hundred seconds; of further ones only the last is kept."""

_TLS_BUFFER_BYTES: Final = 256 * 1024
_LOOK_BYTES: Final = 4096


class Ndt7Stream(Stream):
    """A WebSocket to an ndt7 server. It ends by itself when its test is over.

    Args:
        dialer: opens its connection.
        path: what to ask for, the query included.
        seconds: how long its test lasts from the end of the handshake.
        binary: whether the server is the one that sends the load.

    Attributes:
        opened_at: `time.monotonic()` at the end of the WebSocket handshake, ndt7's zero; or None.
        closed_at: when the server said goodbye, which it may at any time; or None.
        close_reason: in the server's words.
        measurements: what the server measured, in the order it came.
        software: what the server calls itself, or None.
        local_address: where the connection left from, or None.
        last_tcp: the kernel's view when the connection ended, or None.
    """

    def __init__(self, dialer: Dialer, path: str, seconds: float, *, binary: bool) -> None:
        super().__init__(0, dialer)
        self.opened_at: float | None = None
        self.closed_at: float | None = None
        self.close_reason = ""
        self.measurements: list[Measurement] = []
        self.software: str | None = None
        self.local_address: str | None = None
        self.last_tcp: TcpInfo | None = None
        self._path = path
        self._seconds = seconds
        self._ends_at = 0.0
        self._frames = Frames(masked=False, binary=binary, kept_text_bytes=_KEPT_TEXT_BYTES)
        self._pieces = memoryview(bytearray(_TLS_BUFFER_BYTES if dialer.target.tls else 0))

    def wait(self, seconds: float) -> None:
        """Wait until the stream has ended by itself, at most so long."""
        self._thread.join(seconds)

    @abstractmethod
    def _load(self, connection: socket.socket) -> None:
        """Load the line until `_is_over`."""

    def _open(self) -> None:
        super()._open()
        if self._connection is not None:
            self.local_address = str(self._connection.getsockname()[0])

    def _close(self) -> None:
        self.last_tcp = self.tcp() or self.last_tcp
        super()._close()

    def _move(self, connection: socket.socket) -> None:
        """Run the whole test: handshake, load, goodbye."""
        early = self._shake_hands(connection)
        if early is None:
            return
        try:
            self._take(connection, early)
            self._load(connection)
            self._say_goodbye(connection)
        except (MeasurementError, *ERRORS):
            # ndt7's servers may end a test without a word once its time is over.
            if time.monotonic() < self._ends_at:
                raise
        self._ending = True

    def _is_over(self) -> bool:
        if self._ending or self.closed_at is not None:
            return True
        return time.monotonic() >= self._ends_at

    def _shake_hands(self, connection: socket.socket) -> bytes | None:
        """Ask for the WebSocket; return what came after the answer, None where the stream ended."""
        key = base64.b64encode(secrets.token_bytes(16)).decode("ascii")
        headers = (
            "Connection: Upgrade",
            "Upgrade: websocket",
            f"Sec-WebSocket-Version: {websocket.VERSION}",
            f"Sec-WebSocket-Key: {key}",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        )
        target = self._dialer.target
        request = request_head("GET", target.authority, self._path, headers=headers)
        self._send(connection, request)
        self._account_for_head(len(request))
        try:
            taken = self._read_head(connection)
        except ValueError as error:
            raise MeasurementError(Failure.NOT_A_SERVER, f"{target.url}: {error}") from None
        if taken is None:
            return None
        head, early = taken
        _check(head, key, target.url)
        self.software = head.headers.get("server", "")[:200] or None
        self.opened_at = self.first_byte_at = time.monotonic()
        self._ends_at = self.opened_at + self._seconds
        return early

    def _account_for_head(self, count: int) -> None:
        """Account for bytes sent that are not payload."""

    def _receive(self, connection: socket.socket) -> None:
        """Take the next bytes: what is left of a message into nothing, framing to be read.

        Blocks for a second at most where nothing comes.
        """
        skippable = self._frames.skippable()
        if not skippable:
            data = self._read(connection, self._frames.wanted())
            if not data:
                self._lost()
            self._take(connection, data)
            return
        with contextlib.suppress(BlockingIOError, TimeoutError):
            while skippable:
                count = self._drop(connection, skippable)
                if not count:
                    self._lost()
                    return
                skippable -= count
                self._frames.skip(count)
            return
        self._dialer.guard.check()

    def _drop(self, connection: socket.socket, limit: int) -> int:
        if self._pieces:
            return connection.recv_into(self._pieces, min(limit, _TLS_BUFFER_BYTES))
        return kernel.receive_blind(connection, limit)

    def _lost(self) -> None:
        """Take the end of the connection; it is no loss where this end brought it about."""
        if not self._ending:
            raise MeasurementError(
                Failure.CONNECTION_LOST,
                f"{self._dialer.target.authority} closed the connection without a goodbye",
            )

    def _take(self, connection: socket.socket, data: bytes) -> None:
        """Take framing, and heed what is not load. Of several pings the newest is answered."""
        messages = self._frames.feed(data)
        for message in messages:
            self._heed(message)
        pings = [message.payload for message in messages if message.opcode is Opcode.PING]
        if pings and self.closed_at is None:
            self._say(connection, websocket.frame(Opcode.PONG, pings[-1], masked=True))

    def _heed(self, message: Message) -> None:
        if message.opcode is Opcode.CLOSE and self.closed_at is None:
            self.closed_at = time.monotonic()
            self.close_reason = websocket.close_reason(message.payload)
        elif message.opcode is Opcode.TEXT:
            # A message that is none is ignored, as ndt7 allows with any text.
            with contextlib.suppress(ValidationError):
                if len(self.measurements) >= _KEPT_MEASUREMENTS:
                    self.measurements.pop()
                self.measurements.append(Measurement.model_validate_json(message.payload))

    def _say(self, connection: socket.socket, data: bytes) -> None:
        self._send(connection, data)
        self._account_for_head(len(data))

    def _say_goodbye(self, connection: socket.socket) -> None:
        """Shake hands on the end, in `LINGER_SECONDS` and what a receive may block."""
        self._say(connection, websocket.close_frame(CloseCode.NORMAL, masked=True))
        until = time.monotonic() + LINGER_SECONDS
        while self.closed_at is None and not self._ending and time.monotonic() < until:
            self._receive(connection)


class Ndt7Download(Ndt7Stream):
    """Takes messages; counts their payload where it arrives."""

    def __init__(self, dialer: Dialer, path: str, seconds: float) -> None:
        super().__init__(dialer, path, seconds, binary=True)

    def moved(self) -> int:
        """See `Stream.moved`: payload of messages, the server's measurements too."""
        return self._frames.data_bytes

    def _leave(self) -> None:
        """What arrived is counted already."""

    def _load(self, connection: socket.socket) -> None:
        while not self._is_over():
            self._receive(connection)


class Ndt7Upload(Ndt7Stream, SendingStream):
    """Sends messages; counts the payload that the far end acknowledged."""

    def __init__(self, dialer: Dialer, path: str, seconds: float) -> None:
        super().__init__(dialer, path, seconds, binary=False)

    def _account_for_head(self, count: int) -> None:
        sending = self._account[1]
        if sending is not None:
            sending.heads += count
            sending.handed += count

    def _load(self, connection: socket.socket) -> None:
        size, sent = FIRST_MESSAGE_BYTES, 0
        try:
            while not self._is_over():
                self._send_message(connection, size, sent)
                sent += size
                size = next_message_bytes(size, sent)
                self._look(connection)
        except OSError:
            # A server that ends the test may have said so before it stopped reading.
            with contextlib.suppress(MeasurementError, *ERRORS):
                self._look(connection)
            if self.closed_at is None:
                raise

    def _send_message(self, connection: socket.socket, size: int, position: int) -> None:
        sending = self._account[1]
        if sending is None:
            return
        head = websocket.frame_head(Opcode.BINARY, size, masked=True)
        self._send(connection, head, more=True)
        self._account_for_head(len(head))
        self._send_random(connection, sending, size, position)

    def _look(self, connection: socket.socket) -> None:
        """Take what the server said meanwhile, without waiting for it."""
        while data := _waiting(connection):
            self._take(connection, data)
        if data is not None:
            self._lost()


def _waiting(connection: socket.socket) -> bytes | None:
    """Return what has arrived already, b"" at the connection's end; None where nothing has."""
    if not isinstance(connection, ssl.SSLSocket):
        try:
            return connection.recv(_LOOK_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
    if not connection.pending():
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        if not poll.poll(0):
            return None
    connection.settimeout(0)
    try:
        return connection.recv(_LOOK_BYTES)
    except ssl.SSLWantReadError:
        return None  # a part of a record, or one that TLS keeps for itself
    finally:
        connection.settimeout(BLOCK_SECONDS)


def _check(head: Head, key: str, url: str) -> None:
    """Raise unless an answer opens ndt7's WebSocket."""
    if head.status == BUSY_STATUS:
        raise busy(head, url)
    if head.status != SWITCHING:
        raise MeasurementError(
            Failure.NOT_A_SERVER, f"{url} answered status {head.status} instead of a WebSocket"
        )
    if head.headers.get("sec-websocket-accept") != websocket.accept_of(key):
        raise MeasurementError(
            Failure.BAD_ANSWER, f"{url}: the WebSocket's handshake does not answer ours"
        )
    if head.headers.get("sec-websocket-protocol") != SUBPROTOCOL:
        raise MeasurementError(
            Failure.NOT_A_SERVER, f"{url} opens a WebSocket, but none of {SUBPROTOCOL}"
        )
