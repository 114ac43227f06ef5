"""Small requests over HTTP/1.1, on a connection that stays open."""

import contextlib
import errno
import re
import socket
import threading
import time
from dataclasses import dataclass, field, replace

from probe.engine import MeasurementError
from probe.failure import ERRORS, classify
from probe.transfer import kernel
from probe.transfer.dial import Dialer
from probe.transfer.framing import Head, payload_of, request_head, take_head
from probe.transfer.guard import Guard
from protocol.failures import Failure

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The body of a small request. The largest is a server's view of a test: 32 streams with samples
of 20 s are below 400 KiB."""

ANSWER_SECONDS = 5.0
"""Time allowed for the whole answer to a small request. Longer than any buffer on the way should
hold a packet."""

_READ_BYTES = 16 * 1024

_SERVER_TIMING = re.compile(r"linewatch;dur=(\d{1,6}\.\d{3})")
"""Milliseconds, in the header that browsers show their users (W3C Server Timing)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to a small request.

    Attributes:
        head: status and headers.
        body: the payload.
        seconds: how long the request and the head of its answer were on their way.
        taken_off_seconds: how much longer it took until this program had the head: what the
            server says that it took itself, as far as it is believed, and this device to wake the
            program.
        server_seconds: the server's part of it; None where it tells none.
    """

    head: Head
    body: bytes
    seconds: float
    taken_off_seconds: float
    server_seconds: float | None


def server_seconds(head: Head, connection: socket.socket, waited_seconds: float) -> float | None:
    """Return what a Linewatch server says that it took to answer; None where it does not say.

    Of the waiting it is believed as much as leaves the smallest round trip that the probe's kernel
    has seen on the connection: nobody's word makes a way shorter than it was for packets.
    """
    told = _SERVER_TIMING.fullmatch(head.headers.get("server-timing", ""))
    if told is None:
        return None
    tcp = kernel.tcp_state(connection)
    shortest = (tcp.minimum_rtt_seconds if tcp else None) or 0.0
    return min(float(told[1]) / 1e3, max(0.0, waited_seconds - shortest))


@dataclass(slots=True)
class Client:
    """Small requests on one connection that stays open; opens a new one where the server closed.

    Attributes:
        dialer: opens its connections.
        bad_answer: the failure where an answer is not HTTP; `NOT_A_SERVER` until a server has
            shown that it is one.
        local_address: where the last connection left from; None before the first.
    """

    dialer: Dialer
    bad_answer: Failure = Failure.BAD_ANSWER
    sent_bytes: int = field(default=0, init=False)
    received_bytes: int = field(default=0, init=False)
    _connection: socket.socket | None = field(default=None, init=False)
    local_address: str | None = field(default=None, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)
    _waking_seconds: float = field(default=0.0, init=False)

    @property
    def guard(self) -> Guard:
        """The end of all waiting: the dialer's, and `end`."""
        return replace(self.dialer.guard, ended=self._ended)

    @property
    def connection(self) -> socket.socket | None:
        """The connection in use, or None."""
        return self._connection

    def connect(self) -> socket.socket:
        """Return the connection that stays open, a new one where there is none.

        Raises:
            MeasurementError: no connection.
        """
        if self._connection is None:
            guard = self.guard
            guard.check()
            self._connection = connection = self.dialer.dial(guard)
            kernel.stamp_arrivals(connection)
            self.local_address = str(connection.getsockname()[0])
            if self._ended.is_set():
                # `end` came while there was no connection that it could have ended.
                self.close()
                guard.check()
            return connection
        return self._connection

    def get(self, path: str) -> Answer:
        """Return the answer to a GET, within `ANSWER_SECONDS` plus connecting.

        A kept connection that the server has meanwhile closed is replaced once.

        Raises:
            MeasurementError: no connection, no answer in time, or no HTTP.
        """
        reused = self._connection is not None
        try:
            return self._exchange(path)
        except MeasurementError as error:
            self.close()
            gone = reused and error.report.code is Failure.CONNECTION_LOST
            if self._ended.is_set() or not gone:
                raise
        return self._exchange(path)

    def _exchange(self, path: str) -> Answer:
        # Connecting is outside of what `seconds` measures.
        connection = self.connect()
        target = self.dialer.target
        request = request_head("GET", target.authority, path)
        try:
            return self._talk(connection, request)
        except MeasurementError:
            self.close()
            raise
        except ValueError as error:
            self.close()
            where = f"http{'s' if target.tls else ''}://{target.authority}{path}"
            raise MeasurementError(self.bad_answer, f"{where}: {error}") from None
        except ERRORS as error:
            self.close()
            raise classify(error, "talk", target.authority) from None

    def _talk(self, connection: socket.socket, request: bytes) -> Answer:
        connection.settimeout(ANSWER_SECONDS)
        started = time.monotonic()
        until = started + ANSWER_SECONDS
        connection.sendall(request)
        self.sent_bytes += len(request)
        buffer = b""
        while (taken := take_head(buffer)) is None:
            data = self._receive(connection, until, begun=bool(buffer))
            if not data:
                raise ConnectionResetError(errno.ECONNRESET, "the server closed without an answer")
            buffer += data
        seconds = time.monotonic() - started
        head, rest = taken
        waking = min(seconds, self._waking_seconds)
        inside = server_seconds(head, connection, seconds - waking)
        body = self._read_body(connection, head, rest, until)
        if not head.keeps_alive:
            self.close()
        taken_off = waking + (inside or 0.0)
        return Answer(head, body, seconds - taken_off, taken_off, inside)

    def _read_body(self, connection: socket.socket, head: Head, data: bytes, until: float) -> bytes:
        body = head.body()
        # The framing is read from the bytes themselves, so that a chunked answer is put together.
        payload = bytearray()
        while True:
            payload += payload_of(body, data)
            if len(payload) > MAX_BODY_BYTES:
                raise ValueError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
            if body.done:
                return bytes(payload)
            data = self._receive(connection, until, begun=True)
            if not data:
                body.close()
                return bytes(payload)

    def _receive(self, connection: socket.socket, until: float, *, begun: bool) -> bytes:
        """Return the next bytes, b"" at the connection's end; looks at the guard meanwhile."""
        while True:
            self.guard.check()
            if time.monotonic() >= until:
                limit = f"within {ANSWER_SECONDS:.0f} s"
                where = self.dialer.target.authority
                if begun:
                    raise MeasurementError(
                        Failure.DEADLINE, f"{where} began to answer but did not end {limit}"
                    )
                raise MeasurementError(
                    Failure.STALLED, f"{where} took the request and gave no answer {limit}"
                )
            connection.settimeout(self.guard.slice_until(until))
            with contextlib.suppress(TimeoutError):
                data, self._waking_seconds = kernel.receive_stamped(connection, _READ_BYTES)
                self.received_bytes += len(data)
                return data

    def end(self) -> None:
        """Wake a thread that is blocked in `get`; it fails at once, and so do all later ones.

        One that is connecting looks every `SLICE_SECONDS`.
        """
        self._ended.set()
        # The thread in `get` may drop it meanwhile.
        connection = self._connection
        if connection is not None:
            kernel.end(connection)

    def close(self) -> None:
        """Close the connection; the next `get` opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
