"""One stream of a direction: a thread that keeps a connection full, whatever is spoken on it.

A stream connects, waits for the start so that all begin together, and then moves bytes until it is
ended from outside. It never raises: how it ended early stands in `failure`.
"""

import os
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass

from probe.engine import MeasurementError
from probe.failure import ERRORS, classify
from probe.transfer import kernel
from probe.transfer.dial import Dialer
from probe.transfer.framing import Head, take_head
from probe.transfer.guard import start
from protocol.failures import Failure
from protocol.results import FailureReport, TcpInfo

BLOCK_SECONDS = 1.0
"""How long the kernel blocks before a stream looks at the guard. It is woken earlier by its end."""

SEND_BYTES = 1024 * 1024
"""What one sendfile(2) hands over: enough that the cost of the call does not show."""

HEAD_READ_BYTES = 4096


class Stream(ABC):
    """A connection and the thread that keeps it full.

    Args:
        number: counted from 0 within the direction.
        dialer: opens its connections.
        congestion_control: what its sender is to use, where that system has it.

    Attributes:
        number: see above.
        ready: set when the stream is connected, or has failed.
        first_byte_at: `time.monotonic()` of its first payload byte, or None.
        failure: why it ended before it was told to, or None.
    """

    def __init__(self, number: int, dialer: Dialer, congestion_control: str | None = None) -> None:
        self.number = number
        self.congestion_control = congestion_control
        self.ready = threading.Event()
        self.first_byte_at: float | None = None
        self.failure: FailureReport | None = None
        self._dialer = dialer
        self._connection: socket.socket | None = None
        self._go = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"stream {number}", daemon=True)

    def start(self) -> None:
        """Begin to connect.

        Raises:
            MeasurementError: the device has no thread left.
        """
        start(self._thread)

    def go(self) -> None:
        """Begin to move bytes."""
        self._go.set()

    def end(self) -> None:
        """End the stream, wait for its thread (at most `BLOCK_SECONDS`), close its connection."""
        self._ending = True
        self._go.set()
        # The stream's own thread may drop it meanwhile.
        connection = self._connection
        if connection is not None:
            kernel.end(connection)
        if self._thread.is_alive():
            self._thread.join()

    def tcp(self) -> TcpInfo | None:
        """Return the kernel's view of the current connection; None where there is none."""
        connection = self._connection
        return None if connection is None else kernel.tcp_state(connection)

    @abstractmethod
    def moved(self) -> int:
        """Return the payload bytes moved so far. Never falls."""

    @abstractmethod
    def _move(self, connection: socket.socket) -> None:
        """Move bytes over a connection; called again until the stream is ended."""

    @abstractmethod
    def _leave(self) -> None:
        """Account for the connection that is about to be closed."""

    def _run(self) -> None:
        try:
            self._open()
            self.ready.set()
            self._go.wait()
            while not self._ending:
                self._dialer.guard.check()
                if self._connection is None:
                    self._open()
                else:
                    self._move(self._connection)
        except MeasurementError as error:
            self._fail(error)
        except ValueError as error:
            self._fail(MeasurementError(Failure.BAD_ANSWER, f"{self._dialer.target.url}: {error}"))
        except ERRORS as error:
            self._fail(classify(error, "talk", self._dialer.target.authority))
        finally:
            self._close()
            self.ready.set()

    def _open(self) -> None:
        connection = self._dialer.dial()
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(BLOCK_SECONDS)
        else:
            kernel.set_block_limit(connection, BLOCK_SECONDS)
        if self.congestion_control is not None:
            kernel.choose_congestion_control(connection, self.congestion_control)
        self._connection = connection

    def _close(self) -> None:
        connection = self._connection
        if connection is not None:
            self._leave()
            self._connection = None
            kernel.end(connection)
            connection.close()

    def _fail(self, error: MeasurementError) -> None:
        if not self._ending:
            self.failure = error.report

    def _read(self, connection: socket.socket, limit: int) -> bytes:
        """Return the next bytes, b"" at the end of the connection or of the stream."""
        while not self._ending:
            try:
                return connection.recv(limit)
            except (BlockingIOError, TimeoutError):
                self._dialer.guard.check()
        return b""

    def _read_head(self, connection: socket.socket) -> tuple[Head, bytes] | None:
        """Return an answer's head and the bytes after it; None where the stream was ended."""
        buffer = b""
        while (taken := take_head(buffer)) is None:
            data = self._read(connection, HEAD_READ_BYTES)
            if not data:
                if self._ending:
                    return None
                raise MeasurementError(
                    Failure.CONNECTION_LOST,
                    f"{self._dialer.target.authority} closed the connection without an answer",
                )
            buffer += data
        return taken

    def _send(self, connection: socket.socket, data: bytes, *, more: bool = False) -> None:
        """Send all of a request's head; ``more`` says that payload follows at once."""
        view = memoryview(data)
        flags = socket.MSG_MORE if more and not isinstance(connection, ssl.SSLSocket) else 0
        while view and not self._ending:
            try:
                view = view[connection.send(view, flags) :]
            except (BlockingIOError, TimeoutError):
                self._dialer.guard.check()


@dataclass(slots=True)
class Sending:
    """What went over one connection of an upload.

    Attributes:
        connection: the connection.
        acknowledged_before: what was acknowledged on it before the first request (the handshakes).
        payload_share: payload of each byte on the wire: below 1 where TLS wraps it.
        heads: bytes of request heads handed over.
        handed: bytes handed over, heads included.
    """

    connection: socket.socket
    acknowledged_before: int
    payload_share: float
    heads: int = 0
    handed: int = 0

    def acknowledged_payload(self) -> int | None:
        """Return the payload that the far end's kernel acknowledged; None once closed."""
        total = kernel.acknowledged_bytes(self.connection, self.handed)
        if total is None:
            return None
        return max(0, int((total - self.acknowledged_before) * self.payload_share) - self.heads)


class SendingStream(Stream):
    """A stream that sends; counts the payload that the far end acknowledged."""

    def __init__(self, number: int, dialer: Dialer, congestion_control: str | None = None) -> None:
        super().__init__(number, dialer, congestion_control)
        kernel.source()  # made before the clock runs: a small device takes a while
        # One assignment each, so that the sampler never sees one without the other.
        self._account: tuple[int, Sending | None] = (0, None)
        self._highest = 0

    def moved(self) -> int:
        """See `Stream.moved`: bytes acknowledged, over all connections so far."""
        finished, sending = self._account
        current = sending.acknowledged_payload() if sending else 0
        if current is not None:
            self._highest = max(self._highest, finished + current)
        return self._highest

    def _open(self) -> None:
        super()._open()
        connection = self._connection
        if connection is not None:
            before = kernel.acknowledged_bytes(connection, 0) or 0
            sending = Sending(connection, before, payload_share(connection))
            self._account = (self._highest, sending)

    def _leave(self) -> None:
        self._account = (self.moved(), None)

    def _send_random(
        self, connection: socket.socket, sending: Sending, length: int, position: int = 0
    ) -> None:
        """Send ``length`` random bytes of the source, from a position in it that goes round."""
        in_kernel = not isinstance(connection, ssl.SSLSocket)
        source = kernel.source()
        left = length
        while left and not self._ending:
            # The place in the source follows from what was sent, so that the bytes go round.
            at = (position + length - left) % kernel.SOURCE_BYTES
            count = min(left, SEND_BYTES, kernel.SOURCE_BYTES - at)
            try:
                if in_kernel:
                    sent = os.sendfile(connection.fileno(), source, at, count)
                else:
                    sent = connection.send(kernel.source_bytes()[at : at + count])
            except (BlockingIOError, TimeoutError):
                self._dialer.guard.check()
                continue
            left -= sent
            sending.handed += sent


_TLS_RECORD_BYTES = 16 * 1024
"""The payload of a full TLS record (RFC 8446 section 5.1); bulk data fills them."""


def payload_share(connection: socket.socket) -> float:
    """Return how much of each byte on the wire is payload: 1.0 without TLS.

    Each record adds a header of 5 bytes and a tag of 16, TLS 1.3 a content type byte, and TLS 1.2
    with AES-GCM an explicit nonce of 8 (RFC 8446 section 5.2, RFC 5288 section 3).
    """
    if not isinstance(connection, ssl.SSLSocket):
        return 1.0
    added = 5 + 16
    cipher = connection.cipher()
    if connection.version() == "TLSv1.3":
        added += 1
    elif cipher and "GCM" in cipher[0]:
        added += 8
    return _TLS_RECORD_BYTES / (_TLS_RECORD_BYTES + added)
